import { type Attributes, type Code, ConnectorError, type Outcome, type TargetChange } from "@entrain/core";
import type { FreshchatReply } from "./api.ts";
import { type Json, resourceIn, textIn } from "./json.ts";
import type { Reader } from "./reader.ts";
import { findRecords, getResource, resourcePath } from "./reading.ts";
import { bodyOf, hasMore, isActive, notTaken, recordOf } from "./resource.ts";
import { isSeatRefusal } from "./seats.ts";

/** What became of a change: an outcome, or nothing at all, because nothing left this machine or was let in. */
export type Result = Outcome | { readonly status: "unsent"; readonly code: Code; readonly detail: string };

/** A writer can wait: for a deletion that was accepted, above all. */
export interface Writer extends Reader {
  readonly sleep: (ms: number) => Promise<void>;
}

/** Carries out one change. What is thrown is the signal's reason, or a fault of ours. */
export async function write(writer: Writer, change: TargetChange): Promise<Result> {
  try {
    if (change.action === "create") return await create(writer, change);
    const id = change.recordId ?? "";
    const path = resourcePath(writer.kind, id);
    if (path === null || change.action === "members") return missing(writer, id);
    if (change.action === "delete") return await remove(writer, path, id);
    return writer.memory.hasLeft(id) ? missing(writer, id) : await update(writer, path, id, change);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return unread(error);
  }
}

/** A look before a write failed: nothing was written. */
function unread({ code, message }: ConnectorError): Result {
  if (["unreachable", "credential_refused", "config_invalid", "cancelled"].includes(code)) {
    return { status: "unsent", code, detail: message };
  }
  return { status: "refused", code, detail: message, retry: "later" };
}

async function create(writer: Writer, change: TargetChange): Promise<Result> {
  const { kind, memory, signal } = writer;
  const anchor = kind.anchors.find((name) => textIn(change.set[name]) !== null);
  // Nothing in Freshchat makes a record unique: without this look, a repeated creation would make a second one.
  const taken = anchor === undefined ? null : await takenBy(writer, anchor, change.set, null);
  if (taken !== null) return taken;
  const body = bodyOf(kind, null, change);
  const before = { sentAt: writer.now(), looked: anchor !== undefined };
  let reply = await writer.client.send({ method: "POST", path: kind.endpoint, body, repeatable: false }, signal);
  if (reply.kind === "error" && reply.code === "request_refused" && (await waitForLeavers(writer))) {
    // One that is about to go may have stood in the way.
    reply = await writer.client.send({ method: "POST", path: kind.endpoint, body, repeatable: false }, signal);
  }
  if (reply.kind !== "answer") {
    if (reply.kind === "unheard") memory.unheard(change, before);
    return failure(writer, "", reply);
  }
  const made = resourceIn(reply.body, kind.names);
  const id = textIn(made?.id);
  if (made === null || id === null) {
    memory.unheard(change, before);
    return unknown("Freshchat accepted the creation without saying the record's id.");
  }
  remember(writer, made, { kind: kind.kind.name, id, attributes: change.set, active: change.active ?? true });
  return applied(id, notTaken(made, change.set));
}

/** By so much Freshchat's clock and ours may differ. */
const SKEW_MS = 5_000;

/**
 * Whether a record is what a creation made of which nobody heard: it was not there before that was sent, came into being while
 * it was under way, and holds what was sent and nothing else of it.
 */
export async function wasMade(writer: Reader, change: TargetChange, id: string): Promise<boolean> {
  const { kind, memory } = writer;
  const unheard = memory.unheardOf(change);
  if (unheard === null) return false;
  const resource = await getResource(writer, id);
  const made = Date.parse(textIn(resource?.created_time) ?? "");
  if (resource === null || resource.is_deleted === true || Number.isNaN(made)) return false;
  if (made < unheard.sentAt - SKEW_MS || made > unheard.givenUpAt + SKEW_MS) return false;
  const { set, active = true } = unheard.change;
  return notTaken(resource, set).length === 0 && !hasMore(resource, set) && isActive(kind, resource) === active;
}

/** Says which record has the value of an attribute that no two may share. It is never adopted here: matching decides that. */
async function takenBy(writer: Writer, name: string, set: Attributes, self: string | null): Promise<Result | null> {
  const attribute = writer.kind.attributes.get(name);
  if (attribute === undefined || textIn(set[name]) === null) return null;
  const [other] = (await findRecords(writer, attribute, { values: [set[name] ?? null], lately: true })).filter(
    ({ id }) => id !== self,
  );
  if (other === undefined) return null;
  const detail = `The ${writer.kind.kind.name} ${other.id} has the same ${name}.`;
  return { status: "refused", code: "exists", detail, retry: self === null ? "now" : "later" };
}

/**
 * Reads the record, lays the change over what it holds and writes all of it: whether a PUT merges or replaces is then the same.
 * Another's edit between the two is lost, for Freshchat has no way to tell of it.
 */
async function update(writer: Writer, path: string, id: string, change: TargetChange): Promise<Result> {
  const { kind } = writer;
  const current = await getResource(writer, id);
  if (current === null || current.is_deleted === true) return missing(writer, id);
  const wanted = notTaken(current, change.set);
  const turns = change.active !== undefined && change.active !== isActive(kind, current);
  if (wanted.length === 0 && !turns) return { status: "unchanged", recordId: id };
  for (const { name, unique } of kind.kind.attributes) {
    if (unique !== true || !wanted.includes(name)) continue;
    const taken = await takenBy(writer, name, change.set, id);
    if (taken !== null) return taken;
  }
  const put = (empty: null | ""): Promise<FreshchatReply> =>
    writer.client.send(
      { method: "PUT", path, body: bodyOf(kind, current, change, empty), repeatable: true },
      writer.signal,
    );
  const first = await shown(writer, id, await put(null));
  if ("status" in first) return first;
  const { left, stays } = differing(writer, first.resource, change);
  if (stays || !left.some((name) => change.set[name] === null)) return settled(writer, id, change, first.resource);
  const second = await shown(writer, id, await put(""));
  return "status" in second ? second : settled(writer, id, change, second.resource);
}

function differing(
  { kind }: Writer,
  resource: Json,
  { set, active }: TargetChange,
): { readonly left: readonly string[]; readonly stays: boolean } {
  return { left: notTaken(resource, set), stays: active !== undefined && active !== isActive(kind, resource) };
}

/** The record as it is after a write: as the answer shows it, or read once more where the answer shows nothing. */
async function shown(writer: Writer, id: string, reply: FreshchatReply): Promise<{ readonly resource: Json } | Result> {
  if (reply.kind !== "answer") return failure(writer, id, reply);
  const told = resourceIn(reply.body, writer.kind.names);
  if (told !== null && textIn(told.id) === id) return { resource: told };
  try {
    const resource = await getResource(writer, id);
    return resource === null ? missing(writer, id) : { resource };
  } catch (error) {
    if (error instanceof ConnectorError || writer.signal.aborted) {
      return unknown(`The ${writer.kind.kind.name} ${id} was written and could not be read afterwards.`);
    }
    throw error;
  }
}

/** A service that accepts a change and does not make it is caught here. */
function settled(writer: Writer, id: string, change: TargetChange, resource: Json): Result {
  const { left, stays } = differing(writer, resource, change);
  if (stays) {
    const state = change.active ? "deactivated" : "active";
    return refused(writer, id, `Freshchat accepted the change and the agent is still ${state}.`);
  }
  remember(writer, resource, null);
  return applied(id, left);
}

function remember(writer: Writer, resource: Json, otherwise: Parameters<Writer["memory"]["wrote"]>[0] | null): void {
  const record = recordOf(writer.kind, resource) ?? otherwise;
  if (record !== null) writer.memory.wrote(record);
}

function applied(recordId: string, left: readonly string[]): Result {
  if (left.length === 0) return { status: "applied", recordId };
  const detail = `Freshchat answered with other values than were set: ${left.join(", ")}.`;
  return { status: "applied", recordId, detail };
}

/** How long a deletion that was accepted is watched; longer than this it is left alone. */
const LOOKS_MS: readonly number[] = [250, 500, 1_000, 2_000, 4_000];
/** Deletions that stand in the way of a creation are waited for this long, in steps of five seconds. */
const LONGEST_WAIT_STEPS = 12;
const STEP_MS = 5_000;

/**
 * Deletes once. Freshchat answers 202 and deletes in its own time: the record counts as gone from the acceptance on, for this
 * target as long as it is open; for the next one a second deletion of it is answered 404, or accepted once more, and comes to
 * the same.
 */
async function remove(writer: Writer, path: string, id: string): Promise<Result> {
  const { memory, client, signal } = writer;
  if (memory.hasLeft(id)) return { status: "unchanged", recordId: id };
  const reply = await client.send({ method: "DELETE", path, repeatable: true }, signal);
  if (reply.kind === "error" && (reply.status === 404 || reply.status === 410)) {
    memory.left(id, { seen: true });
    // What was deleted without an answer is not there when it is deleted again.
    return { status: reply.repeated ? "applied" : "unchanged", recordId: id };
  }
  if (reply.kind !== "answer") return failure(writer, id, reply);
  memory.left(id, { seen: reply.status === 204 });
  if (reply.status === 204) return { status: "applied", recordId: id };
  for (const wait of memory.isSlow ? [] : [0, ...LOOKS_MS]) {
    if (!(await slept(writer, wait))) break;
    if (await isGone(writer, id)) return { status: "applied", recordId: id };
  }
  memory.isSlow = true;
  const detail = `Freshchat accepted the deletion of the ${writer.kind.kind.name} and carries it out in its own time.`;
  return { status: "applied", recordId: id, detail };
}

/** Whether a record whose deletion was accepted is seen to be gone; a failed look shows nothing. */
async function isGone(writer: Writer, id: string): Promise<boolean> {
  try {
    const resource = await getResource(writer, id);
    if (resource !== null && resource.is_deleted !== true) return false;
  } catch (error) {
    if (error instanceof ConnectorError || writer.signal.aborted) return false;
    throw error;
  }
  writer.memory.left(id, { seen: true });
  return true;
}

/** Waits until all accepted deletions are seen to have happened; false where there were none, or one takes too long. */
async function waitForLeavers(writer: Writer): Promise<boolean> {
  const { leaving } = writer.memory;
  if (leaving.length === 0) return false;
  for (let step = 0; step < LONGEST_WAIT_STEPS; step += 1) {
    if (!(await slept(writer, step === 0 ? 0 : STEP_MS))) return false;
    const gone = [];
    for (const id of writer.memory.leaving) gone.push(await isGone(writer, id));
    if (gone.every((one) => one)) return true;
  }
  return false;
}

async function slept({ sleep, signal }: Writer, ms: number): Promise<boolean> {
  try {
    if (ms > 0) await sleep(ms);
    return !signal.aborted;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** What a reply that is no answer means for a change. `id` is empty for a creation. */
function failure(writer: Writer, id: string, reply: Exclude<FreshchatReply, { kind: "answer" }>): Result {
  if (reply.kind === "unsent") return { status: "unsent", code: reply.code, detail: reply.detail };
  if (reply.kind === "unheard") return unknown(about(writer, id, reply.detail));
  if (reply.code === "credential_refused") return { status: "unsent", code: reply.code, detail: reply.detail };
  if (id !== "" && (reply.status === 404 || reply.status === 410)) return missing(writer, id);
  if (reply.status === 409) {
    const detail = `Another ${writer.kind.kind.name} has a value that must be unique. ${reply.detail}.`;
    return { status: "refused", code: "exists", detail, retry: id === "" ? "now" : "later" };
  }
  // One who was deactivated and comes back needs a seat, too.
  if (isSeatRefusal(writer.kind, reply)) {
    const detail = about(writer, id, `No seat is left for another agent. ${reply.detail}`);
    return { status: "refused", code: "no_seat", detail, retry: "later" };
  }
  if (reply.code !== "throttled") return refused(writer, id, reply.detail);
  return { status: "refused", code: "throttled", detail: about(writer, id, reply.detail), retry: "later" };
}

function refused(writer: Writer, id: string, detail: string): Result {
  return { status: "refused", code: "refused_by_target", detail: about(writer, id, detail), retry: "later" };
}

/** The record is not there: the plan is out of date. */
function missing({ kind }: Writer, id: string): Result {
  const detail = `The ${kind.kind.name} ${id} is no longer there.`;
  return { status: "conflict", code: "record_missing", detail, retry: "now" };
}

/** Nobody knows whether it took effect. */
function unknown(detail: string): Result {
  return { status: "unknown", code: "outcome_unknown", detail, retry: "now" };
}

function about({ kind }: Writer, id: string, detail: string): string {
  return id === "" ? detail : `The ${kind.kind.name} ${id}: ${detail}`;
}
