import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Change } from "@entrain/core";
import { changesIn } from "../../packages/server/src/runs/testing/observe.ts";
import { openScene, type Scene } from "../../packages/server/src/runs/testing/scene.ts";

const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

interface Resource {
  readonly id: string;
  readonly externalId: string;
  readonly active?: boolean;
  readonly members?: readonly { readonly value: string }[];
  readonly [name: string]: unknown;
}

let scene: Scene;
let planned: { readonly people: readonly Change[]; readonly groups: readonly Change[] };

before(async () => {
  scene = await openScene({ simulator: { people: 400, groups: 30, seed: 21 } });
  const people = await scene.addSync("people", "scim", { records: "user" });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  planned = { people: await runAsPlanned(people), groups: await runAsPlanned(groups) };
});

after(() => scene.close());

/** Plans, applies that very plan, and gives its changes: what the server must hold. */
async function runAsPlanned(sync: string): Promise<readonly Change[]> {
  const { plan } = await scene.plan(sync);
  const changes = await changesIn(scene.store, plan.id);
  const run = await scene.approve(sync, plan.digest ?? "");
  assert.ok(["succeeded", "partial"].includes(run.result), JSON.stringify(run));
  return changes;
}

/** Reads a collection back over HTTP, as any client would, page by page. */
async function readBack(path: string): Promise<ReadonlyMap<string, Resource>> {
  const found = new Map<string, Resource>();
  for (let startIndex = 1; ; ) {
    const response = await fetch(`${scene.scim.baseUrl}${path}?startIndex=${startIndex}&count=100`, {
      headers: { authorization: "Bearer scim-test-token", "user-agent": "acceptance test" },
    });
    assert.equal(response.status, 200);
    const { Resources = [], totalResults } = (await response.json()) as {
      readonly Resources?: readonly Resource[];
      readonly totalResults: number;
    };
    for (const resource of Resources) found.set(resource.externalId, resource);
    startIndex += Resources.length;
    if (Resources.length === 0 || startIndex > totalResults) return found;
  }
}

/** The value at a SCIM path as the mapping names it. */
function valueAt(resource: Resource, path: string): unknown {
  if (path.startsWith("urn:")) {
    const extension = resource[ENTERPRISE] as Resource | undefined;
    return extension?.[path.slice(ENTERPRISE.length + 1)];
  }
  const [, name = "", type, sub] = /^(\w+)(?:\[type eq "(\w+)"\])?(?:\.(\w+))?$/.exec(path) ?? [];
  const value = resource[name];
  if (type !== undefined)
    return (value as readonly Resource[] | undefined)?.find((one) => one.type === type)?.[sub ?? "value"];
  return sub === undefined ? value : (value as Resource | undefined)?.[sub];
}

test("a SCIM server that we did not write ends up holding exactly the plan's people, attribute for attribute", async () => {
  const users = await readBack("/Users");
  assert.ok(users.size > 350);
  assert.deepEqual([...users.keys()].sort(), planned.people.map(({ objectId }) => objectId).sort());
  const anchors = new Map([...users.values()].map(({ id, externalId }) => [id, externalId]));
  let managers = 0;
  for (const { objectId, action, after: attributes } of planned.people) {
    assert.equal(action, "create");
    const user = users.get(objectId);
    assert.ok(user && user.active === true, `${objectId} is there and active`);
    for (const [path, value] of Object.entries(attributes ?? {})) {
      const held = valueAt(user, path);
      if (typeof value === "object" && value !== null && "$ref" in value) {
        assert.equal(anchors.get(String((held as { readonly value?: string } | undefined)?.value)), value.$ref);
        managers += 1;
      } else assert.deepEqual(held, value ?? undefined, `${path} of ${objectId}`);
    }
  }
  assert.ok(managers > 100, `${managers} managers`);
});

test("a SCIM server that we did not write ends up holding exactly the plan's groups, nested memberships included", async () => {
  const [users, groups] = [await readBack("/Users"), await readBack("/Groups")];
  const created = planned.groups.filter(({ action }) => action === "create");
  assert.deepEqual([...groups.keys()].sort(), created.map(({ objectId }) => objectId).sort());
  const anchors = new Map([...users.values(), ...groups.values()].map(({ id, externalId }) => [id, externalId]));
  const wanted = new Map<string, string[]>();
  for (const { objectId, add } of planned.groups) wanted.set(objectId, [...(wanted.get(objectId) ?? []), ...add]);
  for (const [id, group] of groups) {
    const members = (group.members ?? []).map(({ value }) => anchors.get(value) ?? value);
    assert.deepEqual(members.sort(), (wanted.get(id) ?? []).sort(), `members of ${group.displayName}`);
  }
  const nested = planned.groups.flatMap(({ add }) => add).filter((id) => groups.has(id));
  assert.ok(nested.length > 0, "the tenant nests groups");
});
