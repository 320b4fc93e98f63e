import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Simulator, startFreshchat, startSimulator } from "@entrain/simulator";
import { temporaryFolder } from "./cli/testing.ts";
import type { Installation } from "./cli/world.ts";
import { type Clock, systemClock } from "./clock.ts";
import { changeConfiguration } from "./config/apply.ts";
import { loadConfiguration } from "./config/current.ts";
import { readDocument } from "./config/read.ts";
import { runSync } from "./runs/run.ts";
import { openInstallation } from "./wiring.ts";

interface Opened {
  readonly simulator: Simulator;
  readonly installation: Installation;
  readonly folder: string;
}

/** An installation whose connection reads its secret from an environment that the test may change. */
async function opened(
  context: TestContext,
  environment: { [name: string]: string },
  clock: Clock = systemClock,
): Promise<Opened> {
  const simulator = await startSimulator({ people: 20, groups: 3, seed: 9, throttle: "off" });
  const folder = await temporaryFolder(context);
  const paths = { folder, location: { kind: "sqlite", folder }, key: undefined, demo: false } as const;
  const installation = await openInstallation({ paths, environment, clock, create: true });
  context.after(async () => {
    await installation.close();
    await simulator.close();
  });
  return { simulator, installation, folder };
}

async function configure({ simulator, installation }: Opened, more: string): Promise<void> {
  const { store, keyring, types } = installation;
  const { login, graph, tenant, client } = simulator;
  const text = `
connections:
  contoso:
    cloud: { kind: custom, login: "${login}", graph: "${graph}" }
    tenant: ${tenant}
    client: ${client}
    credential: { kind: secret, secret: { env: CONTOSO_SECRET } }
${more}`;
  const actor = { kind: "command", id: "test" };
  await changeConfiguration({ store, keyring, types, prune: false, demo: false, actor }, (current) =>
    readDocument(text, { name: "test.yaml", types, current }),
  );
}

async function run({ installation }: Opened, name: string): Promise<ReturnType<typeof runSync>> {
  const sync = (await loadConfiguration(installation.store)).rows.syncs.get(name)?.id ?? "";
  const signal = new AbortController().signal;
  const actor = { kind: "command", id: "test" } as const;
  return runSync(installation.engine, { sync, actor, signal, onProgress: () => undefined });
}

test("what a sync maps or filters by is read, beside the default attributes", async (context) => {
  const environment: { [name: string]: string } = {};
  const of = await opened(context, environment);
  environment.CONTOSO_SECRET = of.simulator.secret;
  await configure(
    of,
    `
targets: { portal: { type: portal } }
syncs:
  people:
    connection: contoso
    target: portal
    records: requester
    scope: { filters: [[{ attribute: onPremisesSecurityIdentifier, operator: IS NULL }]] }
    mapping: { userName: { direct: userPrincipalName }, externalId: { direct: id }, city: { direct: passwordPolicies } }`,
  );
  const { result } = await run(of, "people");
  assert.equal(result, "succeeded");
  const [asked] = of.simulator.requests.list("/users/delta?");
  assert.match(asked?.path ?? "", /onPremisesSecurityIdentifier/);
  assert.match(asked?.path ?? "", /passwordPolicies/);
  assert.match(asked?.path ?? "", /displayName/);
});

test("an attribute that Graph refuses is named, with the syncs that ask for it", async (context) => {
  const environment: { [name: string]: string } = {};
  const of = await opened(context, environment);
  environment.CONTOSO_SECRET = of.simulator.secret;
  await configure(
    of,
    `
targets: { portal: { type: portal } }
syncs:
  people: { connection: contoso, target: portal, records: requester }
  others: { connection: contoso, target: portal, records: requester }`,
  );
  const { db } = of.installation.store;
  // As an earlier version, or an extension that the tenant does not have any more, may have left it.
  const row = await db.selectFrom("syncs").selectAll().where("name", "=", "others").executeTakeFirstOrThrow();
  const ask = async (name: string): Promise<string> => {
    const definition = JSON.parse(row.definition) as { mapping: object };
    const mapping = { ...definition.mapping, city: { direct: name } };
    await of.installation.store.transaction((tx) =>
      tx
        .updateTable("syncs")
        .set({ definition: JSON.stringify({ ...definition, mapping }) })
        .where("id", "=", row.id)
        .execute(),
    );
    const { error } = await run(of, "people");
    assert.equal(error?.code, "attribute_refused");
    return `${error?.message} ${error?.fix}`;
  };
  assert.match(
    await ask("jobTitel"),
    /Graph does not tell the attribute jobTitel \(asked for by the sync others\) of people.*Could not find.*config apply/,
  );
  assert.match(await ask("skills"), /the attribute skills \(asked for by the sync others\) of people/);
});

test("people arrive in CSV files", async (context) => {
  const environment: { [name: string]: string } = {};
  const of = await opened(context, environment);
  environment.CONTOSO_SECRET = of.simulator.secret;
  const path = join(of.folder, "files");
  await mkdir(path);
  await configure(
    of,
    `
targets: { sheet: { type: csv, settings: { path: ${JSON.stringify(path)}, columns: { user: [usageLocation] } } } }
syncs:
  people: { connection: contoso, target: sheet, records: user }`,
  );
  const { counts } = await run(of, "people");
  const lines = (await readFile(join(path, "user.csv"), "utf8")).trim().split("\r\n");
  assert.equal(lines.length, counts.create + 1);
  assert.match(lines[0] ?? "", /^id,active,externalId,userPrincipalName,.*usageLocation/);
});

test("a secret is read anew at each sign-in, and one that is missing is named", async (context) => {
  const environment: { [name: string]: string } = {};
  const of = await opened(context, environment);
  await configure(
    of,
    `
targets: { portal: { type: portal } }
syncs:
  people: { connection: contoso, target: portal, records: requester }`,
  );
  const without = await run(of, "people");
  assert.equal(without.result, "failed");
  assert.match(
    without.error?.message ?? "",
    /environment variable CONTOSO_SECRET, which holds a secret, is not set\. Set it/,
  );
  environment.CONTOSO_SECRET = of.simulator.secret;
  assert.equal((await run(of, "people")).result, "succeeded");
});

test("a target that cannot be reached is named, with its address", async (context) => {
  const environment: { [name: string]: string } = { DESK_TOKEN: "CANARY-token" };
  const of = await opened(context, environment, { ...systemClock, sleep: async () => undefined });
  environment.CONTOSO_SECRET = of.simulator.secret;
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/scim`;
  await new Promise((resolve) => closed.close(resolve));
  await configure(
    of,
    `
targets: { desk: { type: scim, settings: { baseUrl: "${address}" }, credential: { token: { env: DESK_TOKEN } } } }
syncs:
  people: { connection: contoso, target: desk, records: user }`,
  );
  const { error } = await run(of, "people");
  assert.equal(error?.code, "unreachable");
  assert.ok(error?.message.startsWith(`Target desk (${address}): `), error?.message);
  const said = `${error?.message} ${error?.fix}`;
  assert.equal(said.match(/could not be reached/g)?.length, 1, said);
});

test("an agent gets the role and the group that the account has by these names", async (context) => {
  const environment: { [name: string]: string } = {};
  const of = await opened(context, environment);
  const account = await startFreshchat();
  context.after(() => account.close());
  environment.CONTOSO_SECRET = of.simulator.secret;
  environment.CHAT_TOKEN = account.token;
  await configure(
    of,
    `
targets: { chat: { type: freshchat, settings: { baseUrl: "${account.base}" }, credential: { token: { env: CHAT_TOKEN } } } }
syncs:
  agents:
    connection: contoso
    target: chat
    records: agent
    scope: { peopleOnly: true, filters: [[{ attribute: mail, operator: IS NOT NULL }]] }
    mapping: { email: { direct: mail }, role: { constant: Agent }, group: { constant: Support } }
    matching: [email]`,
  );
  const { result, error } = await run(of, "agents");
  assert.equal(result, "succeeded", error?.message);
  const role = account.roles.list().find(({ name }) => name === "Agent");
  const group = account.groups.list().find(({ name }) => name === "Support");
  assert.ok(role && group);
  const agents = account.agents.list();
  assert.ok(agents.length > 0);
  for (const agent of agents) assert.deepEqual([agent.role_id, agent.groups], [role.id, [group.id]]);
});
