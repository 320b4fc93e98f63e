import type { LogEntry } from "../state/change-log.ts";
import type { DirectoryObject } from "../state/objects.ts";
import { hidesMembers } from "./collections.ts";
import type { Context } from "./context.ts";
import {
  type DeltaPage,
  prefersMinimal,
  renderReference,
  renderRemoved,
  renderTracked,
  trackedNames,
  tracksManager,
  tracksMembers,
} from "./delta-render.ts";
import type { DeltaState } from "./delta-token.ts";
import type { Rendered } from "./render.ts";

const ENTRIES_MOST = 5000; // Log lines looked at for one page; a page may therefore be empty and still have a next link.

/** What happened to one object within the lines of one page. */
interface Touched {
  readonly names: Set<string>;
  readonly members: Map<DirectoryObject, boolean>;
  readonly managers: Map<DirectoryObject, boolean>;
  whole: boolean;
}

/** One page of a round of changes: reads on from the token's version, so it costs what changed and nothing else. */
export function changedRecords(context: Context, state: DeltaState): DeltaPage {
  const { log } = context.directory;
  const names = new Set(trackedNames(state));
  const touched = new Map<DirectoryObject, Touched>();
  const head = context.view.version;
  const paging = context.deltaPaging;
  let version = state.version;
  let room = paging.members;
  const last = Math.min(head, state.version + ENTRIES_MOST);
  while (version < last && room > 0) {
    const entry = log.entry(version + 1);
    if (entry !== undefined && concerns(entry, state, names)) {
      if (!touched.has(entry.object) && touched.size === paging.objects) break;
      note(touched, entry);
      if (entry.change.type === "member") room--;
    }
    version++;
  }
  const value = [...touched].map(([object, change]) => renderTouched(context, state, object, change));
  const ended = version >= head;
  const issued = ended ? context.now : state.issued;
  const next = { ...state, version, issued, page: ended ? 0 : Math.max(state.page, 1) + 1 };
  return { value, state: { ...next, round: ended ? "delta" : "changes" } };
}

function concerns({ object, change }: LogEntry, state: DeltaState, names: ReadonlySet<string>): boolean {
  if (object.kind !== state.kind) return false;
  if (state.ids !== null && !state.ids.some((id) => id.toLowerCase() === object.id.toLowerCase())) return false;
  switch (change.type) {
    case "updated":
      return change.names.some((name) => names.has(name));
    case "member":
      return tracksMembers(state);
    case "manager":
      return tracksManager(state);
    default:
      return true;
  }
}

function note(touched: Map<DirectoryObject, Touched>, { object, change }: LogEntry): void {
  let found = touched.get(object);
  if (found === undefined) {
    found = { names: new Set(), members: new Map(), managers: new Map(), whole: false };
    touched.set(object, found);
  }
  switch (change.type) {
    case "updated":
      for (const name of change.names) found.names.add(name);
      return;
    case "member":
      found.members.set(change.member, change.added);
      return;
    case "manager":
      if (change.before !== null) found.managers.set(change.before, false);
      if (change.after !== null) found.managers.set(change.after, true);
      return;
    case "created":
    case "restored":
      found.whole = true;
  }
}

function renderTouched(context: Context, state: DeltaState, object: DirectoryObject, change: Touched): Rendered {
  if (!context.view.isLive(object)) return renderRemoved(context, object);
  const tracked = trackedNames(state);
  const minimal = prefersMinimal(context) && !change.whole;
  const rendered = renderTracked(context, object, minimal ? tracked.filter((name) => change.names.has(name)) : tracked);
  if (change.members.size > 0 && !hidesMembers(context, object)) {
    rendered["members@delta"] = [...change.members].map(([member, added]) => renderReference(member, added));
  }
  if (change.managers.size > 0) {
    // The old one first, for readers that take every removal as "no manager".
    const managers = [...change.managers].toSorted(([, a], [, b]) => Number(a) - Number(b));
    rendered["manager@delta"] = managers.map(([manager, present]) => renderReference(manager, present));
  }
  return rendered;
}
