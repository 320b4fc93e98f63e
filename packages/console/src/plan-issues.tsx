import { Text } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { pathOf } from "./api.ts";
import { itemsOf, usePages } from "./hooks.ts";
import { useListStyles } from "./list-styles.ts";
import { Empty, Failed, More, Name, Part, Waiting } from "./parts.tsx";
import type { Plan, PlanIssue } from "./types.ts";

/** What a plan could not plan; of one that undoes a run, what cannot come back. */
export function PlanIssues({ plan }: { readonly plan: string }): ReactNode {
  const pages = useIssues(plan);
  const issues = itemsOf(pages.data);
  if (pages.isPending) return <Waiting lines={4} size={32} />;
  if (pages.error !== null) return <Failed error={pages.error} retry={pages.refetch} />;
  if (issues.length === 0) return <Empty>Every record could be planned.</Empty>;
  return (
    <>
      <List issues={issues} />
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </>
  );
}

/** What of a run the plan that undoes it leaves as it is, with why; nothing for any other plan. */
export function NotUndone({ plan }: { readonly plan: Pick<Plan, "plan" | "part"> }): ReactNode {
  return plan.part === "undo" ? <Left plan={plan.plan} /> : null;
}

function Left({ plan }: { readonly plan: string }): ReactNode {
  const pages = useIssues(plan);
  const issues = itemsOf(pages.data);
  if (pages.error !== null) return <Failed error={pages.error} retry={pages.refetch} />;
  if (issues.length === 0) return null;
  return (
    <Part title="Not undone">
      <List issues={issues} />
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </Part>
  );
}

function useIssues(plan: string): ReturnType<typeof usePages<PlanIssue>> {
  return usePages<PlanIssue>(["issues", plan], (after) => pathOf(["plans", plan, "issues"], { after, limit: 50 }));
}

function List({ issues }: { readonly issues: readonly PlanIssue[] }): ReactNode {
  const styles = useListStyles();
  return (
    <ul className={styles.list} aria-label="Issues">
      {issues.map((issue) => (
        <li key={issue.ordinal} className={styles.item}>
          <Text weight="semibold">
            <Name>{issue.name ?? issue.objectId ?? issue.code}</Name>
          </Text>
          <Text size={200}>
            <bdi>{issue.detail}</bdi> ({issue.code})
          </Text>
        </li>
      ))}
    </ul>
  );
}
