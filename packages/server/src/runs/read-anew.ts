import type { Watermark } from "@entrain/core";
import { type Actor, appendJournal } from "../store/journal.ts";
import type { Store } from "../store/store.ts";
import { readLease, withLease } from "./lease.ts";

/** No position of any source: it begins a full round over what is known. */
const NOWHERE = "" as Watermark;

/**
 * Has the next read of a connection begin anew, with whatever permissions the application has then. Answers the kinds that this concerns:
 * those that were read before. What is known stays until it is read again. With `wait` it waits for who reads. @throws ConnectorError `lease_held` while somebody reads
 */
export async function readAnew(
  store: Store,
  connection: { readonly id: string; readonly name: string },
  { actor, signal, wait = false }: { readonly actor: Actor; readonly signal: AbortSignal; readonly wait?: boolean },
): Promise<readonly string[]> {
  const how = { wait, signal, what: `Reading ${connection.name}` };
  return await withLease(store, readLease(connection.id), how, (lease) =>
    store.fenced(lease, async (tx) => {
      const rows = await tx
        .updateTable("watermarks")
        .set({ token: NOWHERE })
        .where("connection", "=", connection.id)
        .where("token", "is not", null)
        .returning("kind")
        .execute();
      const detail = `The next read of ${connection.name} begins anew, with the permissions that the application has then.`;
      await appendJournal(tx, store, "system", [{ type: "read_anew", actor, detail }]);
      return rows.map(({ kind }) => kind).sort();
    }),
  );
}
