import type { Attributes, Target, TargetRecord, Value } from "@entrain/core";
import type { KindSample, OpenedTarget } from "@entrain/core/conformance";
import {
  type Freshchat,
  type FreshchatAgent,
  type FreshchatOptions,
  type FreshchatUser,
  startFreshchat,
} from "@entrain/simulator";
import { createFreshchatTarget, type FreshchatTargetOptions } from "../index.ts";

/** The property that texts are kept in; the account defines it. */
const NOTE = "note";

/** A target on a simulated account of its own, on one clock: whoever waits moves it. */
export interface Bench {
  readonly account: Freshchat;
  readonly target: Target;
  /** A further one on the same account, as another run would open it. */
  readonly again: () => Target;
  /** The milliseconds of every wait. */
  readonly waits: readonly number[];
  readonly close: () => Promise<void>;
}

const START = Date.UTC(2026, 0, 5, 8);

export async function openBench(
  options: FreshchatOptions = {},
  more: Partial<FreshchatTargetOptions> = {},
): Promise<Bench> {
  const account = await startFreshchat({ clock: () => START, properties: [NOTE, "department"], ...options });
  const waits: number[] = [];
  const clock = {
    now: () => account.now(),
    random: () => 0.5,
    sleep: async (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted();
      waits.push(ms);
      account.advance(ms);
    },
  };
  const open = (): Target =>
    createFreshchatTarget({
      baseUrl: account.base,
      token: () => account.token,
      clock,
      properties: { contact: [NOTE, "department"] },
      ...more,
    });
  const target = open();
  const others: Target[] = [];
  return {
    account,
    target,
    waits,
    again: () => {
      const other = open();
      others.push(other);
      return other;
    },
    close: async () => {
      for (const other of others) await other.close();
      await account.close();
    },
  };
}

export const agent: KindSample = {
  kind: "agent",
  attributes: (n) => ({
    email: `Ada.${n}@Example.org`,
    first_name: "Ada",
    last_name: `Lovelace ${n}`,
    biography: `Engine ${n}`,
    locale: "en",
    license_type: "occasional",
  }),
  text: "biography",
  matching: "email",
};

export const contact: KindSample = {
  kind: "contact",
  attributes: (n) => ({
    reference_id: `Reference-${n}`,
    email: `Ada.${n}@Example.org`,
    first_name: "Ada",
    last_name: `Lovelace ${n}`,
    phone: `+41 79 000 00 ${n}`,
    "properties.note": `Note ${n}`,
    "properties.department": "Engines",
  }),
  text: "properties.note",
  matching: "email",
  matchingText: "reference_id",
};

/** Opens a target on an empty account, and reads what the account holds past its API. */
export async function openConformance(options: FreshchatOptions): Promise<OpenedTarget> {
  const { account, target, close } = await openBench(options);
  const independentRead = async (kind: string): Promise<readonly TargetRecord[]> => {
    // What was accepted to be deleted is gone by then.
    account.advance(60_000);
    return kind === "agent"
      ? account.agents
          .list()
          .filter((one) => !one.is_deleted)
          .map(agentRecord)
      : account.users.list().map(contactRecord);
  };
  return { target, close, independentRead };
}

function agentRecord(stored: FreshchatAgent): TargetRecord {
  const { id, email, first_name, last_name, biography, locale, license_type, is_deactivated } = stored;
  const [group = null] = stored.groups;
  const attributes = { email, first_name, last_name, biography, locale, license_type, role: stored.role_id, group };
  return { kind: "agent", id, attributes: filled(attributes), active: !is_deactivated };
}

function contactRecord(stored: FreshchatUser): TargetRecord {
  const { id, reference_id, email, first_name, last_name, phone } = stored;
  const properties = Object.fromEntries(stored.properties.map(({ name, value }) => [`properties.${name}`, value]));
  const attributes = { reference_id, email, first_name, last_name, phone, ...properties };
  return { kind: "contact", id, attributes: filled(attributes), active: true };
}

function filled(attributes: { readonly [name: string]: Value | undefined }): Attributes {
  const entries = Object.entries(attributes).filter(
    (entry): entry is [string, Value] => entry[1] != null && entry[1] !== "",
  );
  return Object.fromEntries(entries);
}
