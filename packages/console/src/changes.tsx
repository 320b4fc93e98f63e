import type { Counts } from "@entrain/core";
import { Badge, Button, Checkbox, makeStyles, mergeClasses, Text, tokens } from "@fluentui/react-components";
import { ChevronDown20Regular } from "@fluentui/react-icons/svg/chevron-down";
import { ChevronRight20Regular } from "@fluentui/react-icons/svg/chevron-right";
import { type ReactNode, useId, useState } from "react";
import { pathOf } from "./api.ts";
import { number } from "./format.ts";
import { itemsOf, usePages } from "./hooks.ts";
import { ActionBadge, Empty, Failed, More, Name, Waiting } from "./parts.tsx";
import type { PlannedChange } from "./types.ts";
import { Values } from "./values.tsx";

const useStyles = makeStyles({
  list: { listStyle: "none", margin: 0, padding: 0 },
  item: { borderTop: `1px solid ${tokens.colorNeutralStroke2}`, padding: `${tokens.spacingVerticalXS} 0` },
  // Long lists: what is out of sight costs no layout.
  light: { contentVisibility: "auto", containIntrinsicSize: "auto 56px" },
  line: {
    display: "grid",
    gridTemplateColumns: "32px 84px minmax(0, 1fr)",
    gap: tokens.spacingHorizontalS,
    alignItems: "center",
    "@media (max-width: 480px)": { gridTemplateColumns: "32px minmax(0, 1fr)" },
  },
  choosing: {
    gridTemplateColumns: "32px 32px 84px minmax(0, 1fr)",
    "@media (max-width: 480px)": { gridTemplateColumns: "32px 32px minmax(0, 1fr)" },
  },
  badge: { "@media (max-width: 480px)": { gridColumn: "-2" } },
  text: { display: "grid", "@media (max-width: 480px)": { gridColumn: "-2" } },
  reason: { color: tokens.colorNeutralForeground2, overflowWrap: "anywhere" },
  detail: { padding: `${tokens.spacingVerticalS} 0 ${tokens.spacingVerticalM} 40px`, overflowX: "auto" },
  ids: { margin: 0, paddingInlineStart: tokens.spacingHorizontalL, fontFamily: tokens.fontFamilyMonospace },
});

/** Records of a plan that are picked out of it, by object id. */
export interface Choice {
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (objectId: string) => void;
  /** What picking one means, before its name. */
  readonly label: string;
}

/** A plan's changes in the order of their application, each with its reason, page by page. */
export function Changes(props: {
  readonly plan: string;
  readonly action: keyof Counts | null;
  readonly choice?: Choice | undefined;
}): ReactNode {
  const styles = useStyles();
  const { plan, action, choice } = props;
  const pages = usePages<PlannedChange>(["changes", plan, action], (after) =>
    pathOf(["plans", plan, "changes"], { after, action, limit: 50 }),
  );
  const changes = itemsOf(pages.data);
  if (pages.isPending) return <Waiting lines={6} size={32} />;
  if (pages.error !== null && changes.length === 0) return <Failed error={pages.error} retry={pages.refetch} />;
  if (changes.length === 0) return <Empty>This plan holds no such changes.</Empty>;
  return (
    <div>
      <ul className={styles.list} aria-label="Changes">
        {changes.map((change) => (
          <ChangeItem key={change.ordinal} change={change} choice={choice} />
        ))}
      </ul>
      {pages.error !== null && <Failed error={pages.error} retry={pages.fetchNextPage} />}
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </div>
  );
}

function ChangeItem(props: { readonly change: PlannedChange; readonly choice: Choice | undefined }): ReactNode {
  const styles = useStyles();
  const { change, choice } = props;
  const [open, setOpen] = useState(false);
  const detail = useId();
  return (
    <li className={open ? styles.item : `${styles.item} ${styles.light}`}>
      <div className={mergeClasses(styles.line, choice && styles.choosing)}>
        <Button
          appearance="subtle"
          size="small"
          aria-expanded={open}
          aria-controls={detail}
          aria-label={`What changes for ${change.name}`}
          icon={open ? <ChevronDown20Regular /> : <ChevronRight20Regular />}
          onClick={() => setOpen(!open)}
        />
        {choice !== undefined && (
          <Checkbox
            aria-label={`${choice.label} ${change.name}`}
            checked={choice.chosen.has(change.objectId)}
            onChange={() => choice.onChoose(change.objectId)}
          />
        )}
        <span className={styles.badge}>
          <ActionBadge action={change.action} />
        </span>
        <div className={styles.text}>
          <Text weight="semibold">
            <Name>{change.name}</Name> <StateBadge state={change.state} />
          </Text>
          <Text size={200} className={styles.reason}>
            <bdi>{change.reason}</bdi>
          </Text>
        </div>
      </div>
      {open && (
        <div id={detail} className={styles.detail}>
          {change.action === "members" ? (
            <Members change={change} />
          ) : (
            <Values before={change.before} after={change.after} />
          )}
        </div>
      )}
    </li>
  );
}

const STATES: { readonly [state: string]: string } = {
  refused: "Refused by the target",
  conflict: "Changed meanwhile",
  skipped: "Skipped",
  again: "To be tried again",
};

/** Says only what is not as planned. */
function StateBadge({ state }: { readonly state: string }): ReactNode {
  const text = STATES[state];
  return text === undefined ? null : (
    <Badge appearance="tint" color={state === "refused" ? "danger" : "warning"}>
      {text}
    </Badge>
  );
}

function Members({ change }: { readonly change: PlannedChange }): ReactNode {
  const parts = [
    { title: "Added", ids: change.add, total: change.addTotal },
    { title: "Removed", ids: change.remove, total: change.removeTotal },
  ];
  return parts.filter(({ total }) => total > 0).map((part) => <Ids key={part.title} {...part} />);
}

function Ids(props: { readonly title: string; readonly ids: readonly string[]; readonly total: number }): ReactNode {
  const styles = useStyles();
  const { title, ids, total } = props;
  return (
    <div>
      <Text size={200} weight="semibold">
        {title}: {number(total)}
        {total > ids.length && ` (the first ${number(ids.length)} are shown)`}
      </Text>
      <ul className={styles.ids}>
        {ids.map((id) => (
          <li key={id}>
            <Text size={200} font="monospace">
              {id}
            </Text>
          </li>
        ))}
      </ul>
    </div>
  );
}
