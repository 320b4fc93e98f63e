import assert from "node:assert/strict";
import type { Outcome, Target, TargetChange } from "@entrain/core";
import type { KindSample } from "@entrain/core/conformance";
import type { FreshchatOptions } from "@entrain/simulator";
import type { FreshchatTargetOptions } from "../index.ts";
import { agent, type Bench, contact, openBench } from "./bench.ts";

export const signal: AbortSignal = new AbortController().signal;
/** Opens accounts with a target, closed by what is handed to `after`, which is called behind each test. */
export function benches(
  after: (close: () => Promise<void>) => void,
): (options?: FreshchatOptions, more?: Partial<FreshchatTargetOptions>) => Promise<Bench> {
  const closing: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closing.splice(0)) await close();
  });
  return async (options = {}, more = {}) => {
    const opened = await openBench(options, more);
    closing.push(opened.target.close, opened.close);
    return opened;
  };
}

const SAMPLES: { readonly agent: KindSample; readonly contact: KindSample } = { agent, contact };
export type Kind = keyof typeof SAMPLES;
export const KINDS: readonly Kind[] = ["agent", "contact"];
export const PATHS: Readonly<Record<Kind, string>> = { agent: "/agents", contact: "/users" };

/** One change, of which only what matters is given. */
export const change = (kind: Kind, fields: Partial<TargetChange>): TargetChange => ({
  ordinal: 0,
  kind,
  action: "update",
  recordId: null,
  set: {},
  ...fields,
});
export const creation = (kind: Kind, n = 1): TargetChange =>
  change(kind, { action: "create", set: SAMPLES[kind].attributes(n) });

export async function one(target: Target, each: TargetChange): Promise<Outcome> {
  const [outcome] = await target.apply([each], signal);
  assert.ok(outcome);
  return outcome;
}

/** The id of the record that a change made or met. */
export async function made(target: Target, each: TargetChange): Promise<string> {
  const outcome = await one(target, each);
  return "recordId" in outcome ? outcome.recordId : assert.fail(outcome.detail);
}

/** How many records the account holds. */
export function held({ account }: Bench, kind: Kind): number {
  return kind === "agent" ? account.agents.list().length : account.users.list().length;
}

/** How many requests were sent by this method. */
export const sent = ({ account }: Bench, method: string): number =>
  account.requests.list().filter((request) => request.method === method).length;

export const byEmail = async (target: Target, kind: Kind, n = 1): Promise<readonly string[]> => {
  const found = await target.find(kind, "email", [SAMPLES[kind].attributes(n).email ?? null], signal);
  return found.map(({ id }) => id);
};
