import { ConnectorError } from "@entrain/core";
import type { Engine } from "./context.ts";
import { showPerson } from "./people.ts";
import { type Trace, traceRecords } from "./trace.ts";

/** A person with how each sync of the connection treats them. */
export interface PersonTrace {
  readonly id: string;
  readonly displayName: string | null;
  readonly connection: string;
  /** `error` where a sync could not run, or its target did not answer. */
  readonly syncs: readonly (Trace | TraceFault)[];
}

/** Why a sync cannot be asked about anybody now. */
export interface TraceFault {
  readonly sync: string;
  readonly error: { readonly code: string; readonly message: string; readonly fix: string };
}

/**
 * One person by object id or user principal name, in each connection whose directory holds them, with every sync of that
 * connection that provisions people, or with one of them. Writes nothing.
 * @throws ConnectorError `not_found` for a sync that there is not
 */
export async function tracePerson(
  engine: Engine,
  options: { readonly person: string; readonly sync: string | null; readonly signal: AbortSignal },
): Promise<readonly PersonTrace[]> {
  const { store } = engine;
  const rows = await store.db.selectFrom("syncs").selectAll().orderBy("name").execute();
  const syncs = options.sync === null ? rows : rows.filter(({ name }) => name === options.sync);
  if (options.sync !== null && syncs.length === 0) {
    const known = rows.map(({ name }) => name).join(", ") || "none";
    const message = `There is no sync "${options.sync}". There are: ${known}.`;
    throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
  }
  const traces: PersonTrace[] = [];
  for (const { id, displayName, connection } of await showPerson(engine, options.person)) {
    const { id: connectionId } = await store.db
      .selectFrom("connections")
      .select("id")
      .where("name", "=", connection)
      .executeTakeFirstOrThrow();
    const found: (Trace | TraceFault)[] = [];
    for (const sync of syncs.filter((one) => one.connection === connectionId)) {
      const trace = await attempted(sync.name, async () =>
        (await traceRecords(engine, { sync, ids: [id], signal: options.signal })).get(id),
      );
      if (trace !== undefined) found.push(trace);
    }
    traces.push({ id, displayName, connection, syncs: found });
  }
  return traces;
}

/** What is wrong with one sync or target says nothing of the others. */
async function attempted(
  sync: string,
  trace: () => Promise<Trace | undefined>,
): Promise<Trace | TraceFault | undefined> {
  try {
    return await trace();
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return { sync, error: { code: error.code, message: error.message, fix: error.fix } };
  }
}
