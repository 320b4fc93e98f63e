import {
  Button,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { Play20Regular } from "@fluentui/react-icons/svg/play";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { get, pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { useRunEnd } from "./follow.ts";
import { absoluteTime, countsInWords, totalOf } from "./format.ts";
import { Panel } from "./panel.tsx";
import { Fact, Failed, Waiting } from "./parts.tsx";
import { openPlace } from "./place.ts";
import { PlanContents } from "./plan-contents.tsx";
import { Review } from "./review.tsx";
import { Ways } from "./review-step.tsx";
import { useSyncName } from "./syncs-by-name.ts";
import type { Plan } from "./types.ts";

const useStyles = makeStyles({
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(150px, 1fr))",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
  },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
});

/** A plan that was made to be looked at, and the way to apply exactly it. */
export function PlanPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const plan = useQuery({ queryKey: ["plan", id], queryFn: ({ signal }) => get<Plan>(pathOf(["plans", id]), signal) });
  const name = useSyncName(plan.data?.sync);
  return (
    <Panel title={name === null ? "Plan" : <bdi>{`Plan of ${name}`}</bdi>} onClose={onClose}>
      {plan.isPending && <Waiting lines={5} size={32} />}
      {plan.error !== null && <Failed error={plan.error} retry={plan.refetch} />}
      {plan.data !== undefined && <PlanDetails plan={plan.data} name={name ?? ""} />}
    </Panel>
  );
}

function PlanDetails({ plan, name }: { readonly plan: Plan; readonly name: string }): ReactNode {
  const styles = useStyles();
  const follow = useRunEnd();
  const apply = useCommand<{ readonly run: string }>({
    onDone: ({ run }) => {
      follow(run);
      openPlace({ panel: "run", id: run });
    },
  });
  const { digest, state, counts } = plan;
  const mayDo = (state === "sealed" || state === "held") && digest !== null && totalOf(counts) > 0;
  const holds = plan.holds.length > 0;
  const [open, setOpen] = useState(false);
  return (
    <>
      <div className={styles.facts}>
        <Fact label="Would do">{countsInWords(counts) ?? "Nothing"}</Fact>
        <Fact label="Made">{absoluteTime(plan.createdAt)}</Fact>
      </div>
      {mayDo && <Ways name={name} digest={digest} verb={holds ? "approve" : "apply"} />}
      {!plan.complete && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>A side could be read only in part.</MessageBarTitle>
            Nothing in this plan disables, deletes, removes or clears anything.
          </MessageBarBody>
        </MessageBar>
      )}
      {plan.holds.map((hold) => (
        <MessageBar key={`${hold.code} ${hold.detail}`} intent="warning" layout="multiline">
          <MessageBarBody>{hold.detail}</MessageBarBody>
        </MessageBar>
      ))}
      {mayDo && (
        <div className={styles.actions}>
          {holds && (
            <Button appearance="primary" onClick={() => setOpen(true)}>
              Approve all of it…
            </Button>
          )}
          {state === "sealed" && (
            <Button
              appearance={holds ? "secondary" : "primary"}
              icon={apply.isPending ? <Spinner size="tiny" /> : <Play20Regular />}
              disabledFocusable={apply.isPending}
              onClick={() => apply.mutate(pathOf(["syncs", plan.sync, "plans", digest, "apply"]))}
            >
              {holds ? "Apply without what is held" : "Apply exactly this plan"}
            </Button>
          )}
          <Review name={name} plan={plan} open={open} onRun={follow} onClose={() => setOpen(false)} />
        </div>
      )}
      {apply.error !== null && <Failed error={apply.error} />}
      <PlanContents plan={plan} />
    </>
  );
}
