import type { SourceKind, SyncDefinition, Withheld } from "@entrain/core";
import { saveRun } from "../store/runs.ts";
import type { Lease } from "../store/store.ts";
import { kindOf, kindsOf, type Position, positionOf } from "./basis.ts";
import { readLease, withLease } from "./lease.ts";
import { readKinds } from "./read.ts";
import { readAssigned } from "./read-assigned.ts";
import { readLicences } from "./read-licences.ts";
import { asksForPhotos, readPhotos } from "./read-photos.ts";
import type { Session } from "./session.ts";
import { toldReading } from "./tell-failures.ts";

/**
 * Reads the kinds that the sync is about. The position is taken before others may read: behind it stand whole rounds
 * only, for whoever left one half merged, this read has gone on with it to its end.
 */
export async function readConnection(session: Session): Promise<Position> {
  const { store } = session.engine;
  const begun = store.clock.monotonic();
  const position = await behindRead(session, async (withheld) => {
    return { ...(await positionOf(store, session.connection.id, sourceKinds(session))), withheld };
  });
  if (session.run === "") return position;
  const readMs = Math.round(store.clock.monotonic() - begun);
  await store.fenced(session.lease, (tx) => saveRun(tx, session.run, { phase: "planning", read_ms: readMs }));
  return position;
}

/** Reads to the end, and does work before anybody else may read; it is told what the source withheld. */
export async function behindRead<T>(session: Session, work: (withheld: readonly Withheld[]) => Promise<T>): Promise<T> {
  const { engine, options, connection } = session;
  const { store } = engine;
  const onWait = (holder: string): void =>
    options.onProgress({
      phase: "waiting",
      detail: `${connection.name} is being read by ${holder}`,
      done: 0,
      total: null,
    });
  const what = `Reading ${connection.name}`;
  const withheld = new Map<string, Withheld>();
  return await withLease(
    store,
    readLease(connection.id),
    { wait: true, signal: options.signal, what, onWait },
    async (lease) => {
      const onWithheld = (found: readonly Withheld[]): void => {
        for (const one of found) withheld.set(one.name, one);
      };
      const told = { store, connection, lease };
      await toldReading(told, options.signal, () => readAll(session, lease, onWithheld));
      return await work([...withheld.values()]);
    },
  );
}

async function readAll(
  session: Session,
  lease: Lease,
  onWithheld: (found: readonly Withheld[]) => void,
): Promise<void> {
  const { engine, options, connection } = session;
  const source = await engine.openSource(connection, session.onWait);
  try {
    const { onProgress, signal } = options;
    const run = session.run === "" ? null : session.run;
    const how = { store: engine.store, source, connection: connection.id, lease, run, signal, onProgress, onWithheld };
    await readKinds(how, sourceKinds(session));
    const { assigned, licensed } = definitionOf(session).scope;
    if (assigned !== undefined) await readAssigned(how, assigned.application);
    if (licensed !== undefined && licensed !== true) await readLicences(how);
    if (asksForPhotos(definitionOf(session))) await readPhotos(how);
  } finally {
    await source.close();
  }
}

function sourceKinds({ sync, target }: Session): readonly SourceKind[] {
  return kindsOf(kindOf(target, sync), definitionOf({ sync }).scope);
}

function definitionOf({ sync }: Pick<Session, "sync">): SyncDefinition {
  return JSON.parse(sync.definition) as SyncDefinition;
}
