import assert from "node:assert/strict";
import { test } from "node:test";
import { tenantAttributes } from "./attributes.ts";
import { openScene, type Scene } from "./testing/scene.ts";

async function attributesOf(scene: Scene): ReturnType<typeof tenantAttributes> {
  const row = await scene.store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
  return await tenantAttributes(scene.engine, row, new AbortController().signal);
}

test("lists Graph's own attributes, the tenant's extensions, and how many people have a value, masked", async (context) => {
  const scene = await openScene();
  context.after(() => scene.close());
  const { simulator } = scene;
  simulator.setRoles(["User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All", "Directory.Read.All"]);
  const app = `/applications(appId='${simulator.client}')`;
  const declared = (await scene.graph("POST", `${app}/extensionProperties`, {
    name: "costCenter",
    dataType: "String",
    targetObjects: ["User"],
  })) as { readonly name: string };
  const people = (await scene.graph("GET", "/users?$top=50&$select=id,onPremisesSyncEnabled")) as {
    readonly value: readonly { readonly id: string; readonly onPremisesSyncEnabled: boolean | null }[];
  };
  const one = people.value.find(({ onPremisesSyncEnabled }) => onPremisesSyncEnabled !== true);
  await scene.graph("PATCH", `/users/${one?.id}`, {
    onPremisesExtensionAttributes: { extensionAttribute3: "Berlin-7" },
    department: "Sales",
  });
  const sync = await scene.addSync("people", "portal", { records: "requester" });
  assert.equal((await scene.run(sync)).result, "succeeded");

  const { attributes, issues } = await attributesOf(scene);
  assert.deepEqual(issues, []);
  const named = (kind: string, name: string) => attributes.find((each) => each.kind === kind && each.name === name);
  const department = named("user", "department");
  assert.ok(department?.read === true && department.usual && (department.inUse ?? 0) > 0);
  assert.match(department.example ?? "", /^\S[•\W]*$/u, "an example shows more than its shape");
  assert.deepEqual(named("user", declared.name), {
    ...{ kind: "user", name: declared.name, origin: "directory extension", type: "String", list: false, usual: false },
    ...{ declaredBy: named("user", declared.name)?.declaredBy, read: false, inUse: null, example: null },
  });
  assert.equal(named("group", declared.name), undefined, "an extension of people is none of groups");
  const third = named("user", "onPremisesExtensionAttributes.extensionAttribute3");
  assert.deepEqual([third?.origin, third?.inUse, third?.example], ["on-premises extension", 1, "B•••••-•"]);
  const fourth = named("user", "onPremisesExtensionAttributes.extensionAttribute4");
  assert.deepEqual([fourth?.read, fourth?.inUse, fourth?.example], [true, 0, null]);
  assert.equal(named("user", "assignedLicenses")?.read, false);
  assert.equal(named("group", "displayName")?.read, false, "groups were not read");
});

test("asks the connection's own application and Entra Connect's for extensions without Directory.Read.All", async (context) => {
  const scene = await openScene();
  context.after(() => scene.close());
  const { simulator } = scene;
  simulator.setRoles(["User.Read.All", "Application.ReadWrite.All"]);
  const app = `/applications(appId='${simulator.client}')`;
  const declared = (await scene.graph("POST", `${app}/extensionProperties`, {
    name: "badge",
    dataType: "Integer",
    targetObjects: ["User", "Group"],
  })) as { readonly name: string };
  const faults = [{ path: "/directoryObjects/getAvailableExtensionProperties", status: 403 }];
  simulator.faults.set(
    faults.map(({ path, status }) => ({ method: "POST", path, action: { type: "status" as const, status } })),
  );
  const { attributes, issues } = await attributesOf(scene);
  assert.deepEqual(issues, []);
  const found = attributes.filter(({ name }) => name === declared.name);
  assert.deepEqual(
    found.map(({ kind, type }) => [kind, type]),
    [
      ["user", "Integer"],
      ["group", "Integer"],
    ],
  );
});

test("names the permission where extensions may not be listed, and lists the rest", async (context) => {
  const scene = await openScene();
  context.after(() => scene.close());
  scene.simulator.setRoles(["User.Read.All", "GroupMember.Read.All"]);
  const { attributes, issues } = await attributesOf(scene);
  assert.equal(issues.length, 1);
  assert.equal(issues[0]?.code, "permission_missing");
  assert.match(issues[0]?.detail ?? "", /Application\.Read\.All/);
  assert.ok(attributes.some(({ name }) => name === "displayName"));
});
