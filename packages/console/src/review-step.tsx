import {
  Button,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogTitle,
  makeStyles,
  Spinner,
  Text,
  tokens,
} from "@fluentui/react-components";
import { type ReactNode, useEffect, useRef } from "react";
import { pathOf } from "./api.ts";
import { Changes, type Choice } from "./changes.tsx";
import { Copyable } from "./copy.tsx";
import { countsInWords } from "./format.ts";
import { Fact, Failed, Time } from "./parts.tsx";
import { NotUndone } from "./plan-issues.tsx";
import { useSession } from "./session.tsx";
import type { Plan } from "./types.ts";

const useStyles = makeStyles({
  title: { outline: "none" },
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
  // Never so low that nobody sees what they decide on: the dialog scrolls instead.
  list: { minHeight: "200px", maxHeight: "38vh", overflowY: "auto", paddingInlineEnd: tokens.spacingHorizontalS },
  // Buttons of three lines' width stand below each other where there is no room.
  actions: { "@media (max-width: 480px)": { gridColumn: "1 / -1", display: "grid" } },
});

/** What a step back from approving is given. */
export interface StepProps {
  readonly name: string;
  readonly plan: Plan;
  readonly onBack: () => void;
  readonly onClose: () => void;
}

/** Where a decision on a plan is posted to. */
export function pathTo(plan: Plan, verb: string): string {
  return pathOf(["syncs", plan.sync, "plans", plan.digest ?? "", verb]);
}

/** One step of deciding: what it means, the whole plan by name, and its buttons. */
export function Step(props: {
  readonly title: ReactNode;
  readonly meaning: ReactNode;
  readonly plan: Plan;
  readonly error: Error | null;
  readonly choice?: Choice;
  /** What else is to be known before the decision. */
  readonly note?: ReactNode;
  /** The command that does the same on a command line. */
  readonly ways?: ReactNode;
  /** Whether it was come to from another step, whose buttons are gone: its title takes the focus. */
  readonly moved?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  const styles = useStyles();
  const { title, meaning, plan, error, choice, note, ways, moved = true, children } = props;
  const heading = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (moved) heading.current?.focus();
  }, [moved]);
  return (
    <DialogBody>
      <DialogTitle>
        <span ref={heading} tabIndex={-1} className={styles.title}>
          {title}
        </span>
      </DialogTitle>
      <DialogContent className={styles.content}>
        <Text>{meaning}</Text>
        {note}
        {plan.holds.map((hold) => (
          <Text key={`${hold.code} ${hold.detail}`}>{hold.detail}</Text>
        ))}
        <Facts plan={plan} />
        {ways}
        <NotUndone plan={plan} />
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
        <section className={styles.list} aria-label="What would be changed" tabIndex={0}>
          <Changes plan={plan.plan} action={null} choice={choice} />
        </section>
        {error !== null && <Failed error={error} />}
      </DialogContent>
      <DialogActions fluid className={styles.actions}>
        {children}
      </DialogActions>
    </DialogBody>
  );
}

/** The button that does what a step is for. */
export function Decide(props: {
  readonly busy: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}): ReactNode {
  const { busy, disabled = false, onClick, children } = props;
  return (
    <Button
      appearance="primary"
      disabledFocusable={busy || disabled}
      icon={busy ? <Spinner size="tiny" /> : null}
      onClick={onClick}
    >
      {children}
    </Button>
  );
}

function Facts({ plan }: { readonly plan: Plan }): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.facts}>
      <Fact label="Would do">{countsInWords(plan.counts) ?? "Nothing"}</Fact>
      <Fact label={plan.state === "held" ? "Waits since" : "Made"}>
        <Time at={plan.createdAt} />
      </Fact>
    </div>
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
