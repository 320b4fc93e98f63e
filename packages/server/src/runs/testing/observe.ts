import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ScimServer } from "@entrain/connectors/scim/testing";
import type { Change } from "@entrain/core";
import type { Store } from "../../store/store.ts";
import { changeOf, planRows } from "../seal.ts";
import type { Scene } from "./scene.ts";

/** Every change of a plan in its order. */
export async function changesIn(store: Store, plan: string): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for await (const row of planRows(store, plan)) changes.push(changeOf(row));
  return changes;
}

/** What a run planned, held part left out, in its order; a run that planned several times gives all of it. */
export async function plannedIn(store: Store, run: string): Promise<readonly Change[]> {
  const plans = await store.db.selectFrom("plans").select("id").where("run", "=", run).orderBy("created_at").execute();
  const changes: Change[] = [];
  for (const { id } of plans) changes.push(...(await changesIn(store, id)));
  return changes;
}

/** Runs a sync, which must succeed, and tells in short what it planned. */
export async function changesOfARun(scene: Pick<Scene, "run" | "store">, sync: string): Promise<readonly string[]> {
  const run = await scene.run(sync);
  assert.equal(run.result, "succeeded", JSON.stringify(run));
  return inShort(await plannedIn(scene.store, run.run));
}

/** The changes of the plan that waits for approval under this digest. */
export async function heldChanges(store: Store, digest: string): Promise<readonly Change[]> {
  const plan = await store.db
    .selectFrom("plans")
    .select("id")
    .where("digest", "=", digest)
    .where("state", "=", "held")
    .executeTakeFirstOrThrow();
  return await changesIn(store, plan.id);
}

/** `action name` of each change, sorted: what a test compares with. */
export function inShort(changes: readonly Pick<Change, "action" | "name">[]): readonly string[] {
  return changes.map(({ action, name }) => `${action} ${name}`).sort();
}

/** The records that a sync could not bring in step, by object id: their codes. */
export async function unsynced(store: Store, sync: string): Promise<ReadonlyMap<string, string>> {
  const rows = await store.db
    .selectFrom("pending")
    .select(["object_id", "code"])
    .where("sync", "=", sync)
    .where("reason", "in", ["issue", "failed", "conflict"])
    .execute();
  return new Map(rows.map((row) => [row.object_id, row.code]));
}

type Resource = { readonly [name: string]: unknown };

/** A SCIM user by the object id that it was given as `externalId`. */
export function scimUser(scim: ScimServer, objectId: string): Resource | undefined {
  return [...scim.store.users.values()].find((user) => user.externalId === objectId);
}

/** A SCIM group by the object id that it was given as `externalId`. */
export function scimGroup(scim: ScimServer, objectId: string): Resource | undefined {
  return [...scim.store.groups.values()].find((group) => group.externalId === objectId);
}

/** A SCIM group's members by the object ids of the people and groups that they are, sorted. */
export function scimMembers(scim: ScimServer, objectId: string): readonly string[] {
  const members = (scimGroup(scim, objectId)?.members ?? []) as readonly { readonly value: string }[];
  return members.map(({ value }) => anchorIn(scim, value)).sort();
}

/** The object id of a SCIM user's manager; `null`: none. */
export function scimManager(scim: ScimServer, objectId: string): string | null {
  const extension = scimUser(scim, objectId)?.["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
  const manager = (extension as { readonly manager?: { readonly value?: string } } | undefined)?.manager?.value;
  return manager === undefined ? null : anchorIn(scim, manager);
}

function anchorIn(scim: ScimServer, id: string): string {
  return String((scim.store.users.get(id) ?? scim.store.groups.get(id))?.externalId ?? id);
}

function digest(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** A digest of everything that a SCIM server holds: for "nothing was changed". */
export function scimContent(scim: ScimServer): string {
  return digest([[...scim.store.users.values()], [...scim.store.groups.values()]]);
}

/** The writes that arrived at a SCIM server since an earlier count of its requests. */
export function scimWrites(scim: ScimServer, since = 0): readonly string[] {
  return scim.requests.slice(since).flatMap(({ method, path }) => (method === "GET" ? [] : [`${method} ${path}`]));
}

/** A digest of everything that the portal holds: for "nothing was changed". */
export async function portalContent(store: Store): Promise<string> {
  const tables = ["portal_requesters", "portal_groups", "portal_members"] as const;
  const rows = await Promise.all(tables.map((table) => store.db.selectFrom(table).selectAll().execute()));
  return digest(rows.map((of) => of.map((row) => JSON.stringify(row)).sort()));
}
