import { type Attributes, type Code, ConnectorError, type Outcome, type TargetChange } from "@entrain/core";
import type { ServiceRequest } from "../shared/service-client.ts";
import { createdIn, wordedIn } from "./dialect.ts";
import { type Operation, operationsFor, patchBody } from "./patch.ts";
import { equalsFilter, getResource, pages, type Reader, resourcePath } from "./reading.ts";
import type { Reply } from "./reply.ts";
import { isFalse, type Json, property, resourceOf, valueIn } from "./resource.ts";

/** What became of a change: an outcome, or nothing at all, because nothing left this machine or was let in. */
export type Result = Outcome | Unsent;
export interface Unsent {
  readonly status: "unsent";
  readonly code: Code;
  readonly detail: string;
}

/** Carries out one change of attributes or state. Members are written by `writeMembers`. */
export async function writeRecord(writer: Reader, change: TargetChange): Promise<Result> {
  if (change.action === "create") return create(writer, change);
  const id = change.recordId ?? "";
  const path = resourcePath(writer.kind, id);
  if (path === null) return missing(writer, id);
  if (change.action === "delete") return remove(writer, path, id);
  return update(writer, path, id, change);
}

async function create(writer: Reader, change: TargetChange): Promise<Result> {
  const { kind } = writer;
  const { matching } = kind.kind.preset;
  if (!kind.kind.attributes.some(({ unique }) => unique)) {
    // Nothing in SCIM makes a group unique: without this look, a repeated creation would make a second one. The first
    // attribute that has a value decides alone, for two groups may well have one name.
    const deciding = matching.filter((name) => isFilled(change.set, name)).slice(0, 1);
    const existing = await lookUp(writer, change.set, deciding);
    if (existing !== null) return existing;
  }
  const body = createdIn(writer.dialect, kind, resourceOf(kind, change.set, change.active ?? true));
  const reply = await send(writer, { method: "POST", path: kind.endpoint, body, repeatable: false });
  if (reply.kind === "answer") {
    const id = reply.body && property(reply.body, "id");
    if (typeof id === "string" && id !== "") return { status: "applied", recordId: id };
    return unknown(writer, "", "The server accepted the creation without saying the record's id.");
  }
  if (reply.kind === "error" && reply.status === 409) {
    const existing = await lookUp(writer, change.set, matching);
    return existing?.status === "refused" && existing.code === "exists"
      ? existing
      : exists(writer, reply.detail, "now");
  }
  return failure(writer, "", reply);
}

function isFilled(set: Attributes, name: string): boolean {
  return typeof set[name] === "string" && set[name] !== "";
}

/** Says which record stands in the way of a creation. It is never adopted here: matching decides that. */
async function lookUp(writer: Reader, set: Attributes, names: readonly string[]): Promise<Result | null> {
  for (const name of names) {
    if (!isFilled(set, name)) continue;
    try {
      for await (const [first] of pages(writer, equalsFilter(name, String(set[name])), false)) {
        if (first === undefined) continue;
        return exists(writer, `The ${writer.kind.kind.name} ${property(first, "id")} has the same ${name}`, "now");
      }
    } catch (error) {
      return unread(writer, error);
    }
  }
  return null;
}

async function remove(writer: Reader, path: string, id: string): Promise<Result> {
  const reply = await send(writer, { method: "DELETE", path, repeatable: true });
  if (reply.kind === "answer") return { status: "applied", recordId: id };
  // What was deleted without an answer is not there when it is deleted again.
  if (isGone(reply)) return { status: reply.repeated ? "applied" : "unchanged", recordId: id };
  return failure(writer, id, reply);
}

async function update(writer: Reader, path: string, id: string, change: TargetChange): Promise<Result> {
  const { kind } = writer;
  const operations = operationsFor(kind, change.set, change.active);
  if (operations.length === 0) return touch(writer, id);
  const reply = await patch(writer, path, operations, true);
  if (reply.kind !== "error" || reply.status !== 400) return updated(writer, id, change, reply);
  // The server may only want elements added that it does not have yet: the resource says what fits it.
  const current = await readResource(writer, id, false);
  if ("status" in current) return current;
  const fitting = operationsFor(kind, change.set, change.active, current.resource);
  if (JSON.stringify(fitting) === JSON.stringify(operations)) return failure(writer, id, reply);
  if (fitting.length === 0) return { status: "unchanged", recordId: id };
  // Adding an element twice could make two of them.
  const repeatable = !fitting.some(({ op }) => op === "add");
  return updated(writer, id, change, await patch(writer, path, fitting, repeatable));
}

/** A change with nothing to write still needs its record. */
export async function touch(writer: Reader, id: string): Promise<Result> {
  const current = await readResource(writer, id, false);
  return "status" in current ? current : { status: "unchanged", recordId: id };
}

/** Reads the answer back: a server that accepts a change and does not make it is caught where it answers the record. */
function updated(writer: Reader, id: string, change: TargetChange, reply: Reply): Result {
  if (reply.kind !== "answer") return failure(writer, id, reply);
  const { body } = reply;
  if (body === null || property(body, "id") !== id) return { status: "applied", recordId: id };
  const active = property(body, "active");
  if (change.active !== undefined && active !== undefined && isFalse(active) === change.active) {
    return refused(
      writer,
      id,
      `The server accepted the change and is still ${change.active ? "disabled" : "enabled"}.`,
    );
  }
  const lost = Object.entries(change.set).filter(([name, value]) => {
    const attribute = writer.kind.attributes.get(name);
    return attribute !== undefined && valueIn(body, attribute) !== value;
  });
  if (lost.length === 0) return { status: "applied", recordId: id };
  const names = lost.map(([name]) => name).join(", ");
  return { status: "applied", recordId: id, detail: `The server answered with other values than were set: ${names}.` };
}

/** The record as the server holds it, or why not. */
export async function readResource(
  writer: Reader,
  id: string,
  members: boolean,
): Promise<{ readonly resource: Json } | Result> {
  try {
    const resource = await getResource(writer, id, members);
    return resource === null ? missing(writer, id) : { resource };
  } catch (error) {
    return unread(writer, error);
  }
}

/** A look before a write failed: nothing was written. */
function unread(writer: Reader, error: unknown): Result {
  if (writer.signal.aborted) return { status: "unsent", code: "cancelled", detail: "The work was stopped before it." };
  if (!(error instanceof ConnectorError)) throw error;
  if (error.code === "unreachable" || error.code === "credential_refused" || error.code === "config_invalid") {
    return { status: "unsent", code: error.code, detail: error.message };
  }
  return { status: "refused", code: error.code, detail: error.message, retry: "later" };
}

export function patch(
  writer: Reader,
  path: string,
  operations: readonly Operation[],
  repeatable: boolean,
): Promise<Reply> {
  return send(writer, { method: "PATCH", path, body: patchBody(wordedIn(writer.dialect, operations)), repeatable });
}

function send({ client, signal }: Reader, request: ServiceRequest): Promise<Reply> {
  return client.send(request, signal);
}

function isGone(reply: Reply): reply is Extract<Reply, { kind: "error" }> {
  return reply.kind === "error" && (reply.status === 404 || reply.status === 410);
}

/** What a reply that is no answer means for a change. `id` is empty for a creation. */
export function failure(writer: Reader, id: string, reply: Exclude<Reply, { kind: "answer" }>): Result {
  if (reply.kind === "unsent") return { status: "unsent", code: reply.code, detail: reply.detail };
  if (reply.kind === "unheard") return unknown(writer, id, reply.detail);
  if (reply.code === "credential_refused") return { status: "unsent", code: reply.code, detail: reply.detail };
  if (id !== "" && isGone(reply)) return missing(writer, id);
  if (reply.status === 409) return exists(writer, reply.detail, "later");
  if (reply.status === 412) {
    return { status: "conflict", code: "conflict", detail: about(writer, id, reply.detail), retry: "now" };
  }
  if (reply.code !== "throttled") return refused(writer, id, reply.detail);
  return { status: "refused", code: "throttled", detail: about(writer, id, reply.detail), retry: "later" };
}

function refused(writer: Reader, id: string, detail: string): Result {
  return { status: "refused", code: "refused_by_target", detail: about(writer, id, detail), retry: "later" };
}

/** The record is not there: the plan is out of date. */
export function missing(writer: Reader, id: string): Result {
  const detail = `The ${writer.kind.kind.name} ${id} is no longer there.`;
  return { status: "conflict", code: "record_missing", detail, retry: "now" };
}

/** The server keeps a value unique that another record has. For a creation, a look-up may find that record at once. */
function exists(writer: Reader, why: string, retry: "now" | "later"): Result {
  const detail = `Another ${writer.kind.kind.name} has a value that must be unique. ${why}.`;
  return { status: "refused", code: "exists", detail, retry };
}

/** Nobody knows whether it took effect. */
export function unknown(writer: Reader, id: string, detail: string): Result {
  return { status: "unknown", code: "outcome_unknown", detail: about(writer, id, detail), retry: "now" };
}

function about(writer: Reader, id: string, detail: string): string {
  return id === "" ? detail : `The ${writer.kind.kind.name} ${id}: ${detail}`;
}
