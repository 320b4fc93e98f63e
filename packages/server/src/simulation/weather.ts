import type { ScimFault, ScimRequestLog } from "@entrain/connectors/scim/testing";
import { ConnectorError, type Outcome, type Target, type TargetChange } from "@entrain/core";
import type { FaultRule } from "@entrain/simulator";
import type { Chance } from "./chance.ts";
import type { Life } from "./machine.ts";
import type { Tenant } from "./tenant.ts";

const MINUTE = 60_000;
const ACTIONS: readonly FaultRule["action"][] = [
  { type: "replay" },
  { type: "empty" },
  { type: "expired" },
  { type: "status", status: 410 },
  { type: "status", status: 500 },
  { type: "status", status: 503 },
  { type: "status", status: 401, code: "InvalidAuthenticationToken" },
  { type: "status", status: 429, retryAfter: 3 },
  { type: "lag", ms: 10 * MINUTE },
  { type: "cut", at: "headers" },
  { type: "cut", at: "answer" },
  { type: "cut", at: "body" },
  { type: "truncate" },
  { type: "html" },
  { type: "no-value" },
  { type: "ends-empty" },
  { type: "nulls" },
  { type: "stale-count", percent: 20 },
];
const PATHS = ["/users", "/users/delta", "/groups", "/groups/delta", "/groups/*/members", "/$batch", "/**"] as const;
/** A list of members that comes empty cannot be told from one that is; these lists can. */
const LISTS = ["/users", "/users/delta", "/groups", "/groups/delta"] as const;
const FEWER_ROLES = [["Group.Read.All"], ["User.Read.All"], ["User.ReadBasic.All", "Group.Read.All"], []] as const;

/** Bends what Graph answers from now on; what it did, in words. */
export function bendGraph({ simulator }: Tenant, chance: Chance): string {
  const rules = Array.from({ length: 1 + chance.below(3) }, (): FaultRule => {
    const times = chance.once(4) ? 40 : 1 + chance.below(3);
    const [action, path] = [chance.some(ACTIONS), chance.some(PATHS)];
    return { action, path: action.type === "ends-empty" ? chance.some(LISTS) : path, skip: chance.below(6), times };
  });
  simulator.faults.set(rules);
  const told = rules.map(({ action, path, skip, times }) => {
    const what = action.type === "status" ? String(action.status) : action.type;
    return `${what} on ${path} (${times} times behind ${skip})`;
  });
  const anew = chance.below(16);
  if (anew < 4) {
    // Everything is read anew, and the round ends before its time.
    simulator.expireDeltaTokens();
    const action = { type: "ends-empty" } as const;
    simulator.faults.add({ action, path: chance.some(["/users", "/groups"]), times: 1 + chance.below(3) });
    told.push("a full round ends early");
  } else if (anew < 7) {
    simulator.expireDeltaTokens();
    told.push("delta tokens expire");
  }
  if (chance.once(5)) {
    const roles = chance.some(FEWER_ROLES);
    simulator.setRoles([...roles]);
    told.push(`only ${roles.join(", ") || "no permission"}`);
  }
  return told.join("; ");
}

const SCIM_FAULTS: readonly ScimFault[] = [
  "cut",
  { status: 400, body: "{}" },
  { status: 409, body: "{}" },
  { status: 500, body: "" },
  { status: 503, headers: { "retry-after": "2" }, body: "" },
  { status: 429, headers: { "retry-after": "1" }, body: "" },
  { status: 200, body: "<html>Please sign in</html>", headers: { "content-type": "text/html" } },
];

/** What the SCIM server does in place of its work, and what it did in words. */
export function bendScim(chance: Chance): {
  readonly fault: (request: ScimRequestLog) => ScimFault | null;
  readonly told: string;
} {
  const fault = chance.some(SCIM_FAULTS);
  const every = 2 + chance.below(5);
  const writesOnly = !chance.once(4);
  let seen = 0;
  const what = fault === "cut" ? "cuts" : `answers ${fault.status} to`;
  return {
    fault: ({ method }) => {
      if (writesOnly && method === "GET") return null;
      seen += 1;
      return seen % every === 0 ? fault : null;
    },
    told: `the server ${what} every ${every}th ${writesOnly ? "write" : "request"}`,
  };
}

/** What happens to a batch on its way to the target and back. */
export interface Passage {
  /** Every so manyth change is refused; 0: none. */
  readonly refuses: number;
  /** The calls whose answer nobody hears, counted from 1. */
  readonly unheard: ReadonlySet<number>;
  /** The calls of which nothing is sent. */
  readonly unsent: ReadonlySet<number>;
  /** Whether what was on its way when the process died takes effect later. */
  readonly late: boolean;
}

export const CLEAR: Passage = { refuses: 0, unheard: new Set(), unsent: new Set(), late: false };

/** What was sent by a process that died since, and has not arrived yet. */
export interface Underway {
  arrive: (() => Promise<void>) | null;
}

const REFUSED: Outcome = { status: "refused", code: "refused_by_target", detail: "the target says no", retry: "later" };
const UNHEARD: Outcome = { status: "unknown", code: "outcome_unknown", detail: "no answer came", retry: "now" };

type Transactional = Target & {
  readonly applyIn: (tx: unknown, of: readonly TargetChange[]) => Promise<readonly Outcome[]>;
};

/** The target as one process reaches it. `sending` is told of every batch before anything of it is sent. */
export function throughWeather(
  target: Target,
  of: {
    readonly life: Life;
    readonly passage: Passage;
    readonly underway: Underway;
    readonly chance: Chance;
    readonly sending: (changes: readonly TargetChange[]) => Promise<void>;
    readonly told: (line: string) => void;
  },
): Target {
  const { life, passage, underway, chance, told } = of;
  let calls = 0;
  let asked = 0;
  const isRefused = (): boolean => passage.refuses > 0 && ++asked % passage.refuses === 0;
  /** Sends those that are not refused, and answers for all. */
  const send = async (
    changes: readonly TargetChange[],
    through: (sent: readonly TargetChange[]) => Promise<readonly Outcome[]>,
  ): Promise<readonly Outcome[]> => {
    const refused = new Set(changes.filter(isRefused));
    const sent = changes.filter((change) => !refused.has(change));
    const answers = [...(sent.length === 0 ? [] : await through(sent))];
    return changes.map((change) => (refused.has(change) ? REFUSED : (answers.shift() ?? UNHEARD)));
  };
  const arrived = async <T>(answer: Promise<T>): Promise<T> => {
    const found = await answer;
    const { arrive } = underway;
    underway.arrive = null;
    if (arrive !== null) {
      await arrive();
      told("what was still on its way arrives");
    }
    return found;
  };
  const apply: Target["apply"] = async (changes, signal) => {
    calls += 1;
    await life.moment("before it calls the target");
    if (passage.unsent.has(calls)) {
      told("the target cannot be reached");
      throw new ConnectorError("unreachable", "The target could not be reached.", { stops: "run", retry: "later" });
    }
    await of.sending(changes);
    if (life.isAboutToDie) {
      const part = chance.below(changes.length + 1);
      if (part > 0) await target.apply(changes.slice(0, part), signal);
      const rest = changes.slice(part);
      const never = new AbortController().signal;
      if (passage.late && rest.length > 0) underway.arrive = async () => void (await target.apply(rest, never));
      told(
        `${part} of ${changes.length} changes took effect${underway.arrive === null ? "" : ", the others are on their way"}`,
      );
    }
    await life.moment("before the target answers");
    const outcomes = await send(changes, (sent) => target.apply(sent, signal));
    await life.moment("when the target has answered");
    if (!passage.unheard.has(calls)) return outcomes;
    told("the target's answer is lost");
    return outcomes.map(() => UNHEARD);
  };
  const weathered: Target = {
    ...target,
    apply,
    find: (...args) => arrived(target.find(...args)),
    get: (...args) => arrived(target.get(...args)),
  };
  if (!("applyIn" in target)) return weathered;
  const { applyIn } = target as Transactional;
  const within: Transactional = {
    ...weathered,
    applyIn: (tx, changes) => send(changes, (sent) => applyIn(tx, sent)),
  };
  return within;
}
