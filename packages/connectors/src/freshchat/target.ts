import assert from "node:assert/strict";
import { ConnectorError, type Outcome, type Target, type TargetChange, type WaitListener } from "@entrain/core";
import type { Resolve } from "../shared/addresses.ts";
import type { PaceClock } from "../shared/pace.ts";
import { createApi } from "./api.ts";
import { type FreshchatKind, freshchatKinds } from "./kinds.ts";
import { createFreshchatLookups } from "./lookups.ts";
import { Memory } from "./memory.ts";
import type { Writer } from "./reader.ts";
import { findRecords, getRecords, listRecords } from "./reading.ts";
import { verifyFreshchat } from "./verify.ts";
import { wasMade, write } from "./writing.ts";

/** How a Freshchat account is reached. */
export interface FreshchatTargetOptions {
  /** The API's address, such as `https://ACCOUNT.freshchat.com/v2`. `https`, or `http` on loopback. */
  readonly baseUrl: string;
  /** The bearer token; asked for at every request and never logged. */
  readonly token: () => string;
  readonly clock: PaceClock;
  /** Default `Entrain`. */
  readonly userAgent?: string;
  /** The most requests at a time. Default 2: the limits of Freshchat's plans are not published. */
  readonly concurrency?: number;
  /** Milliseconds for reaching Freshchat (default 10,000) and for its whole answer (default 60,000). */
  readonly timeouts?: { readonly connectMs?: number; readonly answerMs?: number };
  /** The names of contacts' custom properties that may be mapped. */
  readonly properties?: { readonly contact?: readonly string[] };
  /** Milliseconds in which a record may still be found whose creation nobody heard of. Default 10,000. */
  readonly settleMs?: number;
  /** Looks names up in place of the system. */
  readonly resolve?: Resolve;
  /** Told whenever a request waits before it is tried again. */
  readonly onWait?: WaitListener;
}

/** Nothing in the API takes more than one record. */
const BATCH = 1;

/**
 * A Freshchat account (API v2) as a target, with the kinds `agent` and `contact`; Freshchat calls contacts "users". A creation
 * looks for its record first, is sent once, and is `unknown` when its answer is not heard; every other write repeats all that
 * the record holds. Roles and groups are lookups that are known only.
 * @throws ConnectorError `config_invalid` for an address or a property's name that must not be used
 */
export function createFreshchatTarget(options: FreshchatTargetOptions): Target {
  const { clock } = options;
  const settleMs = options.settleMs ?? 10_000;
  const concurrency = options.concurrency ?? 2;
  const kinds = freshchatKinds({ properties: options.properties ?? {}, settleMs });
  const client = createApi({
    baseUrl: options.baseUrl,
    token: options.token,
    clock,
    userAgent: options.userAgent ?? "Entrain",
    connections: concurrency,
    timeouts: { connectMs: options.timeouts?.connectMs ?? 10_000, answerMs: options.timeouts?.answerMs ?? 60_000 },
    ...(options.resolve !== undefined && { resolve: options.resolve }),
    onWait: options.onWait ?? (() => undefined),
  });
  const memories = new Map([...kinds.keys()].map((name) => [name, new Memory(clock, settleMs)]));
  const open = (name: string, signal: AbortSignal): Writer => {
    const kind = kindOf(kinds, name);
    const memory = memories.get(name) ?? new Memory(clock, settleMs);
    const sleep = (ms: number): Promise<void> => clock.sleep(ms, signal);
    return { client, kind, memory, now: () => clock.now(), concurrency, signal, sleep };
  };

  return {
    kinds: [...kinds.values()].map(({ kind }) => kind),
    lookups: createFreshchatLookups(client, () => clock.now()),
    batch: BATCH,
    verify: (signal) => verifyFreshchat(open("agent", signal), open("contact", signal), () => clock.random()),
    async *list(kind, _options, signal) {
      const reader = open(kind, signal);
      signal.throwIfAborted();
      yield* listRecords(reader);
    },
    async find(kind, attribute, values, signal) {
      const reader = open(kind, signal);
      signal.throwIfAborted();
      const declared = reader.kind.attributes.get(attribute);
      if (declared === undefined || !reader.kind.kind.matchable.includes(attribute)) {
        throw refusal(`A Freshchat ${kind} cannot be looked up by ${attribute}.`);
      }
      return findRecords(reader, declared, { values, lately: false });
    },
    async get(kind, ids, _options, signal) {
      const reader = open(kind, signal);
      signal.throwIfAborted();
      return getRecords(reader, ids);
    },
    async apply(changes, signal) {
      assert.ok(changes.length <= BATCH, `a batch holds at most ${BATCH} change`);
      signal.throwIfAborted();
      const [change] = changes;
      return change === undefined ? [] : [await outcomeOf(open(change.kind, signal), change)];
    },
    async wasMade(change, recordId, signal) {
      signal.throwIfAborted();
      return await wasMade(open(change.kind, signal), change, recordId);
    },
    close: () => client.close(),
  };
}

/** @throws ConnectorError when nothing was sent; the signal's reason when it was stopped before */
async function outcomeOf(writer: Writer, change: TargetChange): Promise<Outcome> {
  const result = await write(writer, change);
  if (result.status !== "unsent") return result;
  writer.signal.throwIfAborted();
  throw new ConnectorError(result.code, result.detail, { stops: "sync", retry: "later" });
}

function kindOf(kinds: ReadonlyMap<string, FreshchatKind>, name: string): FreshchatKind {
  const kind = kinds.get(name);
  if (kind === undefined)
    throw refusal(`A Freshchat target has no records of the kind ${name}, only agent and contact.`);
  return kind;
}

function refusal(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}
