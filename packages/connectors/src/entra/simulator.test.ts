import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Check, SourceKind, SourcePage, Watermark } from "@entrain/core";
import { type Simulator, type SimulatorOptions, startSimulator, type TenantFile } from "@entrain/simulator";
import { Client, type Context, PageIterator } from "@microsoft/microsoft-graph-client";
import type { EntraOptions } from "./index.ts";
import { fakeTime, readAll, sourceOf } from "./testing.ts";

const simulators: Simulator[] = [];
after(() => Promise.all(simulators.map((simulator) => simulator.close())));

async function simulate(options: SimulatorOptions): Promise<Simulator> {
  const simulator = await startSimulator({ throttle: "off", ...options });
  simulators.push(simulator);
  return simulator;
}

/** One process's read: a source of its own, closed afterwards. Pages are handed over as they come. */
async function read(
  simulator: Simulator,
  kind: SourceKind,
  from: Watermark | null,
  take: (page: SourcePage) => void = () => {},
): Promise<SourcePage[]> {
  const source = sourceOf(simulator);
  const pages: SourcePage[] = [];
  try {
    for await (const page of source.read(kind, from, new AbortController().signal)) {
      pages.push(page);
      take(page);
    }
    return pages;
  } finally {
    await source.close();
  }
}

/** A directory that takes pages by the contract of the pages, and never removes on its own account. */
class Mirror {
  readonly records = new Map<string, Record<string, unknown>>();
  readonly members = new Map<string, Set<string>>();
  readonly removed: string[] = [];
  readonly #slices = new Map<string, Set<string>>();
  round = new Set<string>();
  watermark: Watermark | null = null;

  take(page: SourcePage): void {
    this.watermark = page.watermark;
    if (page.begins) this.round = new Set();
    for (const { id, form, attributes, manager, removed, memberships } of page.records) {
      this.round.add(id);
      if (removed !== undefined) {
        this.removed.push(id);
        this.records.delete(id);
        this.members.delete(id);
        continue;
      }
      const before = form === "whole" ? {} : this.records.get(id);
      this.records.set(id, { ...before, ...attributes, ...(manager === undefined ? {} : { manager }) });
      if (memberships?.form === "changes") {
        const members = this.members.get(id) ?? new Set();
        this.members.set(id, members);
        for (const member of memberships.add) members.add(member.id);
        for (const member of memberships.remove) members.delete(member);
      } else if (memberships !== undefined) {
        if (memberships.start) this.#slices.set(id, new Set());
        const slice = this.#slices.get(id);
        assert.ok(slice !== undefined, `the members of ${id} go on without having started`);
        for (const member of memberships.members) slice.add(member.id);
        if (memberships.end) this.members.set(id, slice);
      }
    }
  }

  /** Empty values are left out: a delta answer does not hold what never had a value. */
  state(): object {
    const held = (value: unknown): boolean => value !== null && !(Array.isArray(value) && value.length === 0);
    const filled = (record: object): object =>
      Object.fromEntries(Object.entries(record).filter(([, value]) => held(value)));
    const byText = (a: string, b: string): number => (a < b ? -1 : 1);
    const byId = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => byText(a, b);
    return {
      records: [...this.records].map(([id, record]) => [id, filled(record)] as const).sort(byId),
      members: [...this.members].map(([id, members]) => [id, [...members].toSorted(byText)] as const).sort(byId),
    };
  }
}

async function mirrorOf(simulator: Simulator, kind: SourceKind): Promise<Mirror> {
  const mirror = new Mirror();
  await read(simulator, kind, null, (page) => mirror.take(page));
  return mirror;
}

/**
 * Microsoft's own client, with a token of the simulator. It follows links and sends tokens over https alone, so a step of ours
 * takes its https to the simulator's http and back.
 */
async function microsoftClient(simulator: Simulator): Promise<Client> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: simulator.client,
    client_secret: simulator.secret,
    scope: `${simulator.graph}/.default`,
  });
  const url = `${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`;
  const answer = await fetch(url, { method: "POST", body: form });
  const { access_token } = (await answer.json()) as { access_token: string };
  const secure = simulator.graph.replace("http:", "https:");
  const execute = async (context: Context): Promise<void> => {
    const headers = new Headers(context.options?.headers);
    headers.set("authorization", `Bearer ${access_token}`);
    const plain = String(context.request).replace(secure, simulator.graph);
    const answer = await fetch(plain, { ...context.options, headers });
    const { status } = answer;
    const text = (await answer.text()).replaceAll(simulator.graph, secure);
    context.response = new Response(text === "" ? null : text, {
      status,
      headers: { "content-type": "application/json" },
    });
  };
  return Client.initWithMiddleware({ baseUrl: secure, middleware: { execute } });
}

interface Entity {
  readonly id: string;
  readonly [property: string]: unknown;
}

async function everything(client: Client, path: string): Promise<Entity[]> {
  const entities: Entity[] = [];
  const page = await client.api(path).get();
  await new PageIterator(client, page, (entity: Entity) => entities.push(entity) > 0).iterate();
  return entities;
}

test("holds exactly the people that Microsoft's own client pages, attribute for attribute", async () => {
  const simulator = await simulate({ people: 2100, groups: 20, seed: 5 });
  const client = await microsoftClient(simulator);
  const { records } = await mirrorOf(simulator, "user");
  const names = Object.keys([...records.values()][0] ?? {}).filter((name) => name !== "manager");
  const path = `/users?$top=999&$select=id,${names.join(",")}&$expand=manager($select=id)`;
  const expected = await everything(client, path);
  assert.ok(expected.length >= 2100);
  assert.deepEqual(new Set(records.keys()), new Set(expected.map((user) => user.id)));
  for (const user of expected) {
    const manager = (user.manager as Entity | undefined)?.id ?? null;
    const attributes = Object.fromEntries(names.map((name) => [name, user[name] ?? null]));
    assert.deepEqual(records.get(user.id), { ...attributes, manager });
  }
  assert.ok([...records.values()].some((user) => user.manager !== null));
});

test("holds exactly the groups and members that Microsoft's own client pages", async () => {
  const simulator = await simulate({ people: 1500, groups: 60, seed: 6 });
  const client = await microsoftClient(simulator);
  const mirror = await mirrorOf(simulator, "group");
  const groups = await everything(client, "/groups?$top=999&$select=id");
  assert.deepEqual(new Set(mirror.records.keys()), new Set(groups.map((group) => group.id)));
  for (const { id } of groups) {
    const members = await everything(client, `/groups/${id}/members?$top=500&$select=id`);
    assert.deepEqual(mirror.members.get(id), new Set(members.map((member) => member.id)));
  }
});

/** A tenant with groups of just these sizes, the people of the largest one, and three levels of nesting. */
function sizedTenant(sizes: readonly number[]): TenantFile {
  const users = Array.from({ length: Math.max(...sizes) }, (_, index) => ({
    id: uuid(1, index),
    displayName: index === 0 ? "Niamh O'Brien" : `Person ${index}`,
    userPrincipalName: `person${index}@contoso.example`,
    accountEnabled: true,
  }));
  const groups = sizes.map((size, index) => ({
    id: uuid(2, index),
    displayName: `Group of ${size}`,
    groupTypes: [],
    mailEnabled: false,
    securityEnabled: true,
  }));
  const edges = sizes.flatMap((size, index) =>
    users.slice(0, size).map(({ id }) => ({ group: uuid(2, index), member: id })),
  );
  const nested = sizes.slice(1, 4).map((_, index) => ({ group: uuid(2, index), member: uuid(2, index + 1) }));
  return { users, groups, memberships: [...edges, ...nested] };
}

function uuid(kind: number, index: number): string {
  return `${kind}0000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`;
}

test("reads groups of 0 to 4,000 members completely, nested groups as groups", async () => {
  const sizes = [0, 1, 19, 20, 21, 99, 100, 101, 998, 999, 1000, 4000];
  const simulator = await simulate({ tenant: sizedTenant(sizes) });
  const { members } = await mirrorOf(simulator, "group");
  const nested = new Set([0, 1, 2]);
  for (const [index, size] of sizes.entries()) {
    const expected = Array.from({ length: size }, (_, person) => uuid(1, person));
    if (nested.has(index)) expected.push(uuid(2, index + 1));
    assert.deepEqual(members.get(uuid(2, index)), new Set(expected), `group of ${size}`);
  }
  const pages = await read(simulator, "group", null);
  const types = pages.flatMap((page) =>
    page.records.flatMap(({ memberships }) => (memberships?.form === "slice" ? memberships.members : [])),
  );
  assert.equal(types.filter((member) => member.type === "group").length, 3);
  assert.ok(types.every((member) => member.type !== "unknown"));
});

test("keeps an apostrophe as it is", async () => {
  const simulator = await simulate({ tenant: sizedTenant([2]) });
  const { records } = await mirrorOf(simulator, "user");
  assert.equal(records.get(uuid(1, 0))?.displayName, "Niamh O'Brien");
});

test("follows fifty changes of people and memberships with four requests and no count", async () => {
  const simulator = await simulate({ people: 1000, groups: 30, seed: 3 });
  const client = await microsoftClient(simulator);
  const users = await mirrorOf(simulator, "user");
  const groups = await mirrorOf(simulator, "group");
  const ids = [...users.records]
    .filter(([, { onPremisesSyncEnabled }]) => onPremisesSyncEnabled !== true)
    .map(([id]) => id);
  const group = await client.api("/groups").post({
    displayName: "New",
    mailEnabled: false,
    mailNickname: "new",
    securityEnabled: true,
  });
  for (const [index, id] of ids.slice(0, 50).entries()) {
    if (index < 20) await client.api(`/users/${id}`).patch({ department: "Moved" });
    else if (index < 30)
      await client.api(`/users/${id}/manager/$ref`).put({ "@odata.id": `${simulator.graph}/v1.0/users/${ids[60]}` });
    else if (index < 35) await client.api(`/users/${id}`).delete();
    else
      await client.api(`/groups/${group.id}/members/$ref`).post({ "@odata.id": `${simulator.graph}/v1.0/users/${id}` });
  }
  simulator.requests.clear();
  const source = sourceOf(simulator);
  for (const page of await readAll(source, "user", users.watermark)) users.take(page);
  for (const page of await readAll(source, "group", groups.watermark)) groups.take(page);
  await source.close();
  const requests = simulator.requests.list().map((request) => `${request.method} ${request.path.split("?")[0]}`);
  assert.deepEqual(requests, [
    `GET /${simulator.tenant}/v2.0/.well-known/openid-configuration`,
    `POST /${simulator.tenant}/oauth2/v2.0/token`,
    "GET /v1.0/users/delta",
    "GET /v1.0/groups/delta",
  ]);
  assert.deepEqual(new Set(users.removed), new Set(ids.slice(30, 35)));
  assert.deepEqual(users.state(), (await mirrorOf(simulator, "user")).state());
  assert.deepEqual(groups.state(), (await mirrorOf(simulator, "group")).state());
});

test("fails at every request of a read in every way, and ends with what an undisturbed read holds", async () => {
  const simulator = await simulate({ tenant: sizedTenant([0, 3, 30, 2100, ...Array.from({ length: 40 }, () => 2)]) });
  const actions = [
    { type: "html" },
    { type: "truncate" },
    { type: "no-value" },
    { type: "status", status: 400 },
    { type: "status", status: 403 },
  ] as const;
  for (const kind of ["user", "group"] as const) {
    const calm = (await mirrorOf(simulator, kind)).state();
    simulator.requests.clear();
    await read(simulator, kind, null);
    const requests = simulator.requests.list("/v1.0/").length;
    for (let failing = 0; failing < requests; failing++) {
      const action = actions[failing % actions.length] ?? actions[0];
      simulator.faults.set([{ action, path: "/v1.0/**", skip: failing, times: 1 }]);
      const mirror = new Mirror();
      await read(simulator, kind, null, (page) => mirror.take(page)).catch((error: Error) => {
        assert.equal(error.name, "ConnectorError");
      });
      assert.deepEqual(mirror.removed, []);
      simulator.faults.clear();
      await read(simulator, kind, mirror.watermark, (page) => mirror.take(page));
      assert.deepEqual(mirror.state(), calm, `${kind} request ${failing}: ${action.type}`);
    }
  }
});

test("passes over empty and repeated pages, throttling, server faults and cut connections in one read", async () => {
  const simulator = await simulate({ tenant: sizedTenant([1, 2100]) });
  const calm = [await mirrorOf(simulator, "user"), await mirrorOf(simulator, "group")];
  simulator.faults.set([
    { action: { type: "empty" }, path: "/v1.0/users", times: 2 },
    { action: { type: "replay" }, path: "/v1.0/users", skip: 2, times: 1 },
    { action: { type: "replay" }, path: "/v1.0/groups", times: 1 },
    { action: { type: "replay" }, path: "/v1.0/groups/*/members", skip: 1, times: 1 },
    { action: { type: "status", status: 429, retryAfter: 3 }, path: "/v1.0/users/delta", times: 1 },
    { action: { type: "status", status: 429, retryAfter: null }, path: "/v1.0/groups", skip: 1, times: 2 },
    { action: { type: "status", status: 503 }, path: "/v1.0/groups/delta", times: 2 },
    { action: { type: "cut", at: "body" }, path: "/v1.0/users", skip: 4, times: 1 },
    { action: { type: "cut", at: "headers" }, path: "/v1.0/groups/*/members", times: 1 },
  ]);
  const stormy = [await mirrorOf(simulator, "user"), await mirrorOf(simulator, "group")];
  assert.ok(simulator.faults.list().every((fault) => fault.struck > 0));
  assert.deepEqual(
    stormy.map((mirror) => mirror.state()),
    calm.map((mirror) => mirror.state()),
  );
});

test("reads everyone again after an expired token: true leavers are missing, nobody is called removed", async () => {
  const simulator = await simulate({ people: 300, groups: 5, seed: 9 });
  const client = await microsoftClient(simulator);
  const mirror = await mirrorOf(simulator, "user");
  const leavers = [...mirror.records.keys()].slice(10, 15);
  for (const id of leavers) await client.api(`/users/${id}`).delete();
  await client.api(`/directory/deletedItems/${leavers[0]}`).delete();
  simulator.expireDeltaTokens();
  const pages = await read(simulator, "user", mirror.watermark, (page) => mirror.take(page));
  assert.equal(pages[0]?.begins, true);
  assert.deepEqual(mirror.removed, []);
  const missing = [...mirror.records.keys()].filter((id) => !mirror.round.has(id));
  assert.deepEqual(new Set(missing), new Set(leavers));
  const source = sourceOf(simulator);
  const [staying] = mirror.round;
  assert.ok(staying !== undefined);
  const presence = await source.presence("user", [...missing, staying], new AbortController().signal);
  await source.close();
  const expected = leavers.map((id, index) => [id, index === 0 ? "hard" : "soft"] as const);
  assert.deepEqual(presence, new Map([...expected, [staying, "present"]]));
});

test("reads nothing while a permission is lost, and the changes since then once it is back", async () => {
  const simulator = await simulate({ people: 60, groups: 3, roles: ["User.Read.All", "Group.Read.All"] });
  const mirror = await mirrorOf(simulator, "user");
  const before = mirror.watermark;
  simulator.setRoles(["User.ReadBasic.All", "Group.Read.All"]);
  const [page] = await read(simulator, "user", before, (taken) => mirror.take(taken));
  assert.equal(page?.incomplete?.code, "permission_lost");
  assert.equal(mirror.watermark, before);
  simulator.setRoles(["User.Read.All", "User.ReadWrite.All", "Group.Read.All"]);
  const client = await microsoftClient(simulator);
  const [id] = mirror.records.keys();
  await client.api(`/users/${id}`).delete();
  simulator.setRoles(["User.Read.All", "Group.Read.All"]);
  const back = await read(simulator, "user", before, (taken) => mirror.take(taken));
  assert.deepEqual(
    back.map(({ round, complete }) => ({ round, complete })),
    [{ round: "delta", complete: true }],
  );
  assert.deepEqual(mirror.removed, [id]);
});

test("verifies a connection, and says what is missing", async () => {
  const simulator = await simulate({ people: 20, groups: 3, roles: ["User.Read.All", "Group.Read.All"] });
  const verify = async (more: Partial<EntraOptions> = {}): Promise<readonly Check[]> => {
    const source = sourceOf(simulator, more);
    const checks = await source.verify(new AbortController().signal);
    await source.close();
    return checks;
  };
  const failures = async (more: Partial<EntraOptions> = {}): Promise<string> =>
    (await verify(more)).flatMap(({ name, ok, detail }) => (ok ? [] : [`${name}: ${detail}`])).join("\n");
  assert.equal(await failures(), "");
  assert.match(
    await failures({ credentials: [{ kind: "secret", secret: () => "another~secret" }] }),
    /^sign-in: .*secret is wrong .*\(AADSTS7000215\)/,
  );
  assert.match(await failures({ client: uuid(7, 7) }), /^sign-in: .*not found in this tenant \(AADSTS700016\)/);
  assert.match(await failures({ tenant: uuid(7, 7) }), /^sign-in: .*tenant was not found \(AADSTS90002\)/);
  simulator.setSecrets([{ value: simulator.secret, expiresAt: 1 }]);
  assert.match(await failures(), /^sign-in: .*secret has expired \(AADSTS7000222\)/);
  simulator.setSecrets([{ value: simulator.secret }]);
  simulator.setRoles(["User.ReadBasic.All"]);
  assert.deepEqual(
    (await verify()).filter(({ ok }) => !ok).map(({ name }) => name),
    ["permissions", "user details", "groups", "group members", "user changes", "group changes"],
  );
});

test("waits as the published limits ask, and reads everything", async () => {
  const time = fakeTime();
  const simulator = await simulate({ people: 40, groups: 600, throttle: "published", clock: () => time.now });
  const source = sourceOf(simulator, time);
  const pages = await readAll(source, "group");
  await source.close();
  const groups = new Set(pages.flatMap((page) => page.records.map((record) => record.id)));
  assert.equal(groups.size, pages[0]?.expected);
  assert.ok(time.waits.length > 0 || simulator.requests.list().every((request) => request.status !== 429));
});
