import { ConnectorError } from "@entrain/core";
import { loadAssignments, saveAssigned } from "../store/assignments.ts";
import type { ReadOptions } from "./read.ts";

/**
 * Reads who is assigned to an application, whole: Graph has no delta for it. What a read failed to hold counts as gone only once a
 * look-up by id says so too, and nothing at all is kept of a read that failed.
 * @throws ConnectorError `config_invalid` where the tenant has no such application, and what reading throws
 */
export async function readAssigned(options: ReadOptions, application: string): Promise<void> {
  const { store, source, connection, lease, signal } = options;
  if (source.assignments === undefined) throw unknown(`The source knows no applications.`);
  options.onProgress({ phase: "reading", detail: "assigned people and groups", done: 0, total: null });
  const read = await source.assignments.read(application, signal);
  if (read === null) {
    throw unknown(
      `The scope's application ${application} is not in the tenant: give its client id, or the object id of its enterprise application. Nobody is planned.`,
    );
  }
  const held = new Set(read.assignments.map(({ id }) => id));
  const missing = (await loadAssignments(store.db, connection, read.id)).filter(({ id }) => !held.has(id));
  const ids = missing.map(({ id }) => id);
  const standing = ids.length === 0 ? new Set() : await source.assignments.standing(read.id, ids, signal);
  const whole = { ...read, assignments: [...read.assignments, ...missing.filter(({ id }) => standing.has(id))] };
  await store.fenced(lease, (tx) => saveAssigned(store, tx, { connection, application }, whole));
}

function unknown(detail: string): ConnectorError {
  return new ConnectorError("config_invalid", detail, { stops: "sync", retry: "never" });
}
