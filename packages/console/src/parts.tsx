import type { Counts } from "@entrain/core";
import {
  Badge,
  type BadgeProps,
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Skeleton,
  SkeletonItem,
  Spinner,
  Text,
  tokens,
} from "@fluentui/react-components";
import { type ReactNode, useId } from "react";
import { ApiFault } from "./api.ts";
import { ACTIONS, absoluteTime, relativeTime } from "./format.ts";
import { useFocusPassedOn, useNow } from "./hooks.ts";

const useStyles = makeStyles({
  empty: { color: tokens.colorNeutralForeground3, padding: `${tokens.spacingVerticalL} 0`, margin: 0 },
  skeleton: { display: "grid", gap: tokens.spacingVerticalM, padding: `${tokens.spacingVerticalM} 0` },
  more: { display: "flex", justifyContent: "center", padding: tokens.spacingVerticalM },
  name: { unicodeBidi: "isolate", overflowWrap: "anywhere" },
  time: { whiteSpace: "nowrap" },
  sectionHead: { display: "flex", alignItems: "baseline", gap: tokens.spacingHorizontalM, flexWrap: "wrap" },
  part: { display: "grid", gap: tokens.spacingVerticalS, gridTemplateColumns: "minmax(0, 1fr)" },
  partHeading: { margin: 0, fontSize: tokens.fontSizeBase400, fontWeight: tokens.fontWeightSemibold },
  heading: {
    margin: 0,
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
});

/** A name from outside, kept apart from the text around it whatever its direction. */
export function Name({ children }: { readonly children: string }): ReactNode {
  return (
    <bdi className={useStyles().name} dir="auto">
      {children}
    </bdi>
  );
}

/** A moment, past or due, in words, with the exact time behind it. */
export function Time({ at, due = false }: { readonly at: number; readonly due?: boolean }): ReactNode {
  const now = useNow();
  return (
    <time className={useStyles().time} dateTime={new Date(at).toISOString()} title={absoluteTime(at)}>
      {due && at <= now ? "due" : relativeTime(at, now, due)}
    </time>
  );
}

/** A part of the page with its heading. */
export function Section(props: {
  readonly id: string;
  readonly title: string;
  readonly note?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  const styles = useStyles();
  return (
    <section aria-labelledby={props.id}>
      <div className={styles.sectionHead}>
        <h2 id={props.id} className={styles.heading}>
          {props.title}
        </h2>
        {props.note}
      </div>
      {props.children}
    </section>
  );
}

/** A part of a panel with its heading. */
export function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  const styles = useStyles();
  const id = useId();
  return (
    <section aria-labelledby={id} className={styles.part}>
      <h3 id={id} className={styles.partHeading}>
        {title}
      </h3>
      {children}
    </section>
  );
}

/** There is nothing, and why that is. */
export function Empty({ children }: { readonly children: ReactNode }): ReactNode {
  return <p className={useStyles().empty}>{children}</p>;
}

/** Lines of the height that the content will have. */
export function Waiting({
  lines,
  size = 24,
}: {
  readonly lines: number;
  readonly size?: 16 | 24 | 32 | 48;
}): ReactNode {
  return (
    <Skeleton aria-label="Loading" className={useStyles().skeleton}>
      {Array.from({ length: lines }, (_, line) => line).map((line) => (
        <SkeletonItem key={line} size={size} />
      ))}
    </Skeleton>
  );
}

/** What went wrong, what to do, and a way to try again. */
export function Failed({ error, retry }: { readonly error: unknown; readonly retry?: () => unknown }): ReactNode {
  const fault = error instanceof ApiFault ? error : null;
  return (
    <MessageBar intent="error" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{fault?.message ?? "Something went wrong in this page."}</MessageBarTitle>
        {fault?.fix ?? "Load the page again."}
      </MessageBarBody>
      {retry !== undefined && (
        <MessageBarActions>
          <Button onClick={() => void retry()}>Try again</Button>
        </MessageBarActions>
      )}
    </MessageBar>
  );
}

/** The next page of a list. */
export function More(props: { readonly busy: boolean; readonly onMore: () => unknown }): ReactNode {
  const more = useFocusPassedOn<HTMLDivElement>();
  return (
    <div ref={more} className={useStyles().more}>
      <Button
        onClick={() => void props.onMore()}
        disabledFocusable={props.busy}
        icon={props.busy ? <Spinner size="tiny" /> : null}
      >
        Load more
      </Button>
    </div>
  );
}

type Color = NonNullable<BadgeProps["color"]>;

const RESULTS: { readonly [result: string]: { readonly text: string; readonly color: Color } } = {
  succeeded: { text: "Succeeded", color: "success" },
  partial: { text: "Partly", color: "warning" },
  held: { text: "Held", color: "warning" },
  failed: { text: "Failed", color: "danger" },
  cancelled: { text: "Stopped", color: "informative" },
};

/** How a run ended, or that it has not. */
export function ResultBadge({ result }: { readonly result: string | null }): ReactNode {
  const known = result === null ? { text: "Running", color: "brand" as const } : RESULTS[result];
  return (
    <Badge appearance="tint" color={known?.color ?? "informative"}>
      {known?.text ?? result}
    </Badge>
  );
}

/** What the end of something means, and what to do about it. */
export function Meaning({ text, fix }: { readonly text: string; readonly fix: string }): ReactNode {
  return (
    <Text size={200} style={{ overflowWrap: "anywhere" }}>
      <bdi>{text}</bdi> <span style={{ color: tokens.colorNeutralForeground2 }}>{fix}</span>
    </Text>
  );
}

const COLORS: { readonly [action in keyof Counts]-?: Color } = {
  create: "success",
  join: "brand",
  update: "informative",
  enable: "success",
  disable: "warning",
  delete: "danger",
  members: "informative",
  lookup: "success",
};

/** What a change does. */
export function ActionBadge({ action }: { readonly action: keyof Counts }): ReactNode {
  const noun = ACTIONS.find((one) => one.action === action)?.noun ?? action;
  return (
    <Badge appearance="tint" color={COLORS[action]}>
      {noun}
    </Badge>
  );
}

/** A label and what it stands for, stacked. */
export function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }): ReactNode {
  return (
    <div>
      <Text as="span" block size={200} style={{ color: tokens.colorNeutralForeground3 }}>
        {label}
      </Text>
      <Text as="span" block>
        {children}
      </Text>
    </div>
  );
}
