import { plain } from "@entrain/core";
import type { FastifyRequest } from "fastify";
import type { Clock } from "../clock.ts";
import type { Actor, ConnectionRow, Engine, SyncRow, TargetRow } from "../runs/context.ts";
import type { Store } from "../store/store.ts";
import type { Background } from "./background.ts";
import type { EventStreams } from "./events.ts";
import { notFound } from "./problems.ts";

/** What routes work with. */
export interface ApiContext {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly background: Background;
  readonly streams: EventStreams;
  readonly demo: boolean;
  readonly version: string;
  /** The operator behind a request. @throws RequestError `not_signed_in` */
  readonly session: (request: FastifyRequest) => SignedIn;
  /** Whether the request's session still stands; for answers that last long. */
  readonly stillSignedIn: (request: FastifyRequest) => Promise<boolean>;
}

/** An operator's session, as routes may see it. */
export interface SignedIn {
  readonly operator: string;
  readonly csrf: string;
  readonly expiresAt: number;
}

/** Who acts, for the journal. */
export function actorOf(context: ApiContext, request: FastifyRequest): Actor {
  return { kind: "operator", id: context.session(request).operator };
}

/** A connection by id or name. @throws ConnectorError `not_found` */
export async function findConnection(store: Store, name: string): Promise<ConnectionRow> {
  const query = store.db.selectFrom("connections").selectAll();
  return chosen("connection", name, await query.where((eb) => eb("id", "=", name).or("name", "=", name)).execute());
}

/** A target by id or name. @throws ConnectorError `not_found` */
export async function findTarget(store: Store, name: string): Promise<TargetRow> {
  const query = store.db.selectFrom("targets").selectAll();
  return chosen("target", name, await query.where((eb) => eb("id", "=", name).or("name", "=", name)).execute());
}

/** A sync by id or name. @throws ConnectorError `not_found` */
export async function findSync(store: Store, name: string): Promise<SyncRow> {
  const query = store.db.selectFrom("syncs").selectAll();
  return chosen("sync", name, await query.where((eb) => eb("id", "=", name).or("name", "=", name)).execute());
}

/** An id goes before a name that happens to read like it. */
function chosen<T extends { readonly id: string }>(what: string, name: string, rows: readonly T[]): T {
  const row = rows.find(({ id }) => id === name) ?? rows[0];
  if (row === undefined) throw notFound(`${what} named ${plain(name)}`);
  return row;
}
