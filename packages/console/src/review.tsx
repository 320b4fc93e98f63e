import { Button, Dialog, DialogSurface, MessageBar, MessageBarBody, makeStyles } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { get, pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { plural, totalOf, whatOf } from "./format.ts";
import { itemsOf, usePages } from "./hooks.ts";
import { LeavingOut } from "./leaving-out.tsx";
import { Name } from "./parts.tsx";
import { Decide, pathTo, Step, type StepProps, Ways } from "./review-step.tsx";
import { useSession } from "./session.tsx";
import type { Plan, PlannedChange } from "./types.ts";

const useStyles = makeStyles({
  surface: { maxWidth: "760px", width: "calc(100vw - 32px)", boxSizing: "border-box" },
});

const NAMES_SHOWN = 3;

/** The first names of a plan's changes, and how many there are beside them. */
export function FirstNames({ plan }: { readonly plan: Plan }): ReactNode {
  const first = usePages<PlannedChange>(["changes", plan.plan, null], (after) =>
    pathOf(["plans", plan.plan, "changes"], { after, limit: 50 }),
  );
  const names = [...new Set(itemsOf(first.data).map(({ name }) => name))].slice(0, NAMES_SHOWN);
  const total = totalOf(plan.counts);
  return (
    <>
      {names.map((name, at) => (
        <span key={name}>
          {at > 0 && ", "}
          <Name>{name}</Name>
        </span>
      ))}
      {total > names.length && names.length > 0 && ` and ${plural(total - names.length, "more", "more")}`}
    </>
  );
}

/** A plan that waits for a person: everything it would do, by name, and the two ways to decide. */
export function Review(props: ReviewProps & { readonly open: boolean }): ReactNode {
  const { open, ...rest } = props;
  return open ? <OpenReview {...rest} /> : null;
}

function OpenReview(props: ReviewProps): ReactNode {
  const styles = useStyles();
  const [opener] = useState(() => document.activeElement);
  // Whoever closes the dialog goes on where they opened it.
  useEffect(() => {
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, [opener]);
  return (
    <Dialog open onOpenChange={(_event, data) => data.open || props.onClose()}>
      <DialogSurface className={styles.surface}>
        <Decision {...props} />
      </DialogSurface>
    </Dialog>
  );
}

interface ReviewProps {
  readonly name: string;
  readonly plan: Plan;
  /** Told of the run that an approval began. */
  readonly onRun: (run: string) => void;
  readonly onClose: () => void;
}

/** What may be done with a held plan but to approve it. */
type Other = "reject" | "leave out";

function Decision({ name, plan: given, onRun, onClose }: ReviewProps): ReactNode {
  const now = useQuery({
    queryKey: ["plan", given.plan],
    queryFn: ({ signal }) => get<Plan>(pathOf(["plans", given.plan]), signal),
  });
  const plan = now.data ?? given;
  const [{ step, moved }, setPlace] = useState<{ step: "approve" | Other; moved: boolean }>({
    step: "approve",
    moved: false,
  });
  const go = (to: "approve" | Other): void => setPlace({ step: to, moved: true });
  const back = (): void => go("approve");
  // Somebody else may decide while the dialog is open: nobody should believe that they did.
  if (plan.state !== "held" && plan.state !== "sealed") return <Decided name={name} plan={plan} onClose={onClose} />;
  switch (step) {
    case "approve":
      return <Approval name={name} plan={plan} onRun={onRun} onClose={onClose} moved={moved} onStep={go} />;
    case "reject":
      return <Rejection name={name} plan={plan} onBack={back} onClose={onClose} />;
    case "leave out":
      return <LeavingOut name={name} plan={plan} onBack={back} onClose={onClose} />;
  }
}

const DECISIONS: { readonly [state: string]: string } = {
  approved: "It was approved meanwhile.",
  applying: "It was approved meanwhile, and is being applied.",
  applied: "It was approved meanwhile, and is applied.",
  rejected: "It was rejected meanwhile: nothing of it was done.",
  split: "Somebody left records out of it meanwhile: what is left of it waits as a plan of its own.",
  superseded: "Another plan took its place meanwhile.",
};

function Decided({ name, plan, onClose }: Pick<ReviewProps, "name" | "plan" | "onClose">): ReactNode {
  return (
    <Step
      title={
        <>
          This plan of <Name>{name}</Name> waits no more
        </>
      }
      meaning={DECISIONS[plan.state] ?? "It waits for nobody any more, and nothing of it is done by it."}
      plan={plan}
      error={null}
    >
      <Button appearance="primary" onClick={onClose}>
        Close
      </Button>
    </Step>
  );
}

/** Where two people have to stand behind a plan: how many of them are missing, and who of them cannot be you. */
function Second({ plan: { approval = null } }: { readonly plan: Plan }): ReactNode {
  const { operator } = useSession();
  if (approval === null || approval.missing === 0) return null;
  const bar = approval.barred.find(({ id }) => id === operator);
  const why = bar?.why === "asked" ? "you asked for this plan" : "you changed this sync last";
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        {bar === undefined
          ? `${plural(approval.missing, "approval is", "approvals are")} missing until it is applied.`
          : `Another operator has to approve it: ${why}.`}
      </MessageBarBody>
    </MessageBar>
  );
}

function Approval({
  name,
  plan,
  onRun,
  onClose,
  moved,
  onStep,
}: ReviewProps & { readonly moved: boolean; readonly onStep: (step: Other) => void }): ReactNode {
  const approve = useCommand<{ readonly run: string }>({
    onDone: ({ run }) => {
      onRun(run);
      onClose();
    },
  });
  const what = whatOf(plan.counts);
  return (
    <Step
      title={
        <>
          Approve {what} of <Name>{name}</Name>?
        </>
      }
      meaning={
        <>
          This applies exactly {what}: <FirstNames plan={plan} />. The list below names every one.
        </>
      }
      plan={plan}
      error={approve.error}
      moved={moved}
      note={<Second plan={plan} />}
      ways={<Ways name={name} digest={plan.digest ?? ""} verb="approve" />}
    >
      <Button onClick={onClose}>Decide later</Button>
      {plan.state === "held" && (
        <>
          <Button disabledFocusable={approve.isPending} onClick={() => onStep("leave out")}>
            Leave some out…
          </Button>
          <Button disabledFocusable={approve.isPending} onClick={() => onStep("reject")}>
            Reject…
          </Button>
        </>
      )}
      <Decide busy={approve.isPending} onClick={() => approve.mutate(pathTo(plan, "approve"))}>
        Approve and apply
      </Decide>
    </Step>
  );
}

function Rejection({ name, plan, onBack, onClose }: StepProps): ReactNode {
  const reject = useCommand<null>({ onDone: onClose });
  const what = whatOf(plan.counts);
  return (
    <Step
      title={
        <>
          Reject {what} of <Name>{name}</Name>?
        </>
      }
      meaning={
        <>
          Nothing is done to <FirstNames plan={plan} />. The next run looks at them anew, and may hold them again.
        </>
      }
      plan={plan}
      error={reject.error}
    >
      <Button onClick={onBack}>Back</Button>
      <Decide busy={reject.isPending} onClick={() => reject.mutate(pathTo(plan, "reject"))}>
        Reject {what}
      </Decide>
    </Step>
  );
}
