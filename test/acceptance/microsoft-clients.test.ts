import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { ConfidentialClientApplication } from "@azure/msal-node";
import { Client, type PageCollection, PageIterator } from "@microsoft/microsoft-graph-client";
import { openScene, type Scene } from "../../packages/server/src/runs/testing/scene.ts";
import { newUser, reference } from "../../packages/server/src/runs/testing/tenant.ts";

interface Item {
  readonly id: string;
  readonly [property: string]: unknown;
}

/** What our directory holds of a kind: attributes as they are stored. Empty values are what Graph leaves out or nulls. */
async function directory(kind: "user" | "group"): Promise<ReadonlyMap<string, object>> {
  const rows = await scene.store.db
    .selectFrom("records")
    .selectAll()
    .where("kind", "=", kind)
    .where("removed", "is", null)
    .execute();
  return new Map(
    rows.map(({ id, attributes, manager }) => {
      return [id, filled({ ...JSON.parse(attributes), ...(manager === null ? {} : { manager }) })];
    }),
  );
}

function filled(record: { readonly [name: string]: unknown }): object {
  const kept = Object.entries(record).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

let scene: Scene;
let people: string;
let groups: string;
const trusted = getCACertificates("default");

before(async () => {
  scene = await openScene({ simulator: { people: 1200, groups: 40, seed: 11, tls: true } });
  setDefaultCACertificates([...trusted, scene.simulator.ca ?? ""]);
  people = await scene.addSync("people", "portal", { records: "requester" });
  groups = await scene.addSync("groups", "portal", { records: "group" });
  for (const sync of [people, groups]) assert.notEqual((await scene.run(sync)).result, "failed");
});

after(async () => {
  setDefaultCACertificates(trusted);
  await scene.close();
});

/** Microsoft's client with tokens that Microsoft's library gets from the simulator. */
function microsoft(): Client {
  const { login, graph, tenant, client, secret } = scene.simulator;
  const msal = new ConfidentialClientApplication({
    auth: {
      clientId: client,
      clientSecret: secret,
      authority: `${login}/${tenant}`,
      knownAuthorities: [new URL(login).host],
    },
  });
  const getAccessToken = async (): Promise<string> => {
    const answer = await msal.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] });
    return answer?.accessToken ?? "";
  };
  return Client.initWithMiddleware({
    baseUrl: `${graph}/`,
    customHosts: new Set([new URL(graph).hostname]),
    authProvider: { getAccessToken },
  });
}

async function page(
  client: Client,
  path: string,
): Promise<{ readonly items: readonly Item[]; readonly delta: string }> {
  const items: Item[] = [];
  const first = (await client.api(path).get()) as PageCollection;
  const iterator = new PageIterator(client, first, (item: Item) => items.push(item) > 0);
  await iterator.iterate();
  return { items, delta: iterator.getDeltaLink() ?? "" };
}

/** An item of Graph with its manager's id in place of the manager. */
function plain({ id: _id, manager, "manager@delta": changed, ...rest }: Item): object {
  const stands = (changed as readonly Item[] | undefined)?.find((one) => !("@removed" in one));
  const above = (manager as Item | undefined)?.id ?? stands?.id ?? null;
  const named = Object.entries(rest).filter(([name]) => !name.startsWith("@") && !name.includes("@"));
  return filled({ ...Object.fromEntries(named), ...(above === null ? {} : { manager: above }) });
}

async function names(kind: "user" | "group"): Promise<string> {
  const row = await scene.store.db
    .selectFrom("records")
    .select("attributes")
    .where("kind", "=", kind)
    .executeTakeFirst();
  return Object.keys(JSON.parse(row?.attributes ?? "{}")).join(",");
}

test("Microsoft's client, with a token from msal-node, pages over TLS exactly the people that our directory holds", async () => {
  const held = await directory("user");
  const path = `/users?$top=999&$select=id,${await names("user")}&$expand=manager($select=id)`;
  const { items } = await page(microsoft(), path);
  assert.ok(items.length >= 1200);
  assert.deepEqual(new Map(items.map((item) => [item.id, plain(item)])), held);
});

test("Microsoft's client pages by delta exactly the people that our directory holds", async () => {
  const held = await directory("user");
  const { items } = await page(microsoft(), `/users/delta?$select=id,${await names("user")},manager`);
  assert.deepEqual(new Map(items.map((item) => [item.id, plain(item)])), held);
});

test("Microsoft's client pages exactly the groups and members that our directory holds", async () => {
  const client = microsoft();
  const { items } = await page(client, `/groups?$top=999&$select=id,${await names("group")}`);
  assert.deepEqual(new Map(items.map((item) => [item.id, plain(item)])), await directory("group"));
  const edges = await scene.store.db
    .selectFrom("edges")
    .select(["group_id", "member_id"])
    .where("present", "=", 1)
    .execute();
  const byGroup = Map.groupBy(edges, (edge) => edge.group_id);
  for (const { id } of items) {
    const members = await page(client, `/groups/${id}/members?$top=999&$select=id`);
    const ours = (byGroup.get(id) ?? []).map((edge) => edge.member_id);
    assert.deepEqual(members.items.map((member) => member.id).sort(), ours.sort());
  }
});

test("after changes, Microsoft's delta from its own token and ours lead to the same people", async () => {
  const client = microsoft();
  const select = `id,${await names("user")},manager`;
  const start = await page(client, `/users/delta?$select=${select}`);
  const plainPeople = start.items.filter((item) => item.onPremisesSyncEnabled !== true && item.accountEnabled === true);
  const [one, two, three] = plainPeople;
  await scene.graph("PATCH", `/users/${one?.id}`, { department: "Moved", jobTitle: null });
  await scene.graph("PUT", `/users/${two?.id}/manager/$ref`, reference(one?.id ?? ""));
  await scene.graph("DELETE", `/users/${three?.id}`);
  const domain = String(one?.userPrincipalName).split("@")[1];
  await scene.graph("POST", "/users", newUser("Late Joiner", { userPrincipalName: `late.joiner@${domain}` }));
  const mirror = new Map(start.items.map((item) => [item.id, { ...item }]));
  for (const item of (await page(client, start.delta)).items) {
    if ("@removed" in item) mirror.delete(item.id);
    else mirror.set(item.id, { ...mirror.get(item.id), ...item });
  }
  assert.notEqual((await scene.run(people)).result, "failed");
  assert.deepEqual(new Map([...mirror].map(([id, item]) => [id, plain(item)])), await directory("user"));
  assert.notEqual((await scene.run(groups)).result, "failed");
});
