import { Button, Link, Text } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { plural } from "./format.ts";
import { itemsOf, REFRESH, useFocusPassedOn, usePages } from "./hooks.ts";
import { useListStyles } from "./list-styles.ts";
import { Panel } from "./panel.tsx";
import { Empty, Failed, More, Name, Time, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import { RecordName } from "./record-name.tsx";
import type { Pin } from "./types.ts";

/** What a sync leaves alone because it was undone or exempted, and the way to have the sync decide on it again. */
export function PinnedPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const styles = useListStyles();
  const pages = usePages<Pin>(
    ["pinned", id],
    (after) => pathOf(["syncs", id, "undone"], { after, limit: 50 }),
    REFRESH,
  );
  const pins = itemsOf(pages.data);
  return (
    <Panel title={<bdi>{`Left alone by ${id}`}</bdi>} onClose={onClose}>
      <Text>No plan changes these until they are released; the next run decides on them again then.</Text>
      {pages.isPending && <Waiting lines={4} size={32} />}
      {pages.error !== null && <Failed error={pages.error} retry={pages.refetch} />}
      {pages.data !== undefined && pins.length === 0 && <Empty>Nothing is left alone.</Empty>}
      <ul className={styles.list} aria-label="Left alone" tabIndex={-1}>
        {pins.map((pin) => (
          <Item key={pin.id} sync={id} pin={pin} />
        ))}
      </ul>
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </Panel>
  );
}

function Item({ sync, pin }: { readonly sync: string; readonly pin: Pin }): ReactNode {
  const styles = useListStyles();
  const release = useCommand<unknown>();
  const item = useFocusPassedOn<HTMLLIElement>();
  const { id, name, record, members, run, actor, at } = pin;
  return (
    <li ref={item} className={styles.item}>
      <div className={styles.head}>
        <RecordName sync={sync} id={id} name={name} />
        <Button
          size="small"
          aria-label={`Release ${name}`}
          disabledFocusable={release.isPending}
          onClick={() =>
            release.mutate({ method: "POST", path: pathOf(["syncs", sync, "release"]), body: { records: [id] } })
          }
        >
          Release
        </Button>
      </div>
      <Text>{[...(record ? ["the record"] : []), ...(members > 0 ? [memberships(members)] : [])].join(" and ")}</Text>
      <Text size={200} className={styles.quiet}>
        {run === null ? "exempted" : <Link href={hrefOf({ panel: "run", id: run })}>its run undone</Link>} by{" "}
        {actor.kind} <Name>{actor.id}</Name> <Time at={at} />
      </Text>
      {release.error !== null && <Failed error={release.error} />}
    </li>
  );
}

function memberships(count: number): string {
  return plural(count, "membership", "memberships");
}
