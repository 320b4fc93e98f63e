import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer, type TestServer } from "./api/testing.ts";
import { runSync } from "./runs/run.ts";

async function runPeople({ installation }: TestServer): Promise<string> {
  const { id } = await installation.store.db
    .selectFrom("syncs")
    .select("id")
    .where("name", "=", "people")
    .executeTakeFirstOrThrow();
  const summary = await runSync(installation.engine, {
    sync: id,
    actor: { kind: "system", id: "test" },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  assert.equal(summary.error, null);
  return summary.result;
}

/** What the target holds of the people, by their object ids. */
async function held({ installation }: TestServer): Promise<ReadonlyMap<string, Record<string, unknown>>> {
  const rows = await installation.store.db
    .selectFrom("portal_requesters")
    .selectAll()
    .where("active", "=", 1)
    .execute();
  return new Map(rows.map((row) => [row.external_id ?? "", JSON.parse(row.attributes)]));
}

test("maps and filters by directory extensions and on-premises extension attributes, and follows their changes", async (context) => {
  const roles = ["User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All"];
  const first = await startTestServer({ simulator: { roles } });
  context.after(() => first.close());
  const app = first.simulator.client;
  const name = `extension_${app.replaceAll("-", "")}_costCenter`;
  const mine = `extension_${app.replaceAll("-", "")}_floor`;
  for (const [short, dataType] of [
    ["costCenter", "String"],
    ["floor", "Integer"],
  ]) {
    const declared = { name: short, dataType, targetObjects: ["User"] };
    await first.graph("POST", `/applications(appId='${app}')/extensionProperties`, declared);
  }
  await redefine(first, name, mine);

  const cloud = await cloudPeople(first);
  const [one = "", two = "", three = ""] = cloud;
  await first.graph("PATCH", `/users/${one}`, { [name]: "CC-1", [mine]: 4, ...inBuilding("North") });
  await first.graph("PATCH", `/users/${two}`, { [name]: "CC-2", ...inBuilding("South") });
  assert.equal(await runPeople(first), "succeeded");
  let people = await held(first);
  assert.deepEqual([...people.keys()], [one], "only who works in the building North is in scope");
  assert.deepEqual([people.get(one)?.department, people.get(one)?.officeLocation], ["CC-1", "North"]);
  assert.equal(people.get(one)?.jobTitle, "4");

  const requests = first.simulator.requests.list("/users?").length;
  await first.graph("PATCH", `/users/${one}`, { [name]: "CC-9", [mine]: null });
  await first.graph("PATCH", `/users/${two}`, inBuilding("North"));
  await first.graph("PATCH", `/users/${three}`, { [name]: "CC-3", ...inBuilding("North") });
  assert.equal(await runPeople(first), "succeeded");
  people = await held(first);
  assert.deepEqual([...people.keys()].sort(), [one, two, three].sort());
  assert.deepEqual([people.get(one)?.department, people.get(one)?.jobTitle ?? null], ["CC-9", null]);
  assert.equal(people.get(two)?.department, "CC-2");
  assert.equal(
    first.simulator.requests.list("/users?").length,
    requests,
    "the changes came by a full read, not by delta",
  );

  await first.graph("PATCH", `/users/${three}`, inBuilding(null));
  assert.equal(await runPeople(first), "succeeded");
  people = await held(first);
  assert.deepEqual([...people.keys()].sort(), [one, two].sort(), "who lost the value did not leave the scope");
});

function inBuilding(value: string | null): object {
  return { onPremisesExtensionAttributes: { extensionAttribute7: value } };
}

async function cloudPeople({ simulator }: TestServer): Promise<readonly string[]> {
  const token = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  const { access_token } = (await token.json()) as { readonly access_token: string };
  const select = "$select=id,accountEnabled,onPremisesSyncEnabled";
  const answer = await fetch(`${simulator.graph}/v1.0/users?$top=60&${select}`, {
    headers: { authorization: `Bearer ${access_token}` },
  });
  const { value } = (await answer.json()) as {
    readonly value: readonly { id: string; accountEnabled: boolean; onPremisesSyncEnabled: boolean | null }[];
  };
  return value
    .filter(({ accountEnabled, onPremisesSyncEnabled }) => accountEnabled && onPremisesSyncEnabled !== true)
    .map(({ id }) => id);
}

async function redefine({ installation }: TestServer, costCenter: string, floor: string): Promise<void> {
  const { store } = installation;
  const building = "onPremisesExtensionAttributes.extensionAttribute7";
  await store.transaction(async (tx) => {
    const row = await tx.selectFrom("syncs").selectAll().where("name", "=", "people").executeTakeFirstOrThrow();
    const definition = JSON.parse(row.definition);
    const next = {
      ...definition,
      scope: { filters: [[{ attribute: building, operator: "EQUALS", value: "North" }]] },
      mapping: {
        ...definition.mapping,
        department: { direct: costCenter },
        officeLocation: { direct: building },
        jobTitle: { direct: floor, whenEmpty: "clear" },
      },
      guard: {
        removals: { percent: 50, count: 500, windowMs: 86_400_000 },
        members: { percent: 50, count: 500, windowMs: 86_400_000 },
      },
    };
    await tx
      .updateTable("syncs")
      .set({ definition: JSON.stringify(next), revision: row.revision + 1 })
      .where("id", "=", row.id)
      .execute();
  });
}
