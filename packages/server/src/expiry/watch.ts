import type { CredentialEnd, Inspector } from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import type { ConnectionRow } from "../runs/context.ts";
import { factsOf, type RunLog } from "../runs/tell.ts";
import { Upkeep } from "../runs/upkeep.ts";
import { saveEnds } from "../store/credential-ends.ts";
import type { Store } from "../store/store.ts";
import { tellEnds } from "./told.ts";

/** What the watch needs of an installation. */
interface Watched {
  readonly store: Store;
  openInspector(connection: ConnectionRow): Inspector;
}

const LOOK_MS = 6 * 3_600_000;
/** After the start, when the first syncs have begun. */
const FIRST_LOOK_MS = 30_000;

/** Learns when the credentials of all connections end, and tells each threshold once, until the signal aborts. */
export async function watchExpiry(installation: Watched, log: RunLog, signal: AbortSignal): Promise<void> {
  const { store } = installation;
  const upkeep = new Upkeep();
  for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = LOOK_MS) {
    await store.clock.sleep(pause, signal).catch(() => undefined);
    if (signal.aborted) break;
    await upkeep.begin(() =>
      lookOver(installation, log, signal, upkeep).catch((error: unknown) => {
        log.error(factsOf(error), "The ends of credentials could not be looked over; it is tried again.");
      }),
    );
  }
  await upkeep.ended();
}

/** One look at all connections. One that is slow, or cannot be asked, does not keep the others from it. */
export async function lookOver(
  installation: Watched,
  log: RunLog,
  signal: AbortSignal,
  upkeep: Upkeep = new Upkeep(),
): Promise<void> {
  const { store } = installation;
  const rows = await store.db.selectFrom("connections").selectAll().orderBy("name").execute();
  await upkeep.turn(rows, async (row) => {
    if (signal.aborted) return;
    try {
      await saveEnds(store, row.id, await learnEnds(installation, row, signal));
      await tellEnds(store, row, log);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ConnectorError)) throw error;
      log.error({ connection: row.name, ...factsOf(error) }, "When its credentials end could not be learnt.");
    }
  });
}

/** Asks a connection's certificate, application and configuration. */
export async function learnEnds(
  installation: Pick<Watched, "openInspector">,
  row: ConnectionRow,
  signal: AbortSignal,
): Promise<readonly CredentialEnd[]> {
  const inspector = installation.openInspector(row);
  try {
    return await inspector.ends(signal);
  } finally {
    await inspector.close();
  }
}
