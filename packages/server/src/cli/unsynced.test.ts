import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { openScene } from "../runs/testing/scene.ts";
import { person } from "../runs/testing/tenant.ts";
import { runProgram } from "./program.ts";
import { errorOf, run, runJson, surroundings, withPeople } from "./testing.ts";
import type { Installation } from "./world.ts";

interface Record {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly sentence: string;
}

/** A sync whose every record lacks a value. */
async function installed(context: TestContext): Promise<string> {
  const simulator = await startSimulator({ people: 6, groups: 0, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await withPeople(context, simulator, [
    "mapping: { userName: { direct: faxNumber }, displayName: { direct: displayName } }",
    "matching: [userName]",
    "retries: { first: 30s, attempts: 5 }",
  ]);
  assert.equal((await run(["sync", "run", "people"], { cwd })).code, 1);
  return cwd;
}

test("unsynced records are listed by what is asked for, and say when there are none like that", async (context) => {
  const cwd = await installed(context);
  const unsynced = (...options: readonly string[]) =>
    runJson<readonly Record[]>(["sync", "unsynced", "people", ...options], { cwd });
  const all = await unsynced();
  assert.ok(all.length > 1);
  const [first] = all;
  assert.match(
    first?.sentence ?? "",
    /is not in step: it could not be planned\. .* The next run looks at it again\. \S/,
  );
  assert.deepEqual(await unsynced("--text", first?.name.toUpperCase() ?? ""), [first]);
  assert.equal((await unsynced("--code", "value_missing", "--reason", "issue")).length, all.length);
  assert.deepEqual(await unsynced("--state", "dead"), []);
  assert.deepEqual(await unsynced("--older-than", "1h"), []);
  const none = await run(["sync", "unsynced", "people", "--older-than", "7d"], { cwd });
  assert.equal(none.stdout, "No unsynced record is like that.\n");
  const table = await run(["sync", "unsynced", "people"], { cwd });
  assert.match(table.stdout, /^WHO +OBJECT ID +CODE +TRIED AGAIN +WHY +WHAT TO DO$/m);
  for (const wrong of [["--state", "old"], ["--reason", "x"], ["--older-than", "5"], ["--bom"]]) {
    assert.equal((await run(["sync", "unsynced", "people", ...wrong], { cwd })).code, 2, wrong.join(" "));
  }
});

test("unsynced records are written as CSV and as lines of JSON, to a file that nobody else reads or to standard output", async (context) => {
  const cwd = await installed(context);
  const file = join(cwd, "unsynced.csv");
  const written = await run(["sync", "unsynced", "people", "--csv", file, "--bom"], { cwd });
  assert.equal(written.stdout, `Written to ${file}.\n`);
  assert.match(await readFile(file, "utf8"), /^\uFEFFName,User principal name,Object id,.*\r\n/);
  assert.equal((await stat(file)).mode & 0o077, 0);
  const csv = await run(["sync", "unsynced", "people", "--csv", "-", "--code", "value_missing"], { cwd });
  assert.match(csv.stdout, /^Name,.*\r\n/);
  const lines = (await run(["sync", "unsynced", "people", "--jsonl", "-"], { cwd })).stdout.trimEnd().split("\n");
  const all = await runJson<readonly Record[]>(["sync", "unsynced", "people"], { cwd });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    all,
  );
  const nowhere = await run(["sync", "unsynced", "people", "--csv", join(cwd, "no", "such"), "--json"], { cwd });
  assert.equal(errorOf(nowhere).code, "file_failed");
});

test("an ignored record is told apart with its note, and taken up again by who says so", async (context) => {
  const cwd = await installed(context);
  const all = await runJson<readonly Record[]>(["sync", "unsynced", "people"], { cwd });
  const [id = ""] = all.map((record) => record.id);
  const ignored = await run(["sync", "ignore", "people", "--record", id, "--note", "A test account."], { cwd });
  assert.equal(ignored.code, 0, ignored.stderr);
  const status = await run(["sync", "status", "people"], { cwd });
  assert.match(
    status.stdout,
    new RegExp(`^unsynced +${all.length - 1} \\(1 more ignored; entrain sync unsynced people\\)$`, "m"),
  );
  const listed = await run(["sync", "unsynced", "people", "--state", "ignored"], { cwd });
  assert.match(listed.stdout, /ignored by \S+: A test account\./);
  const others = all.slice(1).map((record) => record.id);
  await run(["sync", "ignore", "people", "--record", ...others, "--note", "So are these."], { cwd });
  const calm = await run(["sync", "run", "people"], { cwd });
  assert.equal(calm.code, 0, calm.stdout);
  const undone = await run(["sync", "ignore", "people", "--record", id, "--undo"], { cwd });
  assert.equal(undone.stdout, "They are tried by the next run.\n");
  assert.equal((await run(["sync", "run", "people"], { cwd })).code, 1);
  const retried = await runJson<{ readonly records: number }>(["sync", "retry", "people", "--record", ...others], {
    cwd,
  });
  assert.equal(retried.records, others.length);
  const strange = await run(["sync", "ignore", "people", "--record", "nobody", "--note", "x", "--json"], { cwd });
  assert.equal(errorOf(strange).code, "not_found");
  assert.equal((await run(["sync", "ignore", "people", "--record", id], { cwd })).code, 2);
});

test("a list that protects nobody is told by the run and with the unsynced records, by name", async (context) => {
  const simulator = await startSimulator({ people: 6, groups: 0, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await withPeople(context, simulator, ["protect: { people: [nobody@contoso.com] }"]);
  const said = /Protect\.people: nobody is "nobody@contoso\.com", so nothing is protected by that\. Correct the name/i;
  const ran = await run(["sync", "run", "people"], { cwd });
  assert.equal(ran.code, 1);
  assert.match(ran.stdout, said);
  assert.doesNotMatch(ran.stdout, /could not be synced/);
  const listed = await run(["sync", "unsynced", "people"], { cwd });
  assert.match(listed.stdout, said);
  assert.match(listed.stdout, /^No record of people is listed as unsynced, which does not mean that all .*:$/m);
  assert.match(
    listed.stdout,
    /^ {2}The last run, of .*, ended as partial, for what is said above: entrain sync history people$/m,
  );
  type Ran = { readonly findings: readonly { readonly code: string }[]; readonly unsynced: number };
  const told = await runJson<Ran>(["sync", "run", "people"], { cwd }, 1);
  assert.deepEqual([told.findings.map(({ code }) => code), told.unsynced], [["protected_unknown"], 0]);
});

test("an empty list of unsynced records says that all are in step only where that is so", async (context) => {
  const users = [person("Ana"), person("Bo"), person("Cy")];
  const scene = await openScene({ simulator: { tenant: { users, groups: [] } } });
  context.after(() => scene.close());
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const listed = async (): Promise<string> => {
    const { store, engine } = scene;
    const installation = { store, engine, types: new Map(), demo: false, folder: "", close: async () => undefined };
    const { world, out, err } = surroundings({ openInstallation: async () => installation as unknown as Installation });
    assert.equal(await runProgram(["sync", "unsynced", "people"], world), 0, err());
    return out();
  };
  const inStep = "Every record in scope of people is in step.\n";
  assert.match(
    await listed(),
    /^No record of people is listed as unsynced.*\n {2}It has not run yet: entrain sync run/,
  );
  scene.simulator.faults.set([{ action: { type: "status", status: 403 }, path: "/users/delta" }]);
  const failed = await scene.run(sync);
  assert.equal(failed.result, "failed");
  const said = await listed();
  assert.ok(!said.includes(inStep) && said.includes(`failed: ${failed.error?.code}: ${failed.error?.message}`), said);
  scene.simulator.faults.clear();
  assert.equal((await scene.run(sync)).result, "succeeded");
  assert.equal(await listed(), inStep);
  const row = { sync, object_id: users[0]?.id ?? "", attribute: "location", lookup: "location", key: "berlin" };
  const wait = { ...row, value: "Berlin", name: "Ana" };
  await scene.store.transaction((tx) => tx.insertInto("lookup_waits").values(wait).execute());
  assert.match(await listed(), /^ {2}1 person is synced without a value that the target lacks/m);
  await scene.store.transaction((tx) => tx.deleteFrom("lookup_waits").execute());
  assert.equal(await listed(), inStep);
  assert.equal((await scene.undo(sync, null)).result, "held");
  assert.match(await listed(), /^ {2}3 changes wait for approval: entrain sync held people$/m);
  await scene.store.transaction((tx) =>
    tx.updateTable("plans").set({ state: "applying" }).where("state", "=", "held").execute(),
  );
  assert.match(await listed(), /^ {2}3 changes of a plan that was begun are left\./m);
});

test("a run that tries nothing tells of the records that wait since an earlier one", async (context) => {
  const users = [person("Ana"), person("Bo"), person("Cy")];
  const scene = await openScene({ simulator: { tenant: { users, groups: [] } } });
  context.after(() => scene.close());
  const refusal = { status: 400, body: JSON.stringify({ detail: "Not in this plan." }) };
  scene.disturb(({ method }) => (method === "POST" ? refusal : null));
  const sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).failed, 3);
  const { store, engine } = scene;
  const installation = { store, engine, types: new Map(), demo: false, folder: "", close: async () => undefined };
  const ran = async (...options: readonly string[]): Promise<string> => {
    const { world, out, err } = surroundings({ openInstallation: async () => installation as unknown as Installation });
    assert.equal(await runProgram(["sync", "run", "people", ...options], world), 0, err());
    return out();
  };
  assert.match(await ran(), /succeeded: no changes.*\n3 records wait for another try: entrain sync unsynced people\n$/);
  const { unsynced, dead } = JSON.parse(await ran("--json")) as { readonly unsynced: number; readonly dead: number };
  assert.deepEqual([unsynced, dead], [3, 0]);
});
