import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readTenantFile } from "@entrain/simulator";
import { openScene, type Scene } from "../../packages/server/src/runs/testing/scene.ts";
import { idOf } from "../../packages/server/src/runs/testing/tenant.ts";
import { sharedFolder, skipUnless } from "../servers.ts";

type Document = { readonly [name: string]: unknown };

interface Example {
  readonly request: { readonly method: string; readonly url: string };
  readonly response: { readonly body: unknown } | null;
}

/** People and groups as Microsoft documents them, each once: the first document of an id or a user name counts. */
interface Documented {
  readonly users: readonly Document[];
  readonly groups: readonly Document[];
  readonly memberships: { readonly [group: string]: readonly string[] };
  readonly managers: { readonly [user: string]: string };
}

/** Placeholders of the documentation, such as `{id}`, are no ids. */
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

class Reader {
  readonly users = new Map<string, Document>();
  readonly groups = new Map<string, Document>();
  readonly #names = new Set<string>();
  readonly #members: [group: string, member: string][] = [];
  readonly #managers = new Map<string, string>();

  read({ request, response }: Example): void {
    const path = request.url.replace(/^https:\/\/graph\.microsoft\.com\/v1\.0/, "").split("?")[0] ?? "";
    const group = /^\/groups\/([^/]+)\/members$/.exec(path)?.[1];
    for (const record of recordsIn(response?.body)) {
      const kind = kindOf(record, path);
      if (kind === "group") this.#group(record);
      if (kind === "user") this.#user(record);
      if (group !== undefined) this.#members.push([group, String(record.id)]);
    }
  }

  #group(record: Document): void {
    const id = idIn(record);
    if (this.users.has(id) || this.groups.has(id)) return;
    const { members: _, "members@delta": changed, ...plain } = record;
    this.groups.set(id, { ...plain, id });
    for (const member of Array.isArray(changed) ? changed : []) {
      if (!("@removed" in member)) this.#members.push([id, String(member.id)]);
    }
  }

  #user(record: Document): string | null {
    const id = idIn(record);
    const name = String(record.userPrincipalName ?? id).toLowerCase();
    if (this.groups.has(id)) return null;
    const { manager, ...plain } = record;
    if (!this.users.has(id)) {
      if (this.#names.has(name)) return null;
      this.#names.add(name);
      this.users.set(id, { ...plain, id });
    }
    if (isRecord(manager)) {
      const above = this.#user(manager);
      if (above !== null) this.#managers.set(id, above);
    }
    return id;
  }

  end(): Documented {
    const known = (id: string): boolean => this.users.has(id) || this.groups.has(id);
    const edges = this.#members.filter(([group, member]) => this.groups.has(group) && known(member));
    const memberships = Map.groupBy(edges, ([group]) => group);
    return {
      users: [...this.users.values()],
      groups: [...this.groups.values()],
      memberships: Object.fromEntries(
        [...memberships].map(([group, of]) => [group, [...new Set(of.map(([, member]) => member))]]),
      ),
      managers: Object.fromEntries(this.#managers),
    };
  }
}

/** Some documents select the name alone; such a record gets an id made from it. */
function idIn(record: Document): string {
  return typeof record.id === "string" ? record.id : idOf(String(record.displayName));
}

function isRecord(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordsIn(body: unknown): readonly Document[] {
  if (!isRecord(body)) return [];
  const list = Array.isArray(body.value) ? (body.value as unknown[]) : [body];
  return list.filter(isRecord).filter((one) => {
    return (
      !("@removed" in one) && typeof one.displayName === "string" && (one.id === undefined || ID.test(String(one.id)))
    );
  });
}

function kindOf(record: Document, path: string): "user" | "group" | null {
  const type = record["@odata.type"];
  if (type === "#microsoft.graph.user") return "user";
  if (type === "#microsoft.graph.group") return "group";
  if (type !== undefined) return null;
  if (/^\/me$|^\/users(\/[^/]+)?(\/manager)?$|\/microsoft\.graph\.user$/.test(path)) return "user";
  return /^\/groups(\/[^/]+)?$|\/microsoft\.graph\.group$/.test(path) ? "group" : null;
}

interface Mapped {
  readonly id: string;
  readonly attributes: { readonly [name: string]: unknown };
}

/** What the portal holds, by object id, and the attribute that each of its own comes from. */
async function arrived(
  scene: Scene,
  sync: string,
): Promise<readonly [ReadonlyMap<string, Mapped>, [string, string][]]> {
  const row = await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
  const { mapping, records } = JSON.parse(row.definition) as {
    readonly records: string;
    readonly mapping: { readonly [name: string]: { readonly direct: string } };
  };
  const table = records === "group" ? "portal_groups" : "portal_requesters";
  const rows = await scene.store.db.selectFrom(table).select(["external_id", "id", "attributes"]).execute();
  const held = rows.map(
    ({ external_id, id, attributes }) => [external_id ?? "", { id, attributes: JSON.parse(attributes) }] as const,
  );
  return [new Map(held), Object.entries(mapping).map(([name, { direct }]) => [name, direct])];
}

function compare(
  documents: readonly Document[],
  held: ReadonlyMap<string, Mapped>,
  mapping: readonly [string, string][],
): number {
  let compared = 0;
  for (const document of documents) {
    const twin = held.get(String(document.id));
    assert.ok(twin, `${document.displayName ?? document.id} arrived`);
    for (const [name, source] of mapping) {
      const wanted = document[source];
      // What a document leaves out, the service sets or leaves empty: nothing to compare with.
      if (wanted === undefined || wanted === null || (Array.isArray(wanted) && wanted.length === 0)) continue;
      if (source === "manager" || wanted === "") continue;
      assert.deepEqual(twin.attributes[name], wanted, `${name} of ${document.displayName ?? document.id}`);
      compared += 1;
    }
  }
  return compared;
}

test("the people and groups of Microsoft's documentation load as a tenant and arrive in the portal with every mapped attribute", {
  skip: skipUnless("shared"),
}, async () => {
  const shared = sharedFolder();
  assert.ok(shared.available);
  const examples = join(shared.path, "graph/examples");
  const reader = new Reader();
  for (const file of readdirSync(examples).sort()) reader.read(JSON.parse(readFileSync(join(examples, file), "utf8")));
  const tenant = reader.end();
  assert.ok(tenant.users.length >= 10 && tenant.groups.length >= 10, "the examples hold people and groups");
  const folder = mkdtempSync(join(tmpdir(), "entrain-documented-"));
  writeFileSync(join(folder, "tenant.json"), JSON.stringify(tenant));
  const scene = await openScene({ simulator: { tenant: await readTenantFile(join(folder, "tenant.json")) } });
  try {
    const people = await scene.addSync("people", "portal", { records: "requester" });
    const groups = await scene.addSync("groups", "portal", { records: "group" });
    const enabled = tenant.users.filter((user) => user.accountEnabled !== false);
    assert.deepEqual((await scene.run(people)).counts.create, enabled.length);
    assert.deepEqual((await scene.run(groups)).counts.create, tenant.groups.length);
    assert.ok(compare(enabled, ...(await arrived(scene, people))) > 3 * enabled.length);
    assert.ok(compare(tenant.groups, ...(await arrived(scene, groups))) > 2 * tenant.groups.length);
    const edges = Object.values(tenant.memberships).reduce((count, members) => count + members.length, 0);
    assert.equal((await scene.store.db.selectFrom("portal_members").select("member_id").execute()).length, edges);
    const managers = await scene.store.db
      .selectFrom("portal_requesters")
      .select("id")
      .where("manager", "is not", null)
      .execute();
    assert.equal(managers.length, Object.keys(tenant.managers).length);
    console.log(
      `${tenant.users.length} people, ${tenant.groups.length} groups, ${edges} memberships of the documentation`,
    );
  } finally {
    await scene.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
