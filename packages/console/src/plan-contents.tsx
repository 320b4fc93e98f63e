import type { Counts } from "@entrain/core";
import { makeStyles, Tab, TabList, ToggleButton, tokens } from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { Changes } from "./changes.tsx";
import { ACTIONS, countOf, number, totalOf } from "./format.ts";
import { Empty } from "./parts.tsx";
import { PlanIssues } from "./plan-issues.tsx";
import type { Plan } from "./types.ts";

const useStyles = makeStyles({
  filters: {
    display: "flex",
    flexWrap: "wrap",
    gap: tokens.spacingHorizontalS,
    margin: `${tokens.spacingVerticalM} 0`,
  },
});

/** What a plan would do, and what it could not plan. */
export function PlanContents({ plan }: { readonly plan: Plan }): ReactNode {
  const [tab, setTab] = useState<"changes" | "issues">("changes");
  if (plan.state === "forgotten" || plan.state === "abandoned") {
    return <Empty>This plan's changes are no longer kept here; the journal holds what was applied.</Empty>;
  }
  return (
    <div>
      <TabList
        selectedValue={tab}
        onTabSelect={(_event, { value }) => setTab(value === "issues" ? "issues" : "changes")}
      >
        <Tab value="changes">Changes</Tab>
        <Tab value="issues">Issues</Tab>
      </TabList>
      {tab === "changes" ? <Filtered plan={plan} /> : <PlanIssues plan={plan.plan} />}
    </div>
  );
}

function Filtered({ plan }: { readonly plan: Plan }): ReactNode {
  const styles = useStyles();
  const [action, setAction] = useState<keyof Counts | null>(null);
  const present = ACTIONS.filter((one) => countOf(plan.counts, one.action) > 0);
  if (totalOf(plan.counts) === 0) return <Empty>This plan changes nothing.</Empty>;
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms. */}
      <div className={styles.filters} role="group" aria-label="Show only">
        <ToggleButton size="small" checked={action === null} onClick={() => setAction(null)}>
          All
        </ToggleButton>
        {present.map((one) => (
          <ToggleButton
            key={one.action}
            size="small"
            checked={action === one.action}
            onClick={() => setAction(action === one.action ? null : one.action)}
          >
            {`${one.noun} ${number(countOf(plan.counts, one.action))}`}
          </ToggleButton>
        ))}
      </div>
      <Changes plan={plan.plan} action={action} />
    </>
  );
}
