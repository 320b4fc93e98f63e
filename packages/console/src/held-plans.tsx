import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Spinner,
  Text,
  tokens,
} from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import { pathOf } from "./api.ts";
import { Changes } from "./changes.tsx";
import { useCommand } from "./commands.ts";
import { useRunEnd } from "./follow.ts";
import { countsInWords, plural, totalOf } from "./format.ts";
import { itemsOf, REFRESH, usePages } from "./hooks.ts";
import { Fact, Failed, More, Name, Time } from "./parts.tsx";
import { useSyncName } from "./sync-names.ts";
import type { Plan, PlannedChange } from "./types.ts";

const useStyles = makeStyles({
  bars: { display: "grid", gap: tokens.spacingVerticalS, ":empty": { display: "none" } },
  surface: { maxWidth: "760px", width: "calc(100vw - 32px)" },
  content: { display: "grid", gap: tokens.spacingVerticalM, alignContent: "start" },
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(140px, 1fr))",
    gap: tokens.spacingHorizontalL,
  },
  list: { maxHeight: "42vh", overflowY: "auto", paddingInlineEnd: tokens.spacingHorizontalS },
});

const NAMES_SHOWN = 3;

/** Plans that wait for a person, each with names and the way to look at it and decide. */
export function HeldPlans(): ReactNode {
  const styles = useStyles();
  const pages = usePages<Plan>(
    ["plans", "held"],
    (after) => pathOf(["plans"], { state: "held", after, limit: 20 }),
    REFRESH,
  );
  return (
    <div className={styles.bars}>
      {itemsOf(pages.data).map((plan) => (
        <HeldBar key={plan.plan} plan={plan} />
      ))}
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </div>
  );
}

function HeldBar({ plan }: { readonly plan: Plan }): ReactNode {
  const [open, setOpen] = useState(false);
  const name = useSyncName(plan.sync) ?? "…";
  const first = usePages<PlannedChange>(["changes", plan.plan, null], (after) =>
    pathOf(["plans", plan.plan, "changes"], { after, limit: 50 }),
  );
  const names = [...new Set(itemsOf(first.data).map(({ name }) => name))].slice(0, NAMES_SHOWN);
  const total = totalOf(plan.counts);
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>
          <Name>{name}</Name>: {plural(total, "change waits", "changes wait")} for your approval.
        </MessageBarTitle>
        {plan.holds[0]?.detail}{" "}
        {names.map((name, at) => (
          <span key={name}>
            {at > 0 && ", "}
            <Name>{name}</Name>
          </span>
        ))}
        {total > names.length && names.length > 0 && ` and ${plural(total - names.length, "more", "more")}`}
      </MessageBarBody>
      <MessageBarActions>
        <Button onClick={() => setOpen(true)}>Review</Button>
      </MessageBarActions>
      <Dialog open={open} onOpenChange={(_event, data) => setOpen(data.open)}>
        <Review name={name} plan={plan} onClose={() => setOpen(false)} />
      </Dialog>
    </MessageBar>
  );
}

function Review(props: { readonly name: string; readonly plan: Plan; readonly onClose: () => void }): ReactNode {
  const styles = useStyles();
  const { name, plan, onClose } = props;
  const digest = plan.digest ?? "";
  const follow = useRunEnd(name);
  const approve = useCommand<{ readonly run: string }>({
    onDone: ({ run }) => {
      follow(run);
      onClose();
    },
  });
  const reject = useCommand<null>({ onDone: onClose });
  const pending = approve.isPending || reject.isPending;
  const path = (verb: string): string => pathOf(["syncs", plan.sync, "plans", digest, verb]);
  const total = totalOf(plan.counts);
  return (
    <DialogSurface className={styles.surface}>
      <DialogBody>
        <DialogTitle>
          Approve {plural(total, "change", "changes")} of <Name>{name}</Name>?
        </DialogTitle>
        <DialogContent className={styles.content}>
          {plan.holds.map((hold) => (
            <Text key={`${hold.code} ${hold.detail}`}>{hold.detail}</Text>
          ))}
          <div className={styles.facts}>
            <Fact label="Would do">{countsInWords(plan.counts) ?? "Nothing"}</Fact>
            <Fact label="Waits since">
              <Time at={plan.createdAt} />
            </Fact>
            <Fact label="Digest">
              <Text font="monospace" title={digest}>
                {digest.slice(0, 12)}
              </Text>
            </Fact>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
          <section className={styles.list} aria-label="What would be changed" tabIndex={0}>
            <Changes plan={plan.plan} action={null} />
          </section>
          <Text size={200}>
            Approving applies exactly these changes. Rejecting drops them; the next run looks at these records anew.
          </Text>
          {approve.error !== null && <Failed error={approve.error} />}
          {reject.error !== null && <Failed error={reject.error} />}
        </DialogContent>
        <DialogActions fluid>
          <Button onClick={onClose}>Decide later</Button>
          <Button disabledFocusable={pending} onClick={() => reject.mutate(path("reject"))}>
            Reject
          </Button>
          <Button
            appearance="primary"
            disabledFocusable={pending}
            icon={approve.isPending ? <Spinner size="tiny" /> : null}
            onClick={() => approve.mutate(path("approve"))}
          >
            Approve and apply
          </Button>
        </DialogActions>
      </DialogBody>
    </DialogSurface>
  );
}
