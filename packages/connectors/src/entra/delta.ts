import { ConnectorError, type SourceRecord } from "@entrain/core";
import type { CollectionPage, Entity, GraphClient, GraphRequest } from "./client.ts";
import type { Step, Trail } from "./round.ts";
import type { Position } from "./watermark.ts";

/** What a full round needs before its first page: where the delta behind it goes on, and a count to judge it by. */
export interface Beginning {
  readonly delta: string;
  readonly expected: number | null;
  readonly roles: readonly string[] | null;
}

/** Takes the latest delta token and the service's count; both must come before the first page of a full round. */
export async function beginRound(
  client: GraphClient,
  collection: { readonly path: "/users" | "/groups"; readonly tracked: string; readonly request: GraphRequest },
  signal: AbortSignal,
): Promise<Beginning> {
  const { path, tracked, request } = collection;
  const latest = await client.page(`${path}/delta?$deltatoken=latest&$select=${tracked}`, request, signal);
  if (latest.deltaLink === null) throw withoutLink(`${path}/delta`);
  const expected = await client.count(`${path}/$count`, request, signal).catch((error: unknown) => {
    // Some tenants (Azure AD B2C) refuse advanced queries for good; the count is a help, not a condition.
    if (error instanceof ConnectorError && error.code === "request_refused") return null;
    throw error;
  });
  return { delta: latest.deltaLink, expected, roles: latest.roles };
}

/** One page of a delta round: ends only with a delta link, however empty the pages before it ("Use delta query"). */
export async function deltaStep(
  client: GraphClient,
  position: Position & { readonly link: string },
  options: {
    readonly request: GraphRequest;
    readonly trail: Trail;
    readonly record: (entity: Entity) => SourceRecord;
  },
  signal: AbortSignal,
): Promise<Step> {
  const page = await client.page(position.link, options.request, signal);
  options.trail.follow(`Reading ${position.kind} changes`, page);
  const link = page.nextLink ?? page.deltaLink;
  if (link === null) throw withoutLink(`Reading ${position.kind} changes`);
  return {
    records: page.entities.map(options.record),
    next: { ...position, link },
    complete: page.nextLink === null,
    expected: null,
    roles: [page.roles],
  };
}

/** The position behind the last page of a full round. */
function deltaPosition(position: Position, delta: string): Position {
  return { ...position, round: "delta", link: delta, delta: null, expected: null, after: null, open: [] };
}

/** Where a page of a full round is followed by: the next page, or the delta round. */
export function behind(
  position: Position,
  page: CollectionPage,
  begun: Pick<Beginning, "delta" | "expected">,
): Position {
  if (page.nextLink === null) return deltaPosition(position, begun.delta);
  return { ...position, link: page.nextLink, ...begun, after: null, open: [] };
}

function withoutLink(path: string): ConnectorError {
  const message = `${path}: the answer has neither a next link nor a delta link.`;
  return new ConnectorError("answer_invalid", message, { stops: "run", retry: "later" });
}
