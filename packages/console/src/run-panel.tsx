import { Button, MessageBar, MessageBarBody, MessageBarTitle, makeStyles, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { get, pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { useRunEnd } from "./follow.ts";
import { absoluteTime, countsInWords, duration, number, totalOf, whatOf } from "./format.ts";
import { meaningOf, nothingIn } from "./outcome.ts";
import { Panel } from "./panel.tsx";
import { Empty, Fact, Failed, ResultBadge, Waiting } from "./parts.tsx";
import { openPlace } from "./place.ts";
import { PlanContents } from "./plan-contents.tsx";
import { NotUndone } from "./plan-issues.tsx";
import { Review } from "./review.tsx";
import type { NamedRun, Plan } from "./types.ts";

const useStyles = makeStyles({
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(3, minmax(0, 1fr))",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
    "@media (max-width: 480px)": { gridTemplateColumns: "repeat(2, minmax(0, 1fr))" },
  },
});

/** One run: how it ended, what it did and why. */
export function RunPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const run = useQuery({
    queryKey: ["run", id],
    queryFn: ({ signal }) => get<NamedRun>(pathOf(["runs", id]), signal),
    refetchInterval: ({ state }) => (state.data?.result === null ? 1000 : false),
  });
  const { syncName: name = null, syncRemoved = false } = run.data ?? {};
  return (
    <Panel
      title={name === null ? "Run" : <bdi>{`Run of ${name}${syncRemoved ? " (removed)" : ""}`}</bdi>}
      onClose={onClose}
    >
      {run.isPending && <Waiting lines={5} size={32} />}
      {run.error !== null && <Failed error={run.error} retry={run.refetch} />}
      {run.data !== undefined && <RunDetails run={run.data} />}
    </Panel>
  );
}

function RunDetails({ run }: { readonly run: NamedRun }): ReactNode {
  const styles = useStyles();
  const { counts, ms, plan, result } = run;
  const meaning = meaningOf(run);
  return (
    <>
      <div className={styles.facts}>
        <Fact label="Result">
          <ResultBadge result={run.result} />
        </Fact>
        <Fact label="Began">{absoluteTime(run.startedAt)}</Fact>
        <Fact label="Took">
          {ms === null ? "Still running" : `${duration(ms)}, of it ${duration(run.readMs)} reading`}
        </Fact>
        <Fact label="Applied">{countsInWords(counts) ?? nothingIn(result)}</Fact>
        <Fact label="Failed">{number(run.failed)}</Fact>
        <Fact label="Already right">{number(run.unchanged)}</Fact>
      </div>
      {meaning !== null && (
        <MessageBar
          intent={result === "failed" ? "error" : result === "cancelled" ? "info" : "warning"}
          layout="multiline"
        >
          <MessageBarBody>
            <MessageBarTitle>{meaning.text}</MessageBarTitle>
            {meaning.fix}
          </MessageBarBody>
        </MessageBar>
      )}
      {run.heldPlan !== null && !run.syncRemoved && <HeldPart id={run.heldPlan} name={run.syncName ?? ""} />}
      {isUndoable(run) && <UndoRun run={run} />}
      {plan === null && run.mode === "undo" ? null : plan === null ? (
        <Empty>The run ended before it had a plan.</Empty>
      ) : run.syncRemoved ? (
        <Empty>The plan went with its sync; the journal holds what was applied.</Empty>
      ) : (
        <PlanOf id={plan} />
      )}
    </>
  );
}

/** Whether something that the run did may go back. */
function isUndoable({ result, syncRemoved, mode, counts }: NamedRun): boolean {
  return result !== null && !syncRemoved && mode !== "undo" && Object.values(counts).some((count) => count > 0);
}

/** Plans the inverse of the run, and opens what came of it: there the plan waits for approval. */
function UndoRun({ run }: { readonly run: NamedRun }): ReactNode {
  const undo = useCommand<{ readonly run: string }>({ onDone: (begun) => openPlace({ panel: "run", id: begun.run }) });
  return (
    <div>
      <Button
        disabledFocusable={undo.isPending}
        onClick={() =>
          undo.mutate({ method: "POST", path: pathOf(["syncs", run.sync, "undo"]), body: { run: run.run } })
        }
      >
        Plan to undo this run
      </Button>
      {undo.error !== null && <Failed error={undo.error} />}
    </div>
  );
}

/** What the run kept back, while it still waits. */
function HeldPart({ id, name }: { readonly id: string; readonly name: string }): ReactNode {
  const [open, setOpen] = useState(false);
  const follow = useRunEnd();
  const plan = useQuery({ queryKey: ["plan", id], queryFn: ({ signal }) => get<Plan>(pathOf(["plans", id]), signal) });
  const waits = plan.data?.state === "held";
  // What somebody else decides on meanwhile stays open, to say so.
  if (plan.data === undefined || !(waits || open)) return null;
  return (
    <div>
      <Button appearance="primary" disabledFocusable={!waits} onClick={() => setOpen(true)}>
        Review {whatOf(plan.data.counts)} that {totalOf(plan.data.counts) === 1 ? "waits" : "wait"}
      </Button>
      <Review name={name} plan={plan.data} open={open} onRun={follow} onClose={() => setOpen(false)} />
      <NotUndone plan={plan.data} />
    </div>
  );
}

function PlanOf({ id }: { readonly id: string }): ReactNode {
  const plan = useQuery({ queryKey: ["plan", id], queryFn: ({ signal }) => get<Plan>(pathOf(["plans", id]), signal) });
  if (plan.isPending) return <Waiting lines={5} size={32} />;
  if (plan.error !== null) return <Failed error={plan.error} retry={plan.refetch} />;
  return <PlanContents plan={plan.data} />;
}
