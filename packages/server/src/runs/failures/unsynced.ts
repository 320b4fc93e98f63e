import { type Attributes, CODES, type Code } from "@entrain/core";
import { retryAtOf } from "../../store/pending.ts";
import type { Store } from "../../store/store.ts";
import type { Actor } from "../context.ts";
import { nameIn } from "../names.ts";
import { UNSYNCED } from "../unsynced-reasons.ts";

export const UNSYNCED_STATES = ["open", "dead", "ignored"] as const;
/** Tried again by itself; not tried by itself any more; left alone because somebody said so. */
export type UnsyncedState = (typeof UNSYNCED_STATES)[number];

/** Which unsynced records are meant; each condition that is given must hold. */
export interface UnsyncedFilter {
  readonly code?: string;
  /** issue | failed | conflict */
  readonly reason?: string;
  /** A part of the name, the sign-in name, the object id or the detail, in whatever case. */
  readonly text?: string;
  /** `all` takes the ignored ones with the others; without a state they are left out. */
  readonly state?: UnsyncedState | "all";
  /** Unsynced since that moment or longer, in milliseconds UTC. */
  readonly before?: number;
}

/** One unsynced record, with what is wrong and when it is tried again. Times in milliseconds UTC. */
export interface UnsyncedView {
  readonly id: string;
  readonly name: string;
  readonly userPrincipalName: string | null;
  readonly reason: string;
  readonly code: string;
  readonly detail: string;
  readonly state: UnsyncedState;
  readonly attempts: number;
  readonly since: number;
  readonly triedAt: number | null;
  readonly retryAt: number | null;
  /** When it became a dead letter. */
  readonly deadAt: number | null;
  readonly ignored: { readonly note: string; readonly actor: Actor; readonly at: number } | null;
  /** What to do about it. */
  readonly fix: string;
  /** All of it for people: what happened, to which record, why, and what comes next. */
  readonly sentence: string;
}

const PAGE = 500;

/** A page of a sync's unsynced records in the order of their ids. */
export async function unsyncedRecords(
  store: Store,
  options: { readonly sync: string; readonly after?: string; readonly limit: number; readonly filter?: UnsyncedFilter },
): Promise<readonly UnsyncedView[]> {
  const { sync, limit, filter = {} } = options;
  const found: UnsyncedView[] = [];
  for (let after = options.after ?? ""; ; ) {
    const size = filter.text === undefined ? Math.min(PAGE, limit - found.length) : PAGE;
    const page = await rowsOf(store, { sync, after, size, filter });
    const last = page.at(-1);
    if (last === undefined) return found;
    after = last.id;
    for (const view of page) if (found.length < limit && hasText(view, filter.text)) found.push(view);
    if (found.length >= limit) return found;
  }
}

/** All of a sync's unsynced records, page by page. */
export async function* everyUnsynced(
  store: Store,
  of: { readonly sync: string; readonly filter?: UnsyncedFilter },
): AsyncGenerator<readonly UnsyncedView[]> {
  for (let after = ""; ; ) {
    const page = await unsyncedRecords(store, { ...of, after, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.id;
  }
}

/** How many records of a sync are unsynced, and how many of them are dead letters; the ignored ones are told apart. */
export async function countUnsynced(
  store: Store,
  sync: string,
): Promise<{ readonly unsynced: number; readonly dead: number; readonly ignored: number }> {
  const row = await store.db
    .selectFrom("pending")
    .select((eb) => [
      eb.fn.countAll<number>().as("all"),
      eb.fn.count<number>("ignored").as("ignored"),
      eb.fn.count<number>(eb.case().when("ignored", "is", null).then(eb.ref("dead_at")).end()).as("dead"),
    ])
    .where("sync", "=", sync)
    .where("reason", "in", UNSYNCED)
    .executeTakeFirstOrThrow();
  const ignored = Number(row.ignored);
  return { unsynced: Number(row.all) - ignored, dead: Number(row.dead), ignored };
}

async function rowsOf(
  store: Store,
  of: { readonly sync: string; readonly after: string; readonly size: number; readonly filter: UnsyncedFilter },
): Promise<readonly UnsyncedView[]> {
  const { code, reason, state, before } = of.filter;
  let query = store.db
    .selectFrom("pending")
    .innerJoin("syncs", "syncs.id", "pending.sync")
    .leftJoin("records", (join) =>
      join.onRef("records.connection", "=", "syncs.connection").onRef("records.id", "=", "pending.object_id"),
    )
    .selectAll("pending")
    .select(["records.attributes", "syncs.name as sync_name"])
    .where("pending.sync", "=", of.sync)
    .where("pending.reason", "in", UNSYNCED)
    .where("pending.object_id", ">", of.after)
    .orderBy("pending.object_id")
    .limit(of.size);
  if (code !== undefined) query = query.where("pending.code", "=", code);
  if (reason !== undefined) query = query.where("pending.reason", "=", reason);
  if (before !== undefined) query = query.where("pending.since", "<=", before);
  if (state === "ignored") query = query.where("pending.ignored", "is not", null);
  else if (state !== "all") query = query.where("pending.ignored", "is", null);
  if (state === "dead") query = query.where("pending.dead_at", "is not", null);
  if (state === "open") query = query.where("pending.dead_at", "is", null);
  return (await query.execute()).map(viewOf);
}

type Row = Parameters<typeof retryAtOf>[0] & {
  readonly sync_name: string;
  readonly object_id: string;
  readonly reason: string;
  readonly code: string;
  readonly detail: string;
  readonly attempts: number;
  readonly since: number;
  readonly tried_at: number | null;
  readonly dead_at: number | null;
  readonly ignored: string | null;
  readonly attributes: string | null;
};

function viewOf(row: Row): UnsyncedView {
  const { userPrincipalName } = row.attributes === null ? {} : (JSON.parse(row.attributes) as Attributes);
  const view = {
    id: row.object_id,
    name: nameIn(row.attributes) ?? row.object_id,
    userPrincipalName: typeof userPrincipalName === "string" ? userPrincipalName : null,
    reason: row.reason,
    code: row.code,
    detail: row.detail,
    state: row.ignored !== null ? "ignored" : row.dead_at !== null ? "dead" : "open",
    attempts: row.attempts,
    since: row.since,
    triedAt: row.tried_at,
    retryAt: row.ignored === null ? retryAtOf(row) : null,
    deadAt: row.dead_at,
    ignored: row.ignored === null ? null : (JSON.parse(row.ignored) as NonNullable<UnsyncedView["ignored"]>),
    fix: fixOf(row),
  } as const;
  return { ...view, sentence: sentenceOf(view) };
}

/** What is ignored is not tried, whatever else its code asks for. */
function fixOf({ ignored, code, sync_name: sync, object_id: id }: Row): string {
  if (ignored !== null) return `To have it tried again: \`entrain sync ignore ${sync} --record ${id} --undo\`.`;
  return Object.hasOwn(CODES, code) ? CODES[code as Code] : "";
}

function sentenceOf(view: Omit<UnsyncedView, "sentence">): string {
  const { name, userPrincipalName, detail, code, fix } = view;
  const who = userPrincipalName === null || userPrincipalName === name ? name : `${name} (${userPrincipalName})`;
  const why = closed(detail === "" ? code : detail);
  const what = { failed: refusedIn(code), conflict: "its change was skipped" }[view.reason];
  return [`${who} is not in step: ${what ?? "it could not be planned"}. ${why}`, closed(nextOf(view)), closed(fix)]
    .filter((text) => text !== "")
    .join(" ");
}

function refusedIn(code: string): string {
  return code === "outcome_unknown" ? "the target did not carry its change out" : "the target refused its change";
}

function nextOf({ state, attempts, retryAt, ignored }: Omit<UnsyncedView, "sentence">): string {
  if (ignored !== null) return `${ignored.actor.id} has it ignored: ${ignored.note}`;
  if (state === "dead") {
    return `It failed ${attempts} times and waits until it, the configuration or the target changes, or somebody tries it again`;
  }
  if (retryAt === null) return "The next run looks at it again";
  return `It is tried again at ${new Date(retryAt).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function closed(text: string): string {
  return text === "" || /[.!?…]$/.test(text) ? text : `${text}.`;
}

function hasText(view: UnsyncedView, text: string | undefined): boolean {
  if (text === undefined) return true;
  const wanted = folded(text);
  const { id, name, userPrincipalName, detail } = view;
  return [id, name, userPrincipalName ?? "", detail].some((part) => folded(part).includes(wanted));
}

function folded(text: string): string {
  return text.normalize("NFC").toLowerCase();
}
