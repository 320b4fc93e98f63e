import { type Attributes, ConnectorError, type SourceRecord } from "@entrain/core";
import pLimit from "p-limit";
import { VISIBILITY } from "./attributes.ts";
import { type CollectionPage, type Entity, type GraphClient, GraphRefusal, type GraphRequest } from "./client.ts";
import { type Beginning, beginRound, behind, deltaStep } from "./delta.ts";
import { blankOf, changedGroup, memberOf, wholeAttributes } from "./records.ts";
import { isExpired, type Reader, type Step, selectionHash, Trail } from "./round.ts";
import { namesOf } from "./users.ts";
import type { OpenGroup, Position } from "./watermark.ts";

const PAGE = 999;
/** Groups in one page of ours, for each request at a time: enough to keep all of them busy, few enough for flat memory. */
const GROUPS_PER_LANE = 5;
const GROUPS: GraphRequest = { permission: "Group.Read.All" };
const SEES_HIDDEN = "Member.Read.Hidden";
const MEMBERS: GraphRequest = { permission: "GroupMember.Read.All" };

interface Options {
  readonly tenant: string;
  readonly attributes: readonly string[];
  readonly concurrency: number;
}

/** A group's slice of members: its record, or `null` when the group went meanwhile, and what is left to read. */
interface Slice {
  readonly record: SourceRecord | null;
  readonly open: OpenGroup | null;
  readonly roles: readonly string[] | null;
}

/**
 * Reads groups with their direct members. The full round pages `/groups`, and for each group `/groups/{id}/members`. A page of
 * ours holds the first slice of some groups, in Graph's order, or further slices of those with more than 999 members:
 * at most one page of groups and some pages of members are in memory at a time.
 *
 * A position inside a page of groups names the last group that was read and the groups that are still open. After a crash,
 * reading goes on with the next slice of an open group, without `start`: what its earlier slices held was stored with the
 * watermark. When Graph no longer accepts a slice's link, the group is read again from its first slice, with `start`. When
 * the page of groups no longer holds the last group read, all of the page is read again.
 */
export function groupReader(client: GraphClient, options: Options): Reader {
  const names = namesOf(options.attributes, "members");
  const reading = new GroupReading(client, names, options.concurrency);
  const delta = {
    request: GROUPS,
    trail: reading.trail,
    record: (entity: Entity): SourceRecord => changedGroup(entity, names),
  };
  return {
    kind: "group",
    selection: selectionHash("group", client.origin, options.tenant, names),
    step: (position, signal) => {
      const { link } = position;
      if (position.round === "delta" && link !== null) return deltaStep(client, { ...position, link }, delta, signal);
      return position.open.length > 0 ? reading.furtherSlices(position, signal) : reading.firstSlices(position, signal);
    },
  };
}

class GroupReading {
  readonly trail = new Trail();
  readonly #client: GraphClient;
  readonly #blank: Attributes;
  readonly #lanes: number;
  readonly #first: string;
  readonly #tracked: string;
  #page: { readonly link: string; readonly page: CollectionPage } | null = null;

  constructor(client: GraphClient, names: readonly string[], lanes: number) {
    this.#client = client;
    this.#blank = blankOf(names);
    this.#lanes = lanes;
    this.#first = `/groups?$top=${PAGE}&$select=${["id", ...new Set([...names, VISIBILITY])].join(",")}`;
    this.#tracked = ["id", ...names, "members"].join(",");
  }

  /** The first slices of the next groups of the page at the position. */
  async firstSlices(position: Position, signal: AbortSignal): Promise<Step> {
    const begun = position.delta === null ? await this.#begin(signal) : null;
    const delta = begun?.delta ?? position.delta ?? "";
    const expected = begun?.expected ?? position.expected;
    const link = position.link ?? this.#first;
    const page = await this.#pageAt(link, signal);
    const from = page.entities.findIndex((group) => group.id === position.after) + 1;
    const groups = page.entities.slice(from, from + this.#lanes * GROUPS_PER_LANE);
    const slices = await this.#each(groups, (group) => this.#firstSlice(group, signal));
    const open = slices.flatMap((slice) => slice.open ?? []);
    const last = groups.at(-1)?.id ?? position.after;
    const pageDone = open.length === 0 && from + groups.length >= page.entities.length;
    // The next page is asked for anew, even under the same link.
    if (pageDone) this.#page = null;
    return {
      records: slices.flatMap((slice) => slice.record ?? []),
      next: pageDone
        ? behind(position, page, { delta, expected })
        : { ...position, link, delta, expected, after: last, open },
      complete: pageDone && page.nextLink === null,
      expected,
      roles: [page.roles, ...(begun === null ? [] : [begun.roles]), ...slices.map((slice) => slice.roles)],
    };
  }

  /** One more slice of each of the first open groups. */
  async furtherSlices(position: Position, signal: AbortSignal): Promise<Step> {
    const now = position.open.slice(0, this.#lanes);
    const slices = await this.#each(now, (group) => this.#furtherSlice(group, signal));
    const open = [...slices.flatMap((slice) => slice.open ?? []), ...position.open.slice(this.#lanes)];
    return {
      records: slices.flatMap((slice) => slice.record ?? []),
      next: { ...position, open },
      complete: false,
      expected: position.expected,
      roles: slices.map((slice) => slice.roles),
    };
  }

  async #begin(signal: AbortSignal): Promise<Beginning> {
    this.trail.clear();
    this.#page = null;
    return beginRound(this.#client, { path: "/groups", tracked: this.#tracked, request: GROUPS }, signal);
  }

  async #pageAt(link: string, signal: AbortSignal): Promise<CollectionPage> {
    if (this.#page?.link === link) return this.#page.page;
    const page = await this.#client.page(link, GROUPS, signal);
    this.trail.follow("Reading groups", page);
    this.#page = { link, page };
    return page;
  }

  /** Runs a bounded number at a time; the results stand in the order of the items. */
  #each<Item>(items: readonly Item[], read: (item: Item) => Promise<Slice>): Promise<readonly Slice[]> {
    return pLimit(this.#lanes).map(items, read);
  }

  async #firstSlice(group: Entity, signal: AbortSignal): Promise<Slice> {
    const record: SourceRecord = {
      kind: "group",
      id: group.id,
      form: "whole",
      attributes: wholeAttributes(group, this.#blank),
    };
    try {
      const page = await this.#members(group.id, signal);
      const unseen = page.entities.length === 0 && page.roles !== null && !page.roles.includes(SEES_HIDDEN);
      return isHidden(group) && unseen ? { record, open: null, roles: page.roles } : sliceOf(record, page, true);
    } catch (error) {
      if (!(error instanceof GraphRefusal)) throw error;
      if (error.status === 403 && isHidden(group)) return { record, open: null, roles: null };
      if (error.status === 404) return this.#gone(group.id, error, signal);
      throw error;
    }
  }

  async #furtherSlice({ id, link }: OpenGroup, signal: AbortSignal): Promise<Slice> {
    const record: SourceRecord = { kind: "group", id, form: "partial", attributes: {} };
    try {
      const page = await this.#client.page(link, MEMBERS, signal);
      this.trail.follow(`Reading the members of ${id}`, page);
      return sliceOf(record, page, false);
    } catch (error) {
      if (!isExpired(error, true)) throw error;
    }
    try {
      return sliceOf(record, await this.#members(id, signal), true);
    } catch (error) {
      if (error instanceof GraphRefusal && error.status === 404) return this.#gone(id, error, signal);
      throw error;
    }
  }

  async #members(id: string, signal: AbortSignal): Promise<CollectionPage> {
    const path = `/groups/${encodeURIComponent(id)}/members`;
    const page = await this.#client.page(`${path}?$top=${PAGE}&$select=id`, MEMBERS, signal);
    this.trail.follow(path, page);
    return page;
  }

  /**
   * A group that went between its page and its members yields no record: the delta round says that it went. One that is still
   * there while its members are not is a service out of step with itself.
   */
  async #gone(id: string, refused: GraphRefusal, signal: AbortSignal): Promise<Slice> {
    try {
      await this.#client.request(`/groups/${encodeURIComponent(id)}?$select=id`, GROUPS, signal);
    } catch (error) {
      if (error instanceof GraphRefusal && error.status === 404) return { record: null, open: null, roles: null };
      throw error;
    }
    const message = `Graph lists the group ${id} but does not find its members yet.`;
    throw new ConnectorError("server_failed", message, {
      stops: "run",
      retry: "later",
      requestId: refused.requestId,
      status: refused.status,
    });
  }
}

/** Without a permission of its own such a group's members stay unknown, which must not keep all others from being read. */
function isHidden(group: Entity): boolean {
  return group[VISIBILITY] === "HiddenMembership";
}

function sliceOf(record: SourceRecord, page: CollectionPage, start: boolean): Slice {
  const end = page.nextLink === null;
  const memberships = { form: "slice", start, members: page.entities.map(memberOf), end } as const;
  return {
    record: { ...record, memberships },
    open: page.nextLink === null ? null : { id: record.id, link: page.nextLink },
    roles: page.roles,
  };
}
