import type { SourceRecord } from "@entrain/core";
import { Arrivals } from "./arrivals.ts";
import type { CollectionPage, Entity } from "./client.ts";
import { behindFull } from "./delta.ts";
import type { Step } from "./round.ts";
import type { OpenGroup, Position } from "./watermark.ts";

/** Further pages of groups are fetched while fewer than this many groups wait for each request at a time. */
const WAITING_PER_REQUEST = 8;
/** Slices that came and were not taken yet: no first slices are asked for behind so many, and nothing behind twice as many. */
const READY = 32;
/** What one page of ours may hold. */
const STEP_SLICES = 100;
const STEP_MEMBERS = 10_000;

/** A group's slice of members: its record, or `null` when the group went meanwhile, and where the next slice is. */
export interface Slice {
  readonly record: SourceRecord | null;
  readonly nextLink: string | null;
  readonly roles: readonly string[] | null;
}

/** The requests that a round makes. */
interface Requests {
  readonly first: string;
  page(link: string, kept: boolean, signal: AbortSignal): Promise<CollectionPage>;
  group(id: string, signal: AbortSignal): Promise<Entity | null>;
  firstSlice(group: Entity, signal: AbortSignal): Promise<Slice>;
  furtherSlice(open: OpenGroup & { readonly link: string }, signal: AbortSignal): Promise<Slice>;
}

interface Options {
  readonly requests: Requests;
  readonly position: Position;
  readonly atATime: number;
  readonly signal: AbortSignal;
}

/** A group in Graph's order, of the page at `page`; known by its id alone when its page no longer holds it. */
interface Listed {
  readonly id: string;
  readonly entity: Entity | null;
  readonly page: string;
  readonly place: number;
}

interface Arrived {
  readonly group: Listed;
  readonly slice: Slice;
}

type Continued = { readonly group: Listed; readonly link: string };

/**
 * A full round of groups from a position. The longest list of members is the longest chain of requests, so the next slice of a
 * group that was begun is asked for as soon as the one before has come, before any group is begun, and while the consumer is
 * still busy.
 */
export class GroupRound {
  readonly #requests: Requests;
  readonly #atATime: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #arrivals = new Arrivals<Arrived | null>();
  readonly #waiting: Listed[] = [];
  readonly #further: Continued[] = [];
  /** Groups that were begun and not read to their end: where the consumer has them go on, `null` before their first slice. */
  readonly #open = new Map<Listed, string | null>();
  #running = 0;
  #nextPage: string | null = null;
  #pageComes = false;
  #pageRoles: Step["roles"] = [];
  #places = 0;
  #position: Position;

  constructor({ requests, position, atATime, signal }: Options) {
    this.#requests = requests;
    this.#position = position;
    this.#atATime = atATime;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  /**
   * Everything to the end of the round; the first step also tells the permissions `roles`. When it fails, or the consumer stops, what
   * is on its way ends first.
   */
  async *steps(roles: Step["roles"]): AsyncGenerator<Step> {
    try {
      yield* this.#steps(roles);
    } finally {
      this.#stop.abort();
      await this.#arrivals.ended();
    }
  }

  async *#steps(roles: Step["roles"]): AsyncGenerator<Step> {
    this.#pageRoles = roles;
    let reached = await this.#restore();
    for (;;) {
      this.#send();
      const arrived = this.#isDone() ? [] : await this.#take();
      for (const { group, slice } of arrived) {
        if (slice.nextLink === null) this.#open.delete(group);
        else this.#open.set(group, slice.nextLink);
        if (group.place > reached.place) reached = group;
      }
      const complete = this.#isDone();
      if (arrived.length === 0 && !complete) continue;
      const next = complete ? behindFull(this.#position) : this.#positionAt(reached);
      const used = [...this.#pageRoles, ...arrived.map(({ slice }) => slice.roles)];
      this.#pageRoles = [];
      const records = arrived.flatMap(({ slice }): readonly SourceRecord[] =>
        slice.record === null ? [] : [slice.record],
      );
      yield { records, next, complete, expected: this.#position.expected, roles: used };
      if (complete) return;
      this.#position = next;
    }
  }

  /** Goes back to where the position stands: the page of groups there comes first. */
  async #restore(): Promise<Listed> {
    const { link, after, open } = this.#position;
    const at = link ?? this.#requests.first;
    const page = await this.#requests.page(at, link !== null, this.#signal);
    const from = page.entities.findIndex(({ id }) => id === after) + 1;
    const last: Listed = { id: after ?? "", entity: null, page: at, place: this.#places++ };
    this.#list(page, at, from);
    const listed = new Set(this.#waiting.map(({ id }) => id));
    for (const { id, link: further } of open) {
      // The page is read again from its start when the last group read has left it.
      if (listed.has(id)) continue;
      const entity = page.entities.find((group) => group.id === id) ?? null;
      const group: Listed = { id, entity, page: at, place: -1 };
      this.#open.set(group, further);
      if (further === null) this.#waiting.unshift(group);
      else this.#further.push({ group, link: further });
    }
    return from === 0 ? { ...last, id: "" } : last;
  }

  #list(page: CollectionPage, link: string, from = 0): void {
    for (const entity of page.entities.slice(from)) {
      this.#waiting.push({ id: entity.id, entity, page: link, place: this.#places++ });
    }
    this.#nextPage = page.nextLink;
    this.#pageRoles = [...this.#pageRoles, page.roles];
  }

  /** Fills the free places: chains that were begun first, then pages of groups, then new groups. */
  #send(): void {
    while (this.#running < this.#atATime) {
      const ready = this.#arrivals.ready;
      if (ready >= 2 * READY) return;
      const further = this.#further.shift();
      if (further !== undefined) {
        const { group, link } = further;
        this.#run(async () =>
          this.#sliceCame(group, await this.#requests.furtherSlice({ id: group.id, link }, this.#signal)),
        );
        continue;
      }
      if (this.#mayPage()) {
        this.#runPage(this.#nextPage ?? "");
        continue;
      }
      const group = ready < READY ? this.#waiting.shift() : undefined;
      if (group === undefined) return;
      if (!this.#open.has(group)) this.#open.set(group, null);
      this.#run(async () => this.#sliceCame(group, await this.#first(group)));
    }
  }

  #mayPage(): boolean {
    if (this.#nextPage === null || this.#pageComes) return false;
    return this.#waiting.length < this.#atATime * WAITING_PER_REQUEST;
  }

  #runPage(link: string): void {
    this.#pageComes = true;
    this.#run(async () => {
      const page = await this.#requests.page(link, false, this.#signal);
      this.#pageComes = false;
      this.#list(page, link);
      return null;
    });
  }

  async #first(group: Listed): Promise<Slice> {
    const entity = group.entity ?? (await this.#requests.group(group.id, this.#signal));
    if (entity === null) return { record: null, nextLink: null, roles: null };
    return this.#requests.firstSlice(entity, this.#signal);
  }

  #sliceCame(group: Listed, slice: Slice): Arrived {
    if (slice.nextLink !== null) this.#further.push({ group, link: slice.nextLink });
    return { group, slice };
  }

  /** Whatever comes makes room for the next request at once. */
  #run(task: () => Promise<Arrived | null>): void {
    this.#running += 1;
    const result = task().then((arrived) => {
      this.#running -= 1;
      this.#send();
      return arrived;
    });
    this.#arrivals.add(result);
  }

  /** What has come meanwhile: at least one thing, waited for. */
  async #take(): Promise<readonly Arrived[]> {
    const taken: Arrived[] = [];
    let members = 0;
    do {
      const arrived = await this.#arrivals.next();
      if (arrived === null) continue;
      taken.push(arrived);
      const { record } = arrived.slice;
      members += record?.memberships?.form === "slice" ? record.memberships.members.length : 0;
    } while (this.#arrivals.ready > 0 && taken.length < STEP_SLICES && members < STEP_MEMBERS);
    return taken;
  }

  #isDone(): boolean {
    const busy = this.#arrivals.running + this.#arrivals.ready + this.#open.size + this.#waiting.length;
    return busy === 0 && this.#nextPage === null;
  }

  #positionAt(reached: Listed): Position {
    const open = [...this.#open]
      .filter(([group]) => group.place <= reached.place)
      .map(([{ id }, link]): OpenGroup => ({ id, link }));
    const after = reached.id === "" ? null : reached.id;
    return { ...this.#position, link: reached.page, after, open };
  }
}
