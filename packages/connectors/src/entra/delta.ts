import { type Code, ConnectorError, type SourceRecord } from "@entrain/core";
import type { CollectionPage, GraphClient, GraphRequest } from "./client.ts";
import type { Step, Trail } from "./round.ts";
import type { Position } from "./watermark.ts";

/** What a full round needs before its first page: where the delta behind it goes on, and a count to judge it by. */
export interface Beginning {
  readonly delta: string;
  readonly expected: number | null;
  readonly roles: readonly string[] | null;
}

/** Faults of the count that say nothing of the collection itself. */
const COUNTLESS: ReadonlySet<Code> = new Set(["request_refused", "server_failed", "throttled", "timeout"]);

/**
 * Takes the latest delta token and, beside it, the service's count; both must come before the first page of a full
 * round. A round that repeats one goes on from an older link (`since`): what a lagging replica does not show is told again.
 */
export async function beginRound(
  client: GraphClient,
  collection: {
    readonly path: "/users" | "/groups" | "/contacts";
    readonly tracked: string;
    readonly request: GraphRequest;
    readonly since: string | null;
  },
  signal: AbortSignal,
): Promise<Beginning> {
  const { path, tracked, request, since } = collection;
  const latestLink = async (): Promise<Pick<CollectionPage, "deltaLink" | "roles">> =>
    since === null
      ? client.page(`${path}/delta?$deltatoken=latest&$select=${tracked}`, request, signal)
      : { deltaLink: since, roles: await client.roles(signal) };
  const [latest, expected] = await Promise.all([
    latestLink(),
    client.count(`${path}/$count`, request, signal).catch((error: unknown) => {
      // A help, not a condition. Some tenants (Azure AD B2C) refuse advanced queries for good; their index may be down alone.
      if (error instanceof ConnectorError && COUNTLESS.has(error.code)) return null;
      throw error;
    }),
  ]);
  if (latest.deltaLink === null) throw withoutLink(`${path}/delta`);
  return { delta: latest.deltaLink, expected, roles: latest.roles };
}

/** One page of a delta round: ends only with a delta link, however empty the pages before it ("Use delta query"). */
export async function deltaStep(
  client: GraphClient,
  position: Position,
  options: {
    readonly request: GraphRequest;
    readonly trail: Trail;
    readonly records: (page: CollectionPage) => Promise<readonly SourceRecord[]> | readonly SourceRecord[];
  },
  signal: AbortSignal,
): Promise<() => Promise<Step>> {
  const read = await client.fetch(position.link ?? "", options.request, signal);
  return async () => {
    const page = read();
    options.trail.follow(`Reading ${position.kind} changes`, page);
    const link = page.nextLink ?? page.deltaLink;
    if (link === null) throw withoutLink(`Reading ${position.kind} changes`);
    const complete = page.nextLink === null;
    return {
      records: await options.records(page),
      next: { ...position, link, lanes: complete ? null : position.lanes },
      complete,
      expected: null,
      roles: [page.roles],
    };
  };
}

/** The position behind the last page of a full round. */
export function behindFull(position: Position): Position {
  const { delta, lanes } = position;
  return { ...position, round: "delta", link: delta, delta: null, expected: null, after: null, open: [], lanes };
}

function withoutLink(path: string): ConnectorError {
  const message = `${path}: the answer has neither a next link nor a delta link.`;
  return new ConnectorError("answer_invalid", message, { stops: "run", retry: "later" });
}
