import { Button, useToastController } from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import type { Command } from "./api.ts";
import { TOASTER, useCommand } from "./commands.ts";
import { plural, whatOf } from "./format.ts";
import { Notice } from "./notice.tsx";
import { Name } from "./parts.tsx";
import { Decide, pathTo, Step, type StepProps } from "./review-step.tsx";

/** Takes whoever is picked out of a held plan: to wait on in a plan of their own, or to be left alone until released. */
export function LeavingOut({ name, plan, onBack, onClose }: StepProps): ReactNode {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { dispatchToast } = useToastController(TOASTER);
  const end = (verb: string, next: string): void => {
    const done = `${plural(chosen.size, "record was", "records were")} ${verb}.`;
    dispatchToast(<Notice done={done} next={next} />, { intent: "success" });
    onClose();
  };
  const split = useCommand<unknown>({
    onDone: () => end("left out", "What was left out waits in a plan of its own, and all else under a new digest."),
  });
  const exempt = useCommand<unknown>({
    onDone: () => end("exempted", "No plan changes them until they are released, by the sync's link “left alone”."),
  });
  const onChoose = (id: string): void => setChosen(toggled(chosen, id));
  const records = plural(chosen.size, "record", "records");
  const pending = split.isPending || exempt.isPending;
  const command = (verb: string, field: string): Command => {
    return { method: "POST", path: pathTo(plan, verb), body: { [field]: [...chosen] } };
  };
  return (
    <Step
      title={
        <>
          Leave some out of {whatOf(plan.counts)} of <Name>{name}</Name>?
        </>
      }
      meaning="Whoever you leave out waits on in a plan of its own; whoever you exempt is left alone by every plan until released. Nothing is applied by either."
      plan={plan}
      error={split.error ?? exempt.error}
      choice={{ chosen, onChoose, label: "Leave out" }}
    >
      <Button onClick={onBack}>Back</Button>
      <Button
        disabledFocusable={pending || chosen.size === 0}
        onClick={() => exempt.mutate(command("exempt", "records"))}
      >
        Exempt {records}
      </Button>
      <Decide busy={pending} disabled={chosen.size === 0} onClick={() => split.mutate(command("split", "without"))}>
        Leave {records} out
      </Decide>
    </Step>
  );
}

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return ids.has(id) ? new Set([...ids].filter((one) => one !== id)) : new Set([...ids, id]);
}
