import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { addressOf } from "./api.ts";
import type { Activity } from "./types.ts";

/** What is under way, by the sync's id. */
export type Activities = ReadonlyMap<string, Activity>;

const ActivityContext = createContext<Activities>(new Map());

interface Told {
  readonly items: readonly Activity[];
  readonly newest: { readonly run: string; readonly result: string | null } | null;
}

/** What is under way now, in any process. */
export function useActivities(): Activities {
  return useContext(ActivityContext);
}

/** Follows the one stream that tells everything under way, and reads the lists anew when something has ended. */
export function ActivityProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [activities, setActivities] = useState<Activities>(new Map());
  const [connected, setConnected] = useState(true);

  useEffect(() => {
    let before: ReadonlySet<string> = new Set();
    let lost = false;
    const stream = new EventSource(addressOf("/events"));
    stream.addEventListener("activity", (event: MessageEvent<string>) => {
      const { items, newest } = JSON.parse(event.data) as Told;
      const now = new Set(items.map(({ sync, id }) => `${sync} ${id}`));
      // A run may begin and end between two looks of the server.
      now.add(`newest ${newest?.run} ${newest?.result}`);
      if (!isSame(before, now)) void client.invalidateQueries({ predicate: ({ queryKey }) => LISTS.has(queryKey[0]) });
      before = now;
      setActivities(new Map(items.map((item) => [item.sync, item])));
    });
    // The browser connects again by itself, unless it was refused: then the session has ended, and a read will say so.
    stream.addEventListener("open", () => {
      setConnected(true);
      // Whatever ended while nothing was heard was not told.
      if (lost) void client.invalidateQueries();
      lost = false;
    });
    stream.addEventListener("error", () => {
      lost = true;
      setConnected(false);
      setActivities(new Map());
      if (stream.readyState === EventSource.CLOSED) void client.invalidateQueries({ queryKey: ["session"] });
    });
    return () => stream.close();
  }, [client]);

  return (
    <ActivityContext value={activities}>
      <div role="status">{!connected && <Lost />}</div>
      {children}
    </ActivityContext>
  );
}

/** Says that what is shown may be old; it goes by itself when the server answers again. */
function Lost(): ReactNode {
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>Entrain does not answer.</MessageBarTitle>
        What you see may be old. The page connects again by itself as soon as Entrain runs.
      </MessageBarBody>
    </MessageBar>
  );
}

/** Queries whose answers a run or preview changes, by the first part of their key. */
const LISTS: ReadonlySet<unknown> = new Set([
  "connections",
  "syncs",
  "sync",
  "runs",
  "run",
  "plan",
  "plans",
  "unsynced",
  "pinned",
  "people",
  "person",
  "journal",
]);

function isSame(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return left.size === right.size && [...left].every((each) => right.has(each));
}
