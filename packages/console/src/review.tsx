import type { Counts } from "@entrain/core";
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  Spinner,
  Text,
  tokens,
} from "@fluentui/react-components";
import { type ReactNode, useEffect, useState } from "react";
import { pathOf } from "./api.ts";
import { Changes } from "./changes.tsx";
import { useCommand } from "./commands.ts";
import { Copyable } from "./copy.tsx";
import { countsInWords, plural, totalOf } from "./format.ts";
import { itemsOf, usePages } from "./hooks.ts";
import { Fact, Failed, Name, Time } from "./parts.tsx";
import { useSession } from "./session.tsx";
import type { Plan, PlannedChange } from "./types.ts";

const useStyles = makeStyles({
  surface: { maxWidth: "760px", width: "calc(100vw - 32px)", boxSizing: "border-box" },
  content: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: tokens.spacingVerticalM,
    alignContent: "start",
  },
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(140px, 1fr))",
    gap: tokens.spacingHorizontalL,
  },
  list: { maxHeight: "38vh", overflowY: "auto", paddingInlineEnd: tokens.spacingHorizontalS },
  // Buttons of three lines' width stand below each other where there is no room.
  actions: { "@media (max-width: 480px)": { gridColumn: "1 / -1", display: "grid" } },
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

/** `61 removals`, where all that a plan does is to remove; otherwise `61 changes`. */
export function whatOf(counts: Counts): string {
  const total = totalOf(counts);
  const removals = counts.disable + counts.delete;
  return total === removals ? plural(total, "removal", "removals") : plural(total, "change", "changes");
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

function Decision({ name, plan, onRun, onClose }: ReviewProps): ReactNode {
  const styles = useStyles();
  const [rejecting, setRejecting] = useState(false);
  const digest = plan.digest ?? "";
  const approve = useCommand<{ readonly run: string }>({
    onDone: ({ run }) => {
      onRun(run);
      onClose();
    },
  });
  const reject = useCommand<null>({ onDone: onClose });
  const pending = approve.isPending || reject.isPending;
  const path = (verb: string): string => pathOf(["syncs", plan.sync, "plans", digest, verb]);
  const what = whatOf(plan.counts);
  return (
    <DialogBody>
      <DialogTitle>
        {rejecting ? "Reject" : "Approve"} {what} of <Name>{name}</Name>?
      </DialogTitle>
      <DialogContent className={styles.content}>
        <Text>
          {rejecting ? (
            <>
              Nothing is done to <FirstNames plan={plan} />. The next run looks at them anew, and may hold them again.
            </>
          ) : (
            <>
              This applies exactly {what}: <FirstNames plan={plan} />. The list below names every one.
            </>
          )}
        </Text>
        {plan.holds.map((hold) => (
          <Text key={`${hold.code} ${hold.detail}`}>{hold.detail}</Text>
        ))}
        <Facts name={name} plan={plan} />
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
        <section className={styles.list} aria-label="What would be changed" tabIndex={0}>
          <Changes plan={plan.plan} action={null} />
        </section>
        {approve.error !== null && <Failed error={approve.error} />}
        {reject.error !== null && <Failed error={reject.error} />}
      </DialogContent>
      <DialogActions fluid className={styles.actions}>
        <Button onClick={rejecting ? () => setRejecting(false) : onClose}>{rejecting ? "Back" : "Decide later"}</Button>
        {!rejecting && plan.state === "held" && (
          <Button disabledFocusable={pending} onClick={() => setRejecting(true)}>
            Reject…
          </Button>
        )}
        <Button
          appearance="primary"
          disabledFocusable={pending}
          icon={pending ? <Spinner size="tiny" /> : null}
          onClick={() => (rejecting ? reject.mutate(path("reject")) : approve.mutate(path("approve")))}
        >
          {rejecting ? `Reject ${what}` : "Approve and apply"}
        </Button>
      </DialogActions>
    </DialogBody>
  );
}

function Facts({ name, plan }: { readonly name: string; readonly plan: Plan }): ReactNode {
  const styles = useStyles();
  return (
    <>
      <div className={styles.facts}>
        <Fact label="Would do">{countsInWords(plan.counts) ?? "Nothing"}</Fact>
        <Fact label={plan.state === "held" ? "Waits since" : "Made"}>
          <Time at={plan.createdAt} />
        </Fact>
      </div>
      <Ways name={name} digest={plan.digest ?? ""} verb="approve" />
    </>
  );
}

/** A plan's digest in full, and the command that does on a command line what the buttons do here. */
export function Ways(props: {
  readonly name: string;
  readonly digest: string;
  readonly verb: "approve" | "apply";
}): ReactNode {
  const { name, digest, verb } = props;
  const demo = useSession().demo ? " --demo" : "";
  return (
    <>
      <Fact label="Digest">
        <Copyable label="the digest" text={digest} />
      </Fact>
      <Fact label="On the command line">
        <Copyable label="the command" text={`npx entrain sync ${verb} ${quoted(name)} --digest ${digest}${demo}`} />
      </Fact>
    </>
  );
}

/** A name as a POSIX shell takes it for one word. */
function quoted(name: string): string {
  return /^[\w.@-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
