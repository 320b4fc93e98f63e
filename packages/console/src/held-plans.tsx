import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { pathOf } from "./api.ts";
import { useRunEnd } from "./follow.ts";
import { totalOf, whatOf } from "./format.ts";
import { itemsOf, REFRESH, usePages } from "./hooks.ts";
import { More, Name } from "./parts.tsx";
import { FirstNames, Review } from "./review.tsx";
import { useSyncName } from "./syncs-by-name.ts";
import type { Plan } from "./types.ts";

const useStyles = makeStyles({
  bars: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: tokens.spacingVerticalS,
    ":empty": { display: "none" },
  },
});

/** Plans that wait for a person, each with names and the way to look at it and decide. */
export function HeldPlans(): ReactNode {
  const styles = useStyles();
  // Here, where it outlives the plan that is decided on.
  const follow = useRunEnd();
  const pages = usePages<Plan>(
    ["plans", "held"],
    (after) => pathOf(["plans"], { state: "held", after, limit: 20 }),
    REFRESH,
  );
  return (
    <div className={styles.bars}>
      {itemsOf(pages.data).map((plan) => (
        <HeldBar key={plan.plan} plan={plan} onRun={follow} />
      ))}
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </div>
  );
}

function HeldBar(props: { readonly plan: Plan; readonly onRun: (run: string) => void }): ReactNode {
  const { plan, onRun } = props;
  const [open, setOpen] = useState(false);
  const name = useSyncName(plan.sync) ?? "…";
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>
          <Name>{name}</Name>: {whatOf(plan.counts)} {totalOf(plan.counts) === 1 ? "waits" : "wait"} for your approval.
        </MessageBarTitle>
        {plan.holds[0]?.detail} <FirstNames plan={plan} />
      </MessageBarBody>
      <MessageBarActions>
        <Button aria-label={`Review ${name}`} onClick={() => setOpen(true)}>
          Review
        </Button>
      </MessageBarActions>
      <Review name={name} plan={plan} open={open} onRun={onRun} onClose={() => setOpen(false)} />
    </MessageBar>
  );
}
