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
  const [reviewed, setReviewed] = useState<Plan | null>(null);
  const name = useSyncName(reviewed?.sync) ?? "…";
  const pages = usePages<Plan>(
    ["plans", "held"],
    (after) => pathOf(["plans"], { state: "held", after, limit: 20 }),
    REFRESH,
  );
  return (
    <div className={styles.bars}>
      {itemsOf(pages.data).map((plan) => (
        <HeldBar key={plan.plan} plan={plan} onReview={setReviewed} />
      ))}
      {/* Here for the same reason: a plan that somebody else decides on goes from the list. */}
      {reviewed !== null && (
        <Review name={name} plan={reviewed} open onRun={follow} onClose={() => setReviewed(null)} />
      )}
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </div>
  );
}

function HeldBar(props: { readonly plan: Plan; readonly onReview: (plan: Plan) => void }): ReactNode {
  const { plan, onReview } = props;
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
        <Button aria-label={`Review ${whatOf(plan.counts)} of ${name}`} onClick={() => onReview(plan)}>
          Review
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}
