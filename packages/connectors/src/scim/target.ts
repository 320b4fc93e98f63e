import assert from "node:assert/strict";
import { ConnectorError, type Target, type TargetKind, type WaitListener } from "@entrain/core";
import type { Resolve } from "../shared/addresses.ts";
import type { PaceClock } from "../shared/pace.ts";
import { applyBatch } from "./apply.ts";
import { type ScimKind, scimKinds } from "./attributes.ts";
import { createScimClient } from "./client.ts";
import { describedKinds, readSchemas } from "./describe.ts";
import type { Dialect } from "./dialect.ts";
import { findRecords, getRecords, listRecords, type Reader } from "./reading.ts";
import type { Heed } from "./schema.ts";
import { verifyScim } from "./verify.ts";

/** How a SCIM target is reached. */
export interface ScimTargetOptions {
  /** The address in front of `/Users`, e.g. `https://example.com/scim/v2`. `https`, or `http` on loopback. */
  readonly baseUrl: string;
  /** The bearer token; asked for at every request and never logged. */
  readonly token: () => string;
  readonly clock: PaceClock;
  /** Default `Entrain`. */
  readonly userAgent?: string;
  /** PEM of the certificate authority that signed the server's certificate, where the system does not know it. */
  readonly ca?: string;
  /** The most requests at a time. Default 4. */
  readonly concurrency?: number;
  /** Milliseconds for reaching the server (default 10,000) and for its whole answer (default 60,000). */
  readonly timeouts?: { readonly connectMs?: number; readonly answerMs?: number };
  /** Plain `http` beyond loopback, where the network itself is trusted. Default false. */
  readonly allowHttp?: boolean;
  /** The server's name may lead to a private network, or to this machine. Default false; `allowHttp` allows the former. */
  readonly allowPrivate?: boolean;
  /** How writes are worded; `entra` for servers that were made for Entra's own client. Default `rfc`. */
  readonly dialect?: Dialect;
  /** How much the server's `/Schemas` counts. Default `follow`. */
  readonly schema?: Heed;
  /** Looks names up in place of the system. */
  readonly resolve?: Resolve;
  /**
   * Milliseconds in which a server may still create a group whose answer nobody heard. Default 10,000. Users need none:
   * their `userName` is unique.
   */
  readonly groupSettleMs?: number;
  /** Told whenever a request waits before it is tried again. */
  readonly onWait?: WaitListener;
}

const BATCH = 50;

/**
 * A SCIM 2.0 server (RFC 7643, RFC 7644) as a target, with the kinds `user` and `group`. Sends lower-case operations,
 * boolean `active`, filtered removals and never a null-valued key. A creation whose answer is not heard is `unknown`
 * and never repeated by itself.
 * @throws ConnectorError `config_invalid` for an address that must not be used.
 */
export function createScimTarget(options: ScimTargetOptions): Target {
  const concurrency = options.concurrency ?? 4;
  const kinds = scimKinds(options.groupSettleMs ?? 10_000);
  const client = createScimClient({
    baseUrl: options.baseUrl,
    token: options.token,
    clock: options.clock,
    userAgent: options.userAgent ?? "Entrain",
    ...(options.ca !== undefined && { ca: options.ca }),
    connections: concurrency,
    timeouts: {
      connectMs: options.timeouts?.connectMs ?? 10_000,
      answerMs: options.timeouts?.answerMs ?? 60_000,
    },
    allowHttp: options.allowHttp ?? false,
    allowPrivate: options.allowPrivate ?? false,
    ...(options.resolve !== undefined && { resolve: options.resolve }),
    onWait: options.onWait ?? (() => undefined),
  });

  const open = (kind: string, signal: AbortSignal): Reader => ({
    client,
    kind: kindOf(kinds, kind),
    dialect: options.dialect ?? "rfc",
    concurrency,
    signal,
  });

  const declared = [...kinds.values()].map(({ kind }) => kind);
  const heed = options.schema ?? "follow";
  let described: readonly TargetKind[] | null = heed === "ignore" ? declared : null;

  return {
    kinds: declared,
    batch: BATCH,
    async describe(signal) {
      signal.throwIfAborted();
      described ??= describedKinds(kinds.values(), await readSchemas(client, signal), heed);
      return described;
    },
    verify: (signal) => verifyScim(open("user", signal), open("group", signal), { clock: options.clock, heed }),
    async *list(kind, { members }, signal) {
      const reader = open(kind, signal);
      signal.throwIfAborted();
      yield* listRecords(reader, members);
    },
    async find(kind, attribute, values, signal) {
      const reader = open(kind, signal);
      signal.throwIfAborted();
      const declared = reader.kind.attributes.get(attribute);
      if (declared === undefined || !reader.kind.kind.matchable.includes(attribute)) {
        throw refusal(`A SCIM ${kind} cannot be looked up by ${attribute}.`);
      }
      return findRecords(reader, declared, values);
    },
    async get(kind, ids, { members }, signal) {
      const reader = open(kind, signal);
      signal.throwIfAborted();
      return getRecords(reader, ids, members);
    },
    async apply(changes, signal) {
      assert.ok(changes.length <= BATCH, `a batch holds at most ${BATCH} changes`);
      signal.throwIfAborted();
      for (const { kind } of changes) kindOf(kinds, kind);
      return applyBatch(changes, (kind) => open(kind, signal), { concurrency, signal });
    },
    close: () => client.close(),
  };
}

function kindOf(kinds: ReadonlyMap<string, ScimKind>, name: string): ScimKind {
  const kind = kinds.get(name);
  if (kind === undefined) throw refusal(`A SCIM target has no records of the kind ${name}, only user and group.`);
  return kind;
}

function refusal(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}
