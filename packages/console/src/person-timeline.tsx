import type { Attributes, Counts, Value } from "@entrain/core";
import { Badge, Link, makeStyles, Text, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { pathOf } from "./api.ts";
import { ACTIONS } from "./format.ts";
import { itemsOf, REFRESH, usePages } from "./hooks.ts";
import { useListStyles } from "./list-styles.ts";
import { ActionBadge, Empty, Failed, More, Name, Part, Time, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import { type Happening, happeningsOf } from "./timeline.ts";
import type { JournalEntry } from "./types.ts";
import { Values } from "./values.tsx";

const useStyles = makeStyles({
  summary: { cursor: "pointer", fontSize: tokens.fontSizeBase200 },
  values: { overflowX: "auto" },
});

/** All that the journal tells of one person or group, newest first. */
export function PersonTimeline({ id }: { readonly id: string }): ReactNode {
  const lists = useListStyles();
  const pages = usePages<JournalEntry>(
    ["journal", id],
    (after) => pathOf(["journal"], { person: id, after, limit: 40 }),
    REFRESH,
  );
  const happenings = happeningsOf(itemsOf(pages.data));
  return (
    <Part title="History">
      {pages.isPending && <Waiting lines={3} size={24} />}
      {pages.error !== null && <Failed error={pages.error} retry={pages.refetch} />}
      {pages.data !== undefined && happenings.length === 0 && <Empty>The journal tells nothing of them.</Empty>}
      <ul className={lists.list} aria-label="History">
        {happenings.map((one) => (
          <Item key={`${one.entry.stream} ${one.entry.sequence}`} of={one} />
        ))}
      </ul>
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </Part>
  );
}

function Item({ of: { entry, outcome } }: { readonly of: Happening }): ReactNode {
  const lists = useListStyles();
  const { at, actor, type, target, kind, reason, run } = entry;
  const action = ACTIONS.find((one) => one.action === entry.action)?.action;
  return (
    <li className={lists.item}>
      <div className={lists.head}>
        {action === undefined ? <Text weight="semibold">{inSentence(type)}</Text> : <ActionBadge action={action} />}
        {target !== null && (
          <Text>
            in <Name>{target}</Name>
            {kind !== null && ` · ${kind}`}
          </Text>
        )}
        <Came entry={entry} outcome={outcome} />
      </div>
      {[reason, entry.detail, outcome?.detail].map((text) => text && <Said key={text} text={text} />)}
      <Written action={action} entry={entry} />
      <Text size={200} className={lists.quiet}>
        <Time at={at} /> · by {actor.kind} <Name>{actor.id}</Name>
        {run !== null && (
          <>
            {" "}
            · <Link href={hrefOf({ panel: "run", id: run })}>its run</Link>
          </>
        )}
      </Text>
    </li>
  );
}

function Said({ text }: { readonly text: string }): ReactNode {
  return (
    <Text size={200}>
      <bdi>{text}</bdi>
    </Text>
  );
}

const STATUSES: { readonly [status: string]: string } = {
  applied: "Done",
  unchanged: "Was so already",
  refused: "Refused",
  conflict: "Changed meanwhile",
  not_sent: "Not sent",
};

/** What came of a change; of one whose answer was not heard, nobody knows until the target is asked. */
function Came({ entry, outcome }: Happening): ReactNode {
  const { type, status, code } = entry.type === "intent" && outcome !== null ? outcome : entry;
  if (type === "intent") return <Badge appearance="tint">Not known yet</Badge>;
  if (status === null) return null;
  const done = status === "applied" || status === "unchanged";
  return (
    <Badge appearance="tint" color={done ? "success" : status === "refused" ? "danger" : "warning"}>
      {done && code === "accepted" ? "Accepted by the target" : (STATUSES[status] ?? status)}
      {code !== null && !done && ` (${code})`}
    </Badge>
  );
}

/** What a change writes, attribute by attribute; members are told in their run. */
function Written(props: { readonly action: keyof Counts | undefined; readonly entry: JournalEntry }): ReactNode {
  const styles = useStyles();
  const { action, entry } = props;
  const after = attributesOf(entry.after);
  if (entry.type !== "intent" || action === "members" || after === null) return null;
  return (
    <details>
      <summary className={styles.summary}>What it writes</summary>
      <div className={styles.values}>
        <Values before={attributesOf(entry.before)} after={after} />
      </div>
    </details>
  );
}

function attributesOf(value: Value): Attributes | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Attributes) : null;
}

function inSentence(type: string): string {
  return `${type.slice(0, 1).toUpperCase()}${type.slice(1)}`;
}
