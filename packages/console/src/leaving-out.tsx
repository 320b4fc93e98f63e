import { Button, useToastController } from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { TOASTER, useCommand } from "./commands.ts";
import { plural, whatOf } from "./format.ts";
import { Notice } from "./notice.tsx";
import { Name } from "./parts.tsx";
import { Decide, pathTo, Step, type StepProps } from "./review-step.tsx";

/** Splits a held plan: whoever is picked waits on in a plan of its own. */
export function LeavingOut({ name, plan, onBack, onClose }: StepProps): ReactNode {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { dispatchToast } = useToastController(TOASTER);
  const split = useCommand<unknown>({
    onDone: () => {
      const done = `${plural(chosen.size, "record was", "records were")} left out.`;
      const next = "What was left out waits in a plan of its own, and all else under a new digest.";
      dispatchToast(<Notice done={done} next={next} />, { intent: "success" });
      onClose();
    },
  });
  const onChoose = (id: string): void => setChosen(toggled(chosen, id));
  const body = { without: [...chosen] };
  return (
    <Step
      title={
        <>
          Leave some out of {whatOf(plan.counts)} of <Name>{name}</Name>?
        </>
      }
      meaning="Whoever you pick waits on in a plan of its own. Nothing is applied until you approve one of the two."
      plan={plan}
      error={split.error}
      choice={{ chosen, onChoose, label: "Leave out" }}
    >
      <Button onClick={onBack}>Back</Button>
      <Decide
        busy={split.isPending}
        disabled={chosen.size === 0}
        onClick={() => split.mutate({ method: "POST", path: pathTo(plan, "split"), body })}
      >
        Leave {plural(chosen.size, "record", "records")} out
      </Decide>
    </Step>
  );
}

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return ids.has(id) ? new Set([...ids].filter((one) => one !== id)) : new Set([...ids, id]);
}
