import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startScimServer } from "@entrain/connectors/scim/testing";
import { startSimulator } from "@entrain/simulator";
import type { SyncReport } from "../runs/report.ts";
import { errorOf, run, runJson, temporaryFolder } from "./testing.ts";

interface Planned {
  readonly counts: { readonly create: number; readonly join: number };
  readonly joinedBy: readonly { readonly attribute: string; readonly count: number }[];
}

const TOKEN = "scim-test-token";

test("a first report is offered, told and printed; joins say by what they were found", async (context) => {
  const users = ["ana", "bo", "cy"].map((name) => ({
    id: `00000000-0000-4000-8000-0000000000${name === "ana" ? "01" : name === "bo" ? "02" : "03"}`,
    displayName: name,
    userPrincipalName: `${name}@contoso.com`,
    mail: `${name}@contoso.com`,
    mailNickname: name,
    accountEnabled: true,
  }));
  const simulator = await startSimulator({ tenant: { users, groups: [] }, throttle: "off" });
  context.after(() => simulator.close());
  const scim = await startScimServer({ token: TOKEN, now: () => Date.now() });
  context.after(() => scim.close());
  scim.store.putUser(undefined, { userName: "ana@old.example", displayName: "Old Ana", active: true });
  scim.store.putUser(undefined, { userName: "service@old.example", displayName: "Service", active: true });
  const cwd = await temporaryFolder(context);
  const env = { DESK_TOKEN: TOKEN, CONTOSO_SECRET: simulator.secret };
  const of = { cwd, env };
  const { tenant, client, login, graph } = simulator;
  const matching = `[externalId, { attribute: userName, expression: 'Join("@", [mailNickname], "old.example")' }]`;
  await writeFile(
    join(cwd, "entrain.yaml"),
    `connections:
  contoso:
    cloud: { kind: custom, login: "${login}", graph: "${graph}" }
    tenant: ${tenant}
    client: ${client}
    credential: { kind: secret, secret: { env: CONTOSO_SECRET } }
targets:
  desk: { type: scim, settings: { baseUrl: "${scim.baseUrl}" }, credential: { token: { env: DESK_TOKEN } } }
syncs:
  people: { connection: contoso, target: desk, records: user, matching: ${matching}, schedule: manual }
`,
  );
  const applied = await run(["config", "apply", "entrain.yaml"], of);
  assert.equal(applied.code, 0, applied.stderr);
  const same = await run(["config", "diff", "entrain.yaml"], of);
  assert.equal(same.code, 0, same.stderr);
  const exported = await run(["config", "export"], of);
  assert.match(exported.stdout, /- attribute: userName\n +expression: Join|\{ attribute: userName, expression: /);
  assert.match(errorOf(await run(["sync", "report", "people", "--json"], of)).message, /was never read/);

  const planned = await run(["sync", "plan", "people"], of);
  assert.match(planned.stdout, /^Joins: 1 by userName\.$/m);
  assert.match(planned.stdout, /entrain sync report people/);
  const plan = await runJson<Planned>(["sync", "plan", "people"], of);
  assert.deepEqual([plan.counts.join, plan.joinedBy], [1, [{ attribute: "userName", count: 1 }]]);
  const report = await runJson<SyncReport>(["sync", "report", "people", "--samples", "1"], of);
  assert.deepEqual([report.join.count, report.create.count, report.unmanaged.count], [1, 2, 1]);
  assert.equal(report.create.samples.length, 1);
  const told = await run(["sync", "report", "people"], of);
  assert.match(told.stdout, /^join +1 \(1 by userName\)\n {2}ana joins Old Ana \(.*\) by userName$/m);
  assert.match(told.stdout, /^create +2\n {2}bo\n {2}cy$/m);
  assert.match(told.stdout, /^unmanaged +1 of 2 records of the target \(1 active\): nobody/m);

  const ran = await runJson<Planned>(["sync", "run", "people"], of);
  assert.deepEqual(ran.joinedBy, [{ attribute: "userName", count: 1 }]);
  const after = await run(["sync", "report", "people"], of);
  assert.match(after.stdout, /^there +2 created, 1 joined \(1 by userName\)$/m);
  assert.doesNotMatch((await run(["sync", "plan", "people"], of)).stdout, /sync report/);
});

test("the report names the values that a target's lists lack", async (context) => {
  const floors = ["Attic", "Attic", "Cellar"].map((officeLocation, at) => ({
    id: `00000000-0000-4000-8000-00000000000${at}`,
    displayName: `Person ${at}`,
    userPrincipalName: `person${at}@contoso.com`,
    department: "Sales",
    officeLocation,
    accountEnabled: true,
  }));
  const simulator = await startSimulator({ tenant: { users: floors, groups: [] }, throttle: "off" });
  context.after(() => simulator.close());
  const { tenant, client, login, graph } = simulator;
  const cwd = await temporaryFolder(context);
  const of = { cwd, env: { CONTOSO_SECRET: simulator.secret } };
  await writeFile(
    join(cwd, "entrain.yaml"),
    `connections:
  contoso:
    cloud: { kind: custom, login: "${login}", graph: "${graph}" }
    tenant: ${tenant}
    client: ${client}
    credential: { kind: secret, secret: { env: CONTOSO_SECRET } }
targets:
  desk: { type: portal, settings: { departments: known, locations: create } }
syncs:
  people: { connection: contoso, target: desk, records: requester, schedule: manual }
`,
  );
  const applied = await run(["config", "apply", "entrain.yaml"], of);
  assert.equal(applied.code, 0, applied.stderr);
  await run(["sync", "plan", "people"], of);
  const report = await runJson<SyncReport>(["sync", "report", "people"], of);
  assert.deepEqual([report.newValues.count, report.missingValues.count], [2, 1]);
  const { stdout } = await run(["sync", "report", "people"], of);
  assert.match(
    stdout,
    /^new values +2 that the target's lookups lack, and that plans create\n {2}location Attic: 2 people\n {2}location Cellar: 1 person$/m,
  );
  assert.match(
    stdout,
    /^missing +1 that the target's lookups lack and are not created: people are written without\n {2}department Sales: 3 people$/m,
  );
});
