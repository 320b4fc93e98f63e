import { createFreshchatTarget } from "@entrain/connectors/freshchat";
import { FRESHCHAT_SWITCHES, type FreshchatFault, type FreshchatOptions, startFreshchat } from "@entrain/simulator";
import type { Clock } from "../clock.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedTime } from "./clock.ts";
import { type Content, contentOf, type End, text, type Words } from "./content.ts";

const TOKEN = "freshchat-only-for-the-simulation";
const NAMES = { login: "email", name: "first_name", title: "last_name", manager: null } as const;
/** An agent has nowhere to keep an id for us but a text that people may read; it is matched by the address alone. */
const AGENT: Words = {
  person: "agent",
  names: { ...NAMES, key: "biography" },
  matching: ["login"],
  disables: true,
  teams: false,
};
const CONTACT: Words = {
  person: "contact",
  names: { ...NAMES, key: "reference_id" },
  matching: ["key", "login"],
  disables: false,
  teams: false,
};

const ACTIONS: readonly FreshchatFault["action"][] = [
  { type: "status", status: 429, retryAfter: 2 },
  { type: "status", status: 429 },
  { type: "status", status: 500, body: "html" },
  { type: "status", status: 503, retryAfter: 1 },
  { type: "status", status: 400 },
  { type: "status", status: 200, body: "html" },
  { type: "cut", at: "headers" },
  { type: "cut", at: "answer" },
  { type: "cut", at: "body" },
  { type: "truncate" },
];
const METHODS = ["POST", "PUT", "DELETE", "GET", undefined] as const;

/** A Freshchat account: agents or contacts, and any answer to each question that its documentation leaves open. */
export async function openFreshchat(of: {
  readonly time: SimulatedTime;
  readonly clock: Clock;
  readonly chance: Chance;
}): Promise<End> {
  const { time, clock, chance } = of;
  const drawn = Object.entries(FRESHCHAT_SWITCHES).map(([name, values]) => [name, chance.some<unknown>(values)]);
  const switches = Object.fromEntries(drawn) as FreshchatOptions["switches"];
  const account = await startFreshchat({ token: TOKEN, clock: time.world, switches });
  const words = chance.once(2) ? CONTACT : AGENT;
  const content = words === AGENT ? () => agents(account) : () => contacts(account);
  return {
    type: "freshchat",
    words,
    told: `freshchat with ${words.person}s (${Object.values(switches ?? {}).join(", ")})`,
    secret: TOKEN,
    open: () => createFreshchatTarget({ baseUrl: account.base, token: () => TOKEN, clock }),
    content,
    bend: (chance) => bend(account, chance),
    heal: () => account.faults.set([]),
    close: () => account.close(),
  };
}

type Account = Awaited<ReturnType<typeof startFreshchat>>;

function agents({ agents }: Account): Content {
  const there = agents.list().filter((one) => !one.is_deleted);
  return contentOf(
    there.map((one) => {
      const { id, biography, email, first_name: name, last_name: title, is_deactivated: isOff } = one;
      const values = { key: text(biography), login: text(email), name: text(name), title: text(title), manager: null };
      return { kind: "person", id, values, active: !isOff, members: [] };
    }),
  );
}

function contacts({ users }: Account): Content {
  return contentOf(
    users.list().map((one) => {
      const { id, reference_id: key, email, first_name: name, last_name: title } = one;
      const values = { key: text(key), login: text(email), name: text(name), title: text(title), manager: null };
      return { kind: "person", id, values, active: true, members: [] };
    }),
  );
}

function bend({ faults }: Account, chance: Chance): string {
  const rules = Array.from({ length: 1 + chance.below(3) }, (): FreshchatFault => {
    const method = chance.some(METHODS);
    const often = { times: 1 + chance.below(chance.once(4) ? 12 : 3), skip: chance.below(6) };
    return { ...(method === undefined ? {} : { method }), ...often, action: chance.some(ACTIONS) };
  });
  faults.set(rules);
  const told = rules.map(({ action, method = "any request", times, skip }) => {
    const what = "status" in action ? String(action.status) : action.type;
    return `${what} on ${method} (${times} times behind ${skip})`;
  });
  return `Freshchat: ${told.join("; ")}`;
}
