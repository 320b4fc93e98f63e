import type { SourceRecord } from "@entrain/core";
import { Arrivals } from "./arrivals.ts";
import { SIGN_IN_ACTIVITY } from "./attributes.ts";
import { type CollectionPage, type Entity, type GraphClient, GraphRefusal, type GraphRequest } from "./client.ts";
import { beginRound, behindFull, deltaStep } from "./delta.ts";
import { filterOf, lanesFor } from "./lanes.ts";
import { blankOf, changedUser, isRemoved, wholeUser } from "./records.ts";
import { type Reader, type Step, selectionHash, Trail, unexpired } from "./round.ts";
import type { Lane, Position } from "./watermark.ts";

/** The largest pages that `/users` answers, with and without sign-in activity ("List users"). */
const PAGE = 999;
const PAGE_WITH_ACTIVITY = 500;
/**
 * Lanes that are read at a time: as many as keep this process busy at 100 ms for each answer. More of them only wait as text,
 * and with TLS they slow each other down.
 */
const LANES_AT_A_TIME = 4;
/** A `$filter` names at most 15 values with `in` ("Use the $filter query parameter": 15 expressions). */
const NAMED_AT_A_TIME = 15;
const LANE_BOUND = "userPrincipalName";
const REQUEST: GraphRequest = { permission: "User.Read.All" };

/**
 * Reads people with their managers. The full round pages `/users`, because delta knows no `$top` and answers far smaller
 * pages; what changes meanwhile comes from the delta token that was taken before it. Many people are read in lanes, several
 * at a time.
 */
export function userReader(client: GraphClient, tenant: string, attributes: readonly string[]): Reader {
  const names = namesOf(attributes, "manager");
  const reading = new UserReading(client, names);
  return {
    kind: "user",
    selection: selectionHash("user", client.origin, tenant, names),
    full: (position, signal) => reading.full(position, signal),
    change: (position, signal) => {
      const records = async (page: CollectionPage): Promise<readonly SourceRecord[]> => {
        const changed = page.entities.map((entity) => changedUser(entity, names));
        if (position.lanes === null) return changed;
        return [...(await reading.named(page.entities, signal)), ...changed];
      };
      return deltaStep(client, position, { request: REQUEST, trail: reading.trail, records }, signal);
    },
  };
}

interface LanePage {
  readonly lane: Lane;
  readonly read: () => CollectionPage;
}

class UserReading {
  readonly trail = new Trail();
  readonly #client: GraphClient;
  readonly #names: readonly string[];
  readonly #query: string;

  constructor(client: GraphClient, names: readonly string[]) {
    this.#client = client;
    this.#names = names;
    const top = names.includes(SIGN_IN_ACTIVITY) ? PAGE_WITH_ACTIVITY : PAGE;
    this.#query = `/users?$top=${top}&$select=${["id", ...names].join(",")}&$expand=manager($select=id)`;
  }

  /** All lanes; where a service refuses to divide its people, one page after the other. */
  async *full(from: Position, signal: AbortSignal): AsyncGenerator<Step> {
    this.trail.clear();
    const begun = from.delta === null ? await this.#begin(from.since, signal) : null;
    const position: Position = { ...from, link: null, ...(begun?.at ?? { lanes: lanesOf(from) }) };
    const roles = begun === null ? [] : [begun.roles];
    let refused: unknown = null;
    try {
      yield* this.#steps(position, roles, signal);
    } catch (error) {
      if (!isRefusedFilter(error, position)) throw error;
      refused = error;
    }
    if (refused !== null) yield* this.#steps({ ...position, lanes: lanesFor(null) }, roles, signal);
  }

  /** The pages of all lanes, in the order in which they come, each with the position as if no other were on its way. */
  async *#steps(from: Position, roles: Step["roles"], signal: AbortSignal): AsyncGenerator<Step> {
    let position = from;
    let used = roles;
    const blank = blankOf(this.#names);
    for await (const { lane, page } of this.#pages(position.lanes ?? [], signal)) {
      const rest = page.nextLink === null ? [] : [{ ...lane, link: page.nextLink }];
      const lanes = (position.lanes ?? []).flatMap((one) => (sameLane(one, lane) ? rest : [one]));
      const complete = lanes.length === 0;
      // What is read in one lane cannot be missed in another.
      const behind = isWhole(lane) ? null : [];
      const next = complete ? behindFull({ ...position, lanes: behind }) : { ...position, lanes };
      const records = page.entities.map((entity) => wholeUser(entity, blank));
      yield { records, next, complete, expected: position.expected, roles: [...used, page.roles] };
      position = next;
      used = [];
    }
  }

  /**
   * People who changed while lanes were read, whole: a new user principal name may have taken them from a lane that was still to
   * be read into one that was not, and delta tells only what changed. What it tells is laid over them.
   */
  async named(entities: readonly Entity[], signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const ids = [...new Set(entities.filter((entity) => !isRemoved(entity)).map(({ id }) => id))];
    const blank = blankOf(this.#names);
    const named = await readNamed(this.#client, { query: this.#query, ids }, signal);
    return named.map((entity) => wholeUser(entity, blank));
  }

  async #begin(
    since: string | null,
    signal: AbortSignal,
  ): Promise<{ readonly roles: Step["roles"][number]; readonly at: Partial<Position> }> {
    const tracked = ["id", ...this.#names.filter((name) => name !== SIGN_IN_ACTIVITY), "manager"].join(",");
    const { delta, expected, roles } = await beginRound(
      this.#client,
      { path: "/users", tracked, request: REQUEST, since },
      signal,
    );
    // A person who goes from one lane to another must come with the delta round.
    const lanes = lanesFor(this.#names.includes(LANE_BOUND) ? expected : null);
    return { roles, at: { delta, expected, lanes } };
  }

  async *#pages(
    lanes: readonly Lane[],
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly lane: Lane; readonly page: CollectionPage }> {
    const arrivals = new Arrivals<LanePage>();
    const waiting = [...lanes];
    const stop = new AbortController();
    const within = AbortSignal.any([signal, stop.signal]);
    const fetch = (lane: Lane, kept: boolean): void => arrivals.add(this.#fetch(lane, kept, within));
    try {
      while (arrivals.running + arrivals.ready + waiting.length > 0) {
        while (arrivals.running + arrivals.ready < LANES_AT_A_TIME) {
          const lane = waiting.shift();
          if (lane === undefined) break;
          fetch(lane, lane.link !== null);
        }
        const { lane, read } = await arrivals.next();
        const page = read();
        this.trail.follow("Reading users", page);
        if (page.nextLink !== null) fetch({ ...lane, link: page.nextLink }, false);
        yield { lane, page };
      }
    } finally {
      stop.abort();
      await arrivals.ended();
    }
  }

  async #fetch(lane: Lane, kept: boolean, signal: AbortSignal): Promise<LanePage> {
    const filter = filterOf(lane);
    const first = filter === null ? this.#query : `${this.#query}&$filter=${filter}`;
    const read = await unexpired(this.#client.fetch(lane.link ?? first, REQUEST, signal), kept);
    return { lane, read };
  }
}

/** Who these people report to; those that Graph does not find are left out. */
export async function managersOf(
  client: GraphClient,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string | null>> {
  const found = await readNamed(client, { query: "/users?$select=id&$expand=manager($select=id)", ids }, signal);
  return new Map(found.map((entity) => [entity.id, wholeUser(entity, {}).manager ?? null]));
}

async function readNamed(
  client: GraphClient,
  { query, ids }: { readonly query: string; readonly ids: readonly string[] },
  signal: AbortSignal,
): Promise<readonly Entity[]> {
  const found: Entity[] = [];
  for (let at = 0; at < ids.length; at += NAMED_AT_A_TIME) {
    const list = ids.slice(at, at + NAMED_AT_A_TIME).map((id) => `'${id.replaceAll("'", "''")}'`);
    const page = await client.page(`${query}&$filter=id in (${list.join(",")})`, REQUEST, signal);
    found.push(...page.entities);
  }
  return found;
}

/** The lanes of a position; one that was left by an earlier version of Entrain is read on as a single one. */
function lanesOf({ lanes, link }: Position): readonly Lane[] {
  return lanes ?? [{ from: null, to: null, link }];
}

/** The very first request of a lane was refused, before anything was read in lanes. */
function isRefusedFilter(error: unknown, { lanes }: Position): boolean {
  if (!(error instanceof GraphRefusal) || (error.status !== 400 && error.status !== 501)) return false;
  return lanes?.every((lane) => lane.link === null && !isWhole(lane)) ?? false;
}

function sameLane(left: Lane, right: Lane): boolean {
  return left.from === right.from && left.to === right.to;
}

function isWhole({ from, to }: Lane): boolean {
  return from === null && to === null;
}

/** Attribute names in one order, each once, without `id` and the relationship, which records hold beside their attributes. */
export function namesOf(attributes: readonly string[], relationship: string): readonly string[] {
  const chosen = attributes.filter((name) => name !== "id" && name !== relationship);
  return [...new Set(chosen)].sort((a, b) => (a < b ? -1 : 1));
}
