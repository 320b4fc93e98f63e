import { ConnectorError, type TargetKind } from "@entrain/core";
import { faultOf } from "../shared/reply.ts";
import type { ScimKind } from "./attributes.ts";
import type { ScimClient } from "./client.ts";
import type { Reply } from "./reply.ts";
import { declaredIn, type Heed } from "./schema.ts";

/** What a server answered when it was asked for its schemas: them, or in words why there are none. */
export type Schemas = { readonly schemas: unknown } | { readonly none: string };

const UNTOLD = "Where the server cannot tell its schemas at all, set schema: ignore in the target's settings.";

/**
 * Reads `/Schemas` (RFC 7644 section 4). Many servers have none, or keep it from others: whatever they refuse it with, they
 * describe nothing. @throws ConnectorError where it may be had another time: no connection, no answer, a fault of the server's,
 * a refused token
 */
export async function readSchemas(client: ScimClient, signal: AbortSignal): Promise<Schemas> {
  const reply = await ask(client, signal);
  if (reply.kind === "answer") return { schemas: reply.body };
  if (reply.kind === "error" && reply.code === "request_refused") return { none: reply.detail };
  if (reply.code === "answer_invalid") return { none: reply.detail };
  signal.throwIfAborted();
  const fault = faultOf(reply, "The server's schemas could not be read");
  if (fault.code === "credential_refused") throw fault;
  const { code, message, stops, retry, retryAfterMs, status } = fault;
  throw new ConnectorError(code, message, { stops, retry, retryAfterMs, status, fix: `${fault.fix} ${UNTOLD}` });
}

/** A page in place of an answer will be there the next time, too: it is not asked for again. */
async function ask(client: ScimClient, signal: AbortSignal): Promise<Reply> {
  const request = { method: "GET", path: "/Schemas", repeatable: false } as const;
  const first = await client.send(request, signal);
  if (first.kind !== "unheard" || first.code === "answer_invalid" || first.code === "cancelled") return first;
  return await client.send({ ...request, repeatable: true }, signal);
}

/** The kinds with what the server says of their attributes; a kind that it does not describe is as SCIM has it. */
export function describedKinds(kinds: Iterable<ScimKind>, schemas: Schemas, heed: Heed): readonly TargetKind[] {
  return [...kinds].map(
    (kind) => ("none" in schemas ? null : declaredIn(schemas.schemas, kind, heed))?.kind ?? kind.kind,
  );
}
