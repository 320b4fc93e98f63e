import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startScimServer } from "@entrain/connectors/scim/testing";
import { startSimulator } from "@entrain/simulator";
import { fixture, fixtureText, type Json, peopleIn } from "../config/entra-schema/testing/fixture.ts";
import { errorOf, type Ran, run, runJson, temporaryFolder } from "./testing.ts";

const TOKEN = "scim-CANARY-token";

interface Told {
  readonly sync: { readonly records: string };
  readonly syncs: { readonly [name: string]: { readonly mapping: object } };
  readonly notes: readonly { readonly place: string; readonly code: string; readonly detail: string }[];
}

interface Planned {
  readonly counts: { readonly create: number };
  readonly changes: readonly { readonly after: Json }[];
  readonly issues: readonly unknown[];
}

/** The fixture, letting in everyone. */
function everyone(): Json {
  const schema = fixture();
  peopleIn(schema).scope = null;
  return schema;
}

test("an exported provisioning schema is imported, applied, previewed and exported again", async (context) => {
  const simulator = await startSimulator({ people: 40, groups: 4, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const scim = await startScimServer({ token: TOKEN, now: () => Date.now() });
  context.after(() => scim.close());
  const cwd = await temporaryFolder(context);
  const of = { cwd, env: { DESK_TOKEN: TOKEN } };
  const ran = async (args: readonly string[], input = ""): Promise<Ran> => {
    const result = await run(args, { ...of, input });
    assert.equal(result.code, 0, `${args.join(" ")}\n${result.stderr}`);
    return result;
  };
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph];
  await ran(
    ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom, "--secret-stdin"],
    secret,
  );
  await ran([
    "target",
    "add",
    "desk",
    "--type",
    "scim",
    "--set",
    `baseUrl=${scim.baseUrl}`,
    "--secret-env",
    "DESK_TOKEN",
  ]);
  await writeFile(join(cwd, "schema.json"), fixtureText());
  await writeFile(join(cwd, "everyone.json"), JSON.stringify(everyone()));
  const importing = ["config", "import", "schema.json", "--connection", "contoso", "--target", "desk"];

  await context.test("as JSON: the sync, and what is not as it was", async () => {
    const { sync, syncs, notes } = await runJson<Told>(importing, of);
    assert.deepEqual(Object.keys(syncs), ["contoso-desk", "contoso-desk-groups"]);
    assert.equal(sync.records, "user");
    assert.ok(notes.some(({ code, place }) => code === "attribute_unknown" && place.includes("attributeMappings[9]")));
    assert.ok(!notes.some(({ code }) => code === "refused"), JSON.stringify(notes));
  });

  await context.test("as YAML on standard output, with the report beside it", async () => {
    const { stdout, stderr } = await ran(importing);
    assert.match(stdout, /^syncs:\n {2}contoso-desk:\n/);
    assert.match(stderr, /Not as it was:\n/);
    assert.match(
      stderr,
      /the target's user has no attribute addresses\[type eq "work"\]\.formatted; it was left out\./,
    );
    const again = await run(["config", "diff", "-"], { ...of, input: stdout });
    assert.match(again.stdout, /added +syncs\.contoso-desk-groups/);
  });

  await context.test("the YAML is applied, and its plan previewed", async () => {
    const writing = [
      "config",
      "import",
      "everyone.json",
      "--connection",
      "contoso",
      "--target",
      "desk",
      "--sync",
      "people",
    ];
    const { stdout } = await ran([...writing, "--output", "people.yaml"]);
    assert.match(stdout, /Next: entrain config apply people\.yaml, then entrain sync plan people\./);
    const twice = await run([...writing, "--output", "people.yaml", "--json"], of);
    assert.equal(errorOf(twice).code, "exists");
    await ran(["config", "apply", "people.yaml"]);
    const plan = await runJson<Planned>(["sync", "plan", "people"], of);
    assert.ok(plan.counts.create > 20, JSON.stringify(plan.counts));
    const after = plan.changes[0]?.after ?? {};
    assert.equal(after["name.formatted"], `${after["name.givenName"]} ${after["name.familyName"]}`);
    assert.equal(after.userType, "Employee");
    assert.equal(after.timezone, "Europe/Berlin");
    const groups = await runJson<Planned>(["sync", "plan", "people-groups"], of);
    assert.ok(groups.counts.create > 0);
  });

  await context.test("it is exported into the schema that it came from, unchanged in meaning", async () => {
    await ran(["config", "export-entra", "people", "--into", "everyone.json", "--output", "again.json"]);
    const again = JSON.parse(await readFile(join(cwd, "again.json"), "utf8")) as Json;
    assert.deepEqual(again.directories, fixture().directories);
    const back = ["--connection", "contoso", "--target", "desk", "--sync", "people"];
    const [before, after] = [
      await runJson<Told>(["config", "import", "everyone.json", ...back], of),
      await runJson<Told>(["config", "import", "again.json", ...back], of),
    ];
    assert.deepEqual(after.syncs, before.syncs);
    const alone = await runJson<{ schema: Json; notes: unknown[] }>(["config", "export-entra", "people"], of);
    assert.equal(peopleIn(alone.schema).flowTypes, "Add, Update, Delete");
    const printed = await ran(["config", "export-entra", "people"]);
    assert.deepEqual(JSON.parse(printed.stdout), alone.schema);
  });

  await context.test("what cannot be imported is said in one sentence", async () => {
    const fault = async (args: readonly string[], input = ""): Promise<string> => {
      const failed = await run([...args, "--json"], { ...of, input });
      assert.equal(failed.code, 1, failed.stdout);
      return `${errorOf(failed).code}: ${errorOf(failed).message}`;
    };
    const from = ["config", "import", "-", "--connection", "contoso", "--target", "desk"];
    assert.match(await fault(from, "nonsense"), /^config_invalid: standard input is no JSON/);
    assert.match(
      await fault(["config", "import", "none.json", ...from.slice(3)]),
      /none\.json cannot be read: there is no/,
    );
    const desk = ["--target", "desk"];
    const nobody = ["config", "import", "schema.json", "--connection", "contosso", ...desk];
    assert.match(await fault(nobody), /^not_found: There is no connection "contosso"; did you mean "contoso"\?/);
    assert.match(
      await fault(["config", "export-entra", "peeple"]),
      /^not_found: There is no sync "peeple"; did you mean/,
    );
    const usage = await run(["config", "import", "schema.json", ...desk, "--json"], of);
    assert.equal(usage.code, 2);
    assert.match(errorOf(usage).message, /--connection/);
  });

  await context.test("what would be refused is said before it is applied, in UTF-16 too", async () => {
    const schema = everyone();
    const source = { type: "Function", name: "Jion", expression: 'Jion(" ", [givenName])' };
    for (const one of peopleIn(schema).attributeMappings) if (one.targetAttributeName === "title") one.source = source;
    await writeFile(join(cwd, "wide.json"), `\uFEFF${JSON.stringify(schema)}`, "utf16le");
    const wide = ["config", "import", "wide.json", ...importing.slice(3)];
    const { notes } = await runJson<Told>(wide, of, 1);
    const refused = notes.filter(({ code }) => code === "refused");
    assert.deepEqual(
      refused.map(({ place }) => place),
      ["syncs.contoso-desk.mapping.title"],
    );
    assert.match(refused[0]?.detail ?? "", /Jion.*Join/);
    const told = await run([...wide, "--output", "wide.yaml"], of);
    assert.equal(told.code, 1);
    assert.doesNotMatch(told.stdout, /\.\.$|Next: /m);
    assert.match(
      told.stdout,
      /^Mend in wide\.yaml first what config apply refuses: syncs\.contoso-desk\.mapping\.title\. Then: entrain config apply wide\.yaml$/m,
    );
    const applied = await run(["config", "apply", "wide.yaml"], of);
    assert.equal(applied.code, 1, "what the import says must be so");
    const piped = await run(wide, of);
    assert.match(piped.stderr, /^Mend in the document first what config apply refuses: /m);
  });
});
