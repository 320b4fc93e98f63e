import { type Attributes, ConnectorError, type SourceRecord } from "@entrain/core";
import { VISIBILITY } from "./attributes.ts";
import { type CollectionPage, type Entity, type GraphClient, GraphRefusal, type GraphRequest } from "./client.ts";
import { beginRound, deltaStep } from "./delta.ts";
import { GroupRound, type Slice } from "./group-round.ts";
import { blankOf, changedGroup, memberOf, wholeAttributes } from "./records.ts";
import { isExpired, type Reader, type Step, selectionHash, Trail, unexpired } from "./round.ts";
import { namesOf } from "./users.ts";
import type { OpenGroup, Position } from "./watermark.ts";

const PAGE = 999;
const GROUPS: GraphRequest = { permission: "Group.Read.All" };
const SEES_HIDDEN = "Member.Read.Hidden";
/** The first slices are many and short, the further ones of a large group a chain that everything ends up waiting for. */
const FIRST_MEMBERS: GraphRequest = { permission: "GroupMember.Read.All", urgency: "last" };
const MEMBERS: GraphRequest = { permission: "GroupMember.Read.All", urgency: "next" };

interface Options {
  readonly tenant: string;
  readonly attributes: readonly string[];
  readonly concurrency: number;
}

/**
 * Reads groups with their direct members. The full round pages `/groups`, and for each group `/groups/{id}/members`, many at a time. A
 * page of ours holds what has come meanwhile: first and further slices of groups, in any order.
 *
 * A position names the last group in Graph's order of which anything was read, and those before it that are still open. After a
 * crash, reading goes on with the next slice of an open group, without `start`: what its earlier slices held was stored with the
 * watermark. When Graph no longer accepts a slice's link, the group is read again from its first slice, with `start`. When
 * the page of groups no longer holds the last group read, all of the page is read again.
 */
export function groupReader(client: GraphClient, options: Options): Reader {
  const names = namesOf(options.attributes, "members");
  const reading = new GroupReading(client, names);
  const records = (page: CollectionPage): readonly SourceRecord[] =>
    page.entities.map((entity) => changedGroup(entity, names));
  return {
    kind: "group",
    selection: selectionHash("group", client.origin, options.tenant, names),
    full: (position, signal) => fullRound(reading, position, options.concurrency, signal),
    change: (position, signal) =>
      deltaStep(client, position, { request: GROUPS, trail: reading.trail, records }, signal),
  };
}

async function* fullRound(
  reading: GroupReading,
  from: Position,
  atATime: number,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  reading.trail.clear();
  const begun = from.delta === null ? await reading.begin(from.since, signal) : null;
  const position = begun === null ? from : { ...from, delta: begun.delta, expected: begun.expected };
  const round = new GroupRound({ requests: reading, position, atATime, signal });
  yield* round.steps(begun === null ? [] : [begun.roles]);
}

/** The requests of a full round of groups. */
class GroupReading {
  readonly trail: Trail = new Trail();
  /** Where the first page of groups is. */
  readonly first: string;
  readonly #client: GraphClient;
  readonly #blank: Attributes;
  readonly #select: string;
  readonly #tracked: string;

  constructor(client: GraphClient, names: readonly string[]) {
    this.#client = client;
    this.#blank = blankOf(names);
    this.#select = ["id", ...new Set([...names, VISIBILITY])].join(",");
    this.first = `/groups?$top=${PAGE}&$select=${this.#select}`;
    this.#tracked = ["id", ...names, "members"].join(",");
  }

  /** What must come before the first page. */
  begin(since: string | null, signal: AbortSignal): ReturnType<typeof beginRound> {
    return beginRound(this.#client, { path: "/groups", tracked: this.#tracked, request: GROUPS, since }, signal);
  }

  /** A page of groups. `kept`: its link comes from a watermark. */
  async page(link: string, kept: boolean, signal: AbortSignal): Promise<CollectionPage> {
    const page = await unexpired(this.#client.page(link, GROUPS, signal), kept);
    this.trail.follow("Reading groups", page);
    return page;
  }

  /** A group by its id; `null` when it is gone. */
  async group(id: string, signal: AbortSignal): Promise<Entity | null> {
    const path = `/groups/${encodeURIComponent(id)}?$select=${this.#select}`;
    try {
      const { body } = await this.#client.request(path, GROUPS, signal);
      return { ...(body as Readonly<Record<string, unknown>>), id };
    } catch (error) {
      if (error instanceof GraphRefusal && error.status === 404) return null;
      throw error;
    }
  }

  /** The first members of a group. */
  async firstSlice(group: Entity, signal: AbortSignal): Promise<Slice> {
    const record: SourceRecord = {
      kind: "group",
      id: group.id,
      form: "whole",
      attributes: wholeAttributes(group, this.#blank),
    };
    try {
      const page = await this.#members(group.id, signal);
      const unseen = page.entities.length === 0 && page.roles !== null && !page.roles.includes(SEES_HIDDEN);
      return isHidden(group) && unseen ? { record, nextLink: null, roles: page.roles } : sliceOf(record, page, true);
    } catch (error) {
      if (!(error instanceof GraphRefusal)) throw error;
      if (error.status === 403 && isHidden(group)) return { record, nextLink: null, roles: null };
      if (error.status === 404) return this.#gone(group.id, error, signal);
      throw error;
    }
  }

  /** More members of a group. */
  async furtherSlice({ id, link }: OpenGroup & { readonly link: string }, signal: AbortSignal): Promise<Slice> {
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
    const page = await this.#client.page(`${path}?$top=${PAGE}&$select=id`, FIRST_MEMBERS, signal);
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
      if (error instanceof GraphRefusal && error.status === 404) return { record: null, nextLink: null, roles: null };
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
    nextLink: page.nextLink,
    roles: page.roles,
  };
}
