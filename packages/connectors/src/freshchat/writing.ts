import { type Attributes, ConnectorError, type TargetChange } from "@entrain/core";
import type { FreshchatReply } from "./api.ts";
import { remove, waitForLeavers } from "./deleting.ts";
import { type Json, resourceIn, textIn } from "./json.ts";
import type { Reader, Writer } from "./reader.ts";
import { findRecords, getResource, resourcePath } from "./reading.ts";
import { bodyOf, groupsKept, hasMore, isActive, notTaken, recordOf } from "./resource.ts";
import { failure, missing, type Result, refused, unknown, unread } from "./results.ts";

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
  return applied(id, notTaken(made, change));
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
  return (
    notTaken(resource, unheard.change).length === 0 && !hasMore(resource, set) && isActive(kind, resource) === active
  );
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
  const wanted = notTaken(current, change);
  const turns = change.active !== undefined && change.active !== isActive(kind, current);
  const kept = groupsKept(current, change);
  if (wanted.length === 0 && !turns)
    return { status: "unchanged", recordId: id, ...(kept !== null && { detail: kept }) };
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
  if (stays || !left.some((name) => change.set[name] === null))
    return settled(writer, id, { change, kept }, first.resource);
  const second = await shown(writer, id, await put(""));
  return "status" in second ? second : settled(writer, id, { change, kept }, second.resource);
}

function differing(
  { kind }: Writer,
  resource: Json,
  change: TargetChange,
): { readonly left: readonly string[]; readonly stays: boolean } {
  const { active } = change;
  return { left: notTaken(resource, change), stays: active !== undefined && active !== isActive(kind, resource) };
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

interface Written {
  readonly change: TargetChange;
  /** What is to be told beside it. */
  readonly kept: string | null;
}

/** A service that accepts a change and does not make it is caught here. */
function settled(writer: Writer, id: string, { change, kept }: Written, resource: Json): Result {
  const { left, stays } = differing(writer, resource, change);
  if (stays) {
    const state = change.active ? "deactivated" : "active";
    return refused(writer, id, `Freshchat accepted the change and the agent is still ${state}.`);
  }
  remember(writer, resource, null);
  return applied(id, left, kept);
}

function remember(writer: Writer, resource: Json, otherwise: Parameters<Writer["memory"]["wrote"]>[0] | null): void {
  const record = recordOf(writer.kind, resource) ?? otherwise;
  if (record !== null) writer.memory.wrote(record);
}

function applied(recordId: string, left: readonly string[], told: string | null = null): Result {
  const others = left.length === 0 ? [] : [`Freshchat answered with other values than were set: ${left.join(", ")}.`];
  const detail = [...others, ...(told === null ? [] : [told])].join(" ");
  return { status: "applied", recordId, ...(detail !== "" && { detail }) };
}
