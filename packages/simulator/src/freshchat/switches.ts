/**
 * What Freshchat does where its documentation does not say, or where clients of it disagree. Each switch is one such
 * question. The first value of each is the default: the one under which a careless client goes wrong.
 */
export interface FreshchatSwitches {
  /** `items_per_page` above 50: 400, or read as 50. */
  readonly pageLimit: "refuse" | "clamp";
  /** What a list tells about its pages: the blocks `pagination` and `links`, one of them, or a bare array without any. */
  readonly metadata: "both" | "pagination" | "links" | "bare";
  /** Whether a link to a page carries only its number, or the other parameters of the request too. */
  readonly linkQuery: "page" | "whole";
  /** Order of lists when the request has no `sort_order`. */
  readonly order: "newest" | "oldest";
  /** Whether `/accounts/configuration` is wrapped in `configuration`. */
  readonly configuration: "wrapped" | "bare";
  /** Status of a successful POST. */
  readonly created: 201 | 200;
  /** A second record with the same e-mail address or `reference_id`: created, or 400. */
  readonly duplicates: "allowed" | "refused";
  /** Whether the filter `email` tells capital letters apart. */
  readonly emailMatch: "exact" | "folded";
  /** Milliseconds until a created user is found by filters; by id it is found at once. */
  readonly indexDelayMs: number;
  /**
   * PUT: fields that are left out are cleared, or kept; `merge` replaces the list of properties where one is given,
   * `merge-properties` keeps those that the list does not name.
   */
  readonly put: "replace" | "merge" | "merge-properties";
  /** Names of properties that the account does not define: 400, or taken. */
  readonly properties: "defined" | "free";
  /** An agent whose deletion came through: listed with `is_deleted`, or gone (404). */
  readonly agentDeletion: "marked" | "gone";
  /** Status of a user's deletion: 202 and it goes later, or 204 and it is gone. */
  readonly userDeletion: 202 | 204;
  /** Milliseconds between the acceptance of a deletion (202) and the deletion. */
  readonly deletionDelayMs: number;
  /** Status that tells that no full-time seat is left. */
  readonly seatRefusal: 403 | 400;
}

/** Name of a switch. */
export type FreshchatSwitch = keyof FreshchatSwitches;

type Values = { readonly [Name in FreshchatSwitch]: readonly FreshchatSwitches[Name][] };

/** The values that each switch is tried with, the default first. Switches in milliseconds take any other whole number too. */
export const FRESHCHAT_SWITCHES: Values = {
  pageLimit: ["refuse", "clamp"],
  metadata: ["both", "pagination", "links", "bare"],
  linkQuery: ["page", "whole"],
  order: ["newest", "oldest"],
  configuration: ["wrapped", "bare"],
  created: [201, 200],
  duplicates: ["allowed", "refused"],
  emailMatch: ["exact", "folded"],
  indexDelayMs: [1000, 0],
  put: ["replace", "merge", "merge-properties"],
  properties: ["defined", "free"],
  agentDeletion: ["marked", "gone"],
  userDeletion: [202, 204],
  deletionDelayMs: [30_000, 0],
  seatRefusal: [403, 400],
};

const NAMES = Object.keys(FRESHCHAT_SWITCHES) as readonly FreshchatSwitch[];
const DURATIONS: ReadonlySet<string> = new Set<FreshchatSwitch>(["indexDelayMs", "deletionDelayMs"]);

/** Every switch at its default, or at one end of its values: `first` is the default, `last` the mildest. */
export function switchesAt(end: "first" | "last"): FreshchatSwitches {
  const entries = NAMES.map((name) => [name, FRESHCHAT_SWITCHES[name].at(end === "first" ? 0 : -1)]);
  return Object.fromEntries(entries) as FreshchatSwitches;
}

/**
 * Reads switches that came as text or JSON (`"201"` is 201). Throws an Error with one sentence when a name or a value
 * is none of theirs.
 */
export function readSwitches(given: Readonly<Record<string, unknown>>): Partial<FreshchatSwitches> {
  const read = Object.entries(given).map(([name, value]) => {
    const known = NAMES.find((each) => each === name);
    if (known === undefined) throw new Error(`There is no switch "${name}"; there are ${NAMES.join(", ")}.`);
    return [name, readValue(known, value)];
  });
  return Object.fromEntries(read) as Partial<FreshchatSwitches>;
}

function readValue(name: FreshchatSwitch, value: unknown): string | number {
  const text = String(value);
  const listed = FRESHCHAT_SWITCHES[name].find((each) => String(each) === text);
  if (listed !== undefined) return listed;
  if (!DURATIONS.has(name)) {
    throw new Error(`The switch ${name} has no value "${text}"; it takes ${FRESHCHAT_SWITCHES[name].join(", ")}.`);
  }
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`The switch ${name} takes milliseconds, a whole number from 0, and not "${text}".`);
}
