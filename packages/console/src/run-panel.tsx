import { MessageBar, MessageBarBody, MessageBarTitle, makeStyles, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { get, pathOf } from "./api.ts";
import { absoluteTime, countsInWords, duration, number } from "./format.ts";
import { Panel } from "./panel.tsx";
import { Empty, Fact, Failed, ResultBadge, Waiting } from "./parts.tsx";
import { PlanContents } from "./plan-contents.tsx";
import { useSyncName } from "./sync-names.ts";
import type { Plan, Run } from "./types.ts";

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
    queryFn: ({ signal }) => get<Run>(pathOf(["runs", id]), signal),
    refetchInterval: ({ state }) => (state.data?.result === null ? 1000 : false),
  });
  const name = useSyncName(run.data?.sync);
  return (
    <Panel title={name === null ? "Run" : <bdi>{`Run of ${name}`}</bdi>} onClose={onClose}>
      {run.isPending && <Waiting lines={5} size={32} />}
      {run.error !== null && <Failed error={run.error} retry={run.refetch} />}
      {run.data !== undefined && <RunDetails run={run.data} />}
    </Panel>
  );
}

function RunDetails({ run }: { readonly run: Run }): ReactNode {
  const styles = useStyles();
  const { counts, error, ms, plan } = run;
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
        <Fact label="Applied">{countsInWords(counts) ?? (run.result === null ? "–" : "Nothing to change")}</Fact>
        <Fact label="Failed">{number(run.failed)}</Fact>
        <Fact label="Already right">{number(run.unchanged)}</Fact>
      </div>
      {error !== null && (
        <MessageBar intent={run.result === "failed" ? "error" : "warning"} layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{error.message}</MessageBarTitle>
            {error.fix}
          </MessageBarBody>
        </MessageBar>
      )}
      {plan === null ? <Empty>The run ended before it had a plan.</Empty> : <PlanOf id={plan} />}
    </>
  );
}

function PlanOf({ id }: { readonly id: string }): ReactNode {
  const plan = useQuery({ queryKey: ["plan", id], queryFn: ({ signal }) => get<Plan>(pathOf(["plans", id]), signal) });
  if (plan.isPending) return <Waiting lines={5} size={32} />;
  if (plan.error !== null) return <Failed error={plan.error} retry={plan.refetch} />;
  return <PlanContents plan={plan.data} />;
}
