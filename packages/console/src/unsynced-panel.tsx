import { Link, makeStyles, Text, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { pathOf } from "./api.ts";
import { plural } from "./format.ts";
import { itemsOf, usePages } from "./hooks.ts";
import { Panel } from "./panel.tsx";
import { Empty, Failed, More, Name, Time, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import type { UnsyncedRecord } from "./types.ts";

const useStyles = makeStyles({
  list: { listStyle: "none", margin: 0, padding: 0 },
  item: {
    display: "grid",
    gap: tokens.spacingVerticalXXS,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    padding: `${tokens.spacingVerticalS} 0`,
    overflowWrap: "anywhere",
  },
  quiet: { color: tokens.colorNeutralForeground3 },
});

/** The records of a sync that are not as they should be: what is wrong with each, and when it is tried again. */
export function UnsyncedPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const styles = useStyles();
  const pages = usePages<UnsyncedRecord>(["unsynced", id], (after) =>
    pathOf(["syncs", id, "unsynced"], { after, limit: 50 }),
  );
  const records = itemsOf(pages.data);
  return (
    <Panel title={<bdi>{`Unsynced records of ${id}`}</bdi>} onClose={onClose}>
      {pages.isPending && <Waiting lines={6} size={32} />}
      {pages.error !== null && <Failed error={pages.error} retry={pages.refetch} />}
      {pages.data !== undefined && records.length === 0 && <Empty>No record is listed as unsynced.</Empty>}
      <ul className={styles.list}>
        {records.map((record) => (
          <li key={record.id} className={styles.item}>
            <Link href={hrefOf({ panel: "person", id: record.id })}>
              <Text weight="semibold">
                <Name>{record.name}</Name>
              </Text>
            </Link>
            <Text>
              <bdi>{record.detail}</bdi>
            </Text>
            {record.fix !== "" && <Text size={200}>{record.fix}</Text>}
            <Text size={200} className={styles.quiet}>
              {record.code} · since <Time at={record.since} />
              {record.attempts > 0 && ` · ${plural(record.attempts, "attempt", "attempts")}`}
              {record.state === "dead" && " · not tried by itself any more"}
              {record.retryAt !== null && (
                <>
                  {" "}
                  · tried again <Time at={record.retryAt} due />
                </>
              )}
            </Text>
          </li>
        ))}
      </ul>
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </Panel>
  );
}
