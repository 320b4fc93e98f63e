import { type AssignedApplication, type Assignment, byCodeUnits } from "@entrain/core";
import type { Selectable, Transaction } from "kysely";
import { EDGE_COLUMNS, EDGE_CONFLICT } from "./edges.ts";
import type { DB } from "./schema.ts";
import { takeSequences } from "./sequences.ts";
import type { Store } from "./store.ts";

/** An application as it was last read. */
export type ApplicationRow = Selectable<DB["applications"]>;

const COLUMNS = [
  { name: "connection", type: "text" },
  { name: "application", type: "text" },
  { name: "id", type: "text" },
  { name: "principal", type: "text" },
  { name: "principal_type", type: "text" },
  { name: "role", type: "text" },
] as const;
const CONFLICT = `on conflict (connection, application, id) do update set principal = excluded.principal,
  principal_type = excluded.principal_type, role = excluded.role`;

/** The application that a scope names, by client or object id; `undefined` before it was read. */
export async function loadApplication(
  db: Store["db"] | Transaction<DB>,
  connection: string,
  application: string,
): Promise<ApplicationRow | undefined> {
  return await db
    .selectFrom("applications")
    .selectAll()
    .where("connection", "=", connection)
    .where("application", "=", application.toLowerCase())
    .executeTakeFirst();
}

/** Everybody who is assigned to an application (by its object id), as it was last read. */
export async function loadAssignments(
  db: Store["db"] | Transaction<DB>,
  connection: string,
  application: string,
): Promise<readonly Assignment[]> {
  const rows = await db
    .selectFrom("assignments")
    .select(["id", "principal", "principal_type", "role"])
    .where("connection", "=", connection)
    .where("application", "=", application)
    .orderBy("id")
    .execute();
  return rows.map(({ id, principal, principal_type, role }) => ({
    id,
    principal,
    type: principal_type === "group" ? "group" : "user",
    role,
  }));
}

/**
 * Stores a whole read. A person or group who came, went or has other roles gets a change number, so that every sync which is about
 * the application looks again at them, and at everybody below such a group.
 */
export async function saveAssigned(
  store: Store,
  tx: Transaction<DB>,
  of: { readonly connection: string; readonly application: string },
  read: AssignedApplication,
): Promise<void> {
  const { connection } = of;
  const before = await loadAssignments(tx, connection, read.id);
  await replaceRows(store, tx, connection, { before, read });
  await moveEdges(store, tx, { connection, application: read.id }, [
    byPrincipal(before),
    byPrincipal(read.assignments),
  ]);
  const row = { ...of, application: of.application.toLowerCase(), principal: read.id, name: read.name };
  const values = { ...row, read_at: store.clock.now() };
  await tx
    .insertInto("applications")
    .values(values)
    .onConflict((conflict) => conflict.columns(["connection", "application"]).doUpdateSet(values))
    .execute();
}

async function replaceRows(
  store: Store,
  tx: Transaction<DB>,
  connection: string,
  { before, read }: { readonly before: readonly Assignment[]; readonly read: AssignedApplication },
): Promise<void> {
  const standing = new Set(read.assignments.map(({ id }) => id));
  const gone = before.filter(({ id }) => !standing.has(id)).map(({ id }) => id);
  for (let at = 0; at < gone.length; at += 500) {
    await tx
      .deleteFrom("assignments")
      .where("connection", "=", connection)
      .where("application", "=", read.id)
      .where("id", "in", gone.slice(at, at + 500))
      .execute();
  }
  const known = new Map(before.map((one) => [one.id, JSON.stringify(one)]));
  const changed = read.assignments.filter((one) => known.get(one.id) !== JSON.stringify(one));
  const rows = changed.map(({ id, principal, type, role }) => [connection, read.id, id, principal, type, role]);
  await store.insertMany(tx, { table: "assignments", columns: COLUMNS, conflict: CONFLICT }, rows);
}

/** A person or group among the assigned, with all their roles as one text that can be compared. */
interface Assigned {
  readonly type: Assignment["type"];
  readonly roles: string;
}

function byPrincipal(assignments: readonly Assignment[]): ReadonlyMap<string, Assigned> {
  const all = new Map<string, { type: Assignment["type"]; roles: Set<string> }>();
  for (const { principal, type, role } of assignments) {
    const one = all.get(principal) ?? { type, roles: new Set() };
    if (role !== null) one.roles.add(role);
    all.set(principal, one);
  }
  return new Map(
    [...all].map(([id, { type, roles }]) => [id, { type, roles: JSON.stringify([...roles].sort(byCodeUnits)) }]),
  );
}

async function moveEdges(
  store: Store,
  tx: Transaction<DB>,
  of: { readonly connection: string; readonly application: string },
  [before, after]: readonly [ReadonlyMap<string, Assigned>, ReadonlyMap<string, Assigned>],
): Promise<void> {
  const moved = [...new Set([...before.keys(), ...after.keys()])].filter(
    (id) => before.get(id)?.roles !== after.get(id)?.roles,
  );
  if (moved.length === 0) return;
  const { connection, application } = of;
  const first = await takeSequences(store, tx, connection, moved.length);
  const rows = moved.map((id, at) => {
    const { type } = after.get(id) ?? before.get(id) ?? { type: "user" };
    return [connection, application, id, type, after.has(id) ? 1 : 0, 0, first + at, 0, first + at];
  });
  // Other roles are a change too, though the edge stands as before.
  const conflict = `${EDGE_CONFLICT.slice(0, EDGE_CONFLICT.lastIndexOf("sequence ="))}sequence = excluded.sequence`;
  await store.insertMany(tx, { table: "edges", columns: EDGE_COLUMNS, conflict }, rows);
}
