import type { Code, ConnectorError, Outcome } from "@entrain/core";
import type { FreshchatReply } from "./api.ts";
import type { Reader } from "./reader.ts";
import { isSeatRefusal } from "./seats.ts";

/** What became of a change: an outcome, or nothing at all, because nothing left this machine or was let in. */
export type Result = Outcome | { readonly status: "unsent"; readonly code: Code; readonly detail: string };

/** A look before a write failed: nothing was written. */
export function unread({ code, message }: ConnectorError): Result {
  if (["unreachable", "credential_refused", "config_invalid", "cancelled"].includes(code)) {
    return { status: "unsent", code, detail: message };
  }
  return { status: "refused", code, detail: message, retry: "later" };
}

/** What a reply that is no answer means for a change. `id` is empty for a creation. */
export function failure(writer: Reader, id: string, reply: Exclude<FreshchatReply, { kind: "answer" }>): Result {
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

export function refused(writer: Reader, id: string, detail: string): Result {
  return { status: "refused", code: "refused_by_target", detail: about(writer, id, detail), retry: "later" };
}

/** The record is not there: the plan is out of date. */
export function missing({ kind }: Reader, id: string): Result {
  const detail = `The ${kind.kind.name} ${id} is no longer there.`;
  return { status: "conflict", code: "record_missing", detail, retry: "now" };
}

/** Nobody knows whether it took effect. */
export function unknown(detail: string): Result {
  return { status: "unknown", code: "outcome_unknown", detail, retry: "now" };
}

function about({ kind }: Reader, id: string, detail: string): string {
  return id === "" ? detail : `The ${kind.kind.name} ${id}: ${detail}`;
}
