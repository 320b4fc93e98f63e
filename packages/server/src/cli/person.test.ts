import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import { openScene, type Scene } from "../runs/testing/scene.ts";
import { group, person, reference } from "../runs/testing/tenant.ts";
import { runProgram } from "./program.ts";
import { surroundings } from "./testing.ts";
import type { Installation } from "./world.ts";

let scene: Scene;
afterEach(() => scene.close());

async function open(tenant: TenantFile): Promise<void> {
  scene = await openScene({ simulator: { tenant } });
}

/** How a command ends, and what it prints, given the scene as its installation. */
async function told(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { store, engine } = scene;
  const installation = { store, engine, types: new Map(), demo: false, folder: "", close: async () => undefined };
  const { world, out, err } = surroundings({ openInstallation: async () => installation as unknown as Installation });
  const code = await runProgram(args, world);
  return { code, stdout: out(), stderr: err() };
}

/** What a command prints that goes well. */
async function said(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await told(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

const ana = person("Ana");

test("person show says of every sync whether its target holds the person, and why not", async () => {
  await open({ users: [ana, person("Lea", { department: "Legal", accountEnabled: false })], groups: [] });
  const scope = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" } as const]] };
  const sync = await scene.addSync("people", "scim", { records: "user", scope });
  await scene.addSync("portal-people", "portal", { records: "requester" });
  await scene.run(sync);
  const shown = await said("person", "show", ana.id);
  assert.match(shown, /^ {2}people → scim: in the target since \d{4}-.* UTC: user \S+ \(created\); in step$/m);
  assert.match(shown, /^ {2}portal-people → portal: not in the target yet: the sync has never run$/m);
  const lea = await said("person", "show", "lea@contoso.com");
  assert.match(lea, /people → scim: not in the target: out of scope: department is Legal, not Sales; also disabled/);
  const [json] = JSON.parse(await said("person", "show", "lea@contoso.com", "--json")) as [{ syncs: object[] }];
  assert.deepEqual(json.syncs[0], {
    sync: "people",
    target: "scim",
    state: "absent",
    reason: "out of scope: department is Legal, not Sales; also disabled and without a record there, so none is made",
    record: null,
    plan: null,
    retryAt: null,
  });
});

test("person show tells groups that were never read from none, and names the manager", async () => {
  await open({ users: [ana, person("Bo")], groups: [] });
  await scene.graph("PUT", `/users/${person("Bo").id}/manager/$ref`, reference(ana.id));
  const people = await scene.addSync("people", "portal", { records: "requester" });
  await scene.run(people);
  const before = await said("person", "show", person("Bo").id);
  assert.match(before, /^ {2}groups: not read \(no sync of this connection needs them\)$/m);
  assert.match(before, /^ {2}manager: Ana \(ana@contoso\.com\)$/m);
  await scene.run(await scene.addSync("groups", "portal", { records: "group" }));
  assert.match(await said("person", "show", person("Bo").id), /^ {2}groups: none$/m);
});

test("person find takes one form of apostrophe and hyphen for the other", async () => {
  await open({ users: [person("Mary O’Brien"), person("Liam O'Neill"), person("Jean‑Luc")], groups: [] });
  await scene.run(await scene.addSync("people", "portal", { records: "requester" }));
  for (const [text, name] of [
    ["o'brien", "Mary O’Brien"],
    ["O’Brien", "Mary O’Brien"],
    ["O’Neill", "Liam O'Neill"],
    ["jean-luc", "Jean‑Luc"],
  ] as const) {
    const found = JSON.parse(await said("person", "find", text, "--json")) as { displayName: string }[];
    assert.deepEqual(
      found.map((one) => one.displayName),
      [name],
      text,
    );
  }
});

test("person find says when there are more than it shows", async () => {
  await open({ users: ["Ann", "Anna", "Annika"].map((name) => person(name)), groups: [] });
  await scene.run(await scene.addSync("people", "portal", { records: "requester" }));
  assert.match(await said("person", "find", "ann", "--limit", "2"), /\nThe first 2; --limit shows more/);
  assert.doesNotMatch(await said("person", "find", "ann", "--limit", "3"), /The first/);
  await assert.rejects(said("person", "find", " "), /Give a part of a name/);
});

test("person trace shows a person's scope, fields and plan for each sync, and what is wrong with a sync", async () => {
  await open({ users: [person("Ana", { givenName: "Ana", surname: "Silva" })], groups: [] });
  const scope = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" } as const]] };
  const mapping = {
    userName: { direct: "userPrincipalName" },
    displayName: { expression: 'Join(", ", [surname], [givenName])' },
  } as const;
  const sync = await scene.addSync("people", "portal", {
    records: "requester",
    scope,
    mapping,
    matching: ["userName"],
  });
  await scene.addSync("scim-people", "scim", { records: "user" });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { givenName: "Anna" });
  await scene.plan(sync);
  const shown = await said("person", "trace", "ana@contoso.com", "--sync", "people");
  const lines = shown.split("\n");
  assert.equal(lines[0], "Ana in contoso");
  assert.deepEqual(lines.slice(2, 4), ["people → portal", "  scope   in: department is Sales"]);
  assert.match(lines[4] ?? "", /^ {2}record {2}requester \S+ \(created\)$/);
  assert.match(lines[5] ?? "", /^ {2}plan {4}update: displayName/);
  assert.deepEqual(lines.slice(6, 10), [
    "  userName: ana@contoso.com",
    "      userPrincipalName = ana@contoso.com",
    "  displayName: write Silva, Ana → Silva, Anna",
    '      Join(", ", [surname], [givenName]); surname = Silva; givenName = Anna',
  ]);
  scene.disturb(() => ({ status: 500 }));
  const [json] = JSON.parse(await said("person", "trace", ana.id, "--json")) as [
    { syncs: readonly { sync: string; outcome?: { action: string }; error?: { code: string } }[] },
  ];
  assert.deepEqual(
    json.syncs.map(({ sync, outcome, error }) => [sync, outcome?.action ?? error?.code]),
    [
      ["people", "update"],
      ["scim-people", "server_failed"],
    ],
  );
});

test("the past is asked by the names of then, and the future is refused", async () => {
  const [nordics] = [group("Nordics")];
  await open({ users: [ana], groups: [nordics], memberships: { [nordics.id]: [ana.id] } });
  const sync = await scene.addSync("groups", "portal", { records: "group" });
  await scene.run(sync);
  const then = new Date(scene.store.clock.now()).toISOString();
  await scene.graph("PATCH", `/groups/${nordics.id}`, { displayName: "Scandinavia" });
  await scene.graph("DELETE", `/users/${ana.id}`);
  await scene.run(sync);
  assert.match(await said("group", "members", "Nordics", "--at", then), /Ana .*\n1 in Nordics of contoso at /);
  assert.match(await said("person", "show", "ana@contoso.com", "--at", then), /^Ana in contoso at /);
  const future = new Date(scene.store.clock.now() + 60_000).toISOString();
  for (const question of [
    ["group", "members", "Scandinavia"],
    ["person", "show", "ana@contoso.com"],
  ]) {
    const answer = await told(...question, "--at", future);
    assert.equal(answer.code, 2);
    assert.match(
      answer.stderr,
      /--at lies in the future: nobody knows what the directory holds then\. It is .* UTC now\./,
    );
    // A day that is not over is known so far.
    assert.equal((await told(...question, "--at", future.slice(0, 10))).code, 0);
  }
});

test("the journal is asked of one person in one sync, and says whose memberships moved", async () => {
  const [nordics] = [group("Nordics")];
  await open({ users: [ana], groups: [nordics], memberships: { [nordics.id]: [ana.id] } });
  await scene.run(await scene.addSync("people", "portal", { records: "requester" }));
  await scene.run(await scene.addSync("groups", "portal", { records: "group" }));
  const all = JSON.parse(await said("audit", "list", "--person", ana.id, "--json")) as { stream: string }[];
  const some = JSON.parse(await said("audit", "list", "--person", ana.id, "--sync", "people", "--json")) as object[];
  assert.ok(some.length > 0 && some.length <= all.length);
  assert.deepEqual(JSON.parse(await said("audit", "list", "--person", ana.id, "--sync", "groups", "--json")), []);
  const moved = await said("audit", "list", "--sync", "groups");
  assert.match(moved, new RegExp(`added: Ana \\(${ana.id}\\)`));
  assert.doesNotMatch(moved, /empty → empty/);
  assert.equal((await told("audit", "list", "--record", "portal/1", "--run", "run_1")).code, 2);
});
