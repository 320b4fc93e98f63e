import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { type TestContext, test } from "node:test";
import { runProgram } from "./program.ts";
import { surroundings, temporaryFolder } from "./testing.ts";

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command prints that opens no installation: one that it opened anyway would fail. */
async function say(args: readonly string[], input = ""): Promise<Said> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const openInstallation = async (): Promise<never> => assert.fail("nothing needs to be opened");
  const { world } = surroundings({ stdout, stderr, openInstallation }, input);
  const [out, err] = [collected(stdout), collected(stderr)];
  const code = await runProgram(["expression", ...args], world);
  stdout.end();
  stderr.end();
  return { code, stdout: await out, stderr: await err };
}

async function collected(stream: PassThrough): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
  return text;
}

async function json(...args: readonly string[]): Promise<unknown> {
  return JSON.parse((await say(["eval", ...args, "--json"])).stdout);
}

const ANA = '{"givenName":"Ana","surname":"Díaz","businessPhones":["+1","+2"],"name":{"first":"A"},"x.y":"whole"}';

test("expression eval prints the value: a text as it is, anything else as JSON", async () => {
  const printed = async (expression: string) => (await say(["eval", expression, "--attributes", ANA])).stdout;
  assert.equal(await printed('Join(" ", [givenName], [surname])'), "Ana Díaz\n");
  assert.equal(await printed("[businessPhones]"), '["+1","+2"]\n');
  assert.equal(await printed("IsPresent([givenName])"), "true\n");
  assert.equal(await printed("[department]"), "NULL\n");
  assert.equal(await printed('""'), "\n");
  assert.equal(await printed("IgnoreFlowIfNullOrEmpty([department])"), "The target's attribute is left as it is.\n");
});

test("expression eval --json prints the value, or the fault with its code and column", async () => {
  assert.deepEqual(await json("Count([businessPhones])", "--attributes", ANA), { value: 2 });
  assert.deepEqual(await json("[name.first]", "--attributes", ANA), { value: "A" });
  assert.deepEqual(await json("[x.y]", "--attributes", ANA), { value: "whole" });
  assert.deepEqual(await json("[department]", "--attributes", '{"department":null}'), { value: null });
  assert.deepEqual(await json("IgnoreFlowIfNullOrEmpty([department])", "--attributes", '{"department":""}'), {
    value: null,
    omitted: true,
  });
  const first = { code: "expression_invalid", message: "There is no function Jion; did you mean Join?", column: 1 };
  const second = { code: "expression_invalid", message: "There is no function Lft; did you mean Left?", column: 11 };
  assert.deepEqual(await json('Jion(" ", Lft([a], 1))'), { error: first, faults: [first, second] });
});

test("attributes are named as in mappings: as they were given, else by Entra's name for them, in any case", async () => {
  const cases: readonly (readonly [expression: string, attributes: object, value: unknown])[] = [
    ["[telephoneNumber]", { businessPhones: ["1", "2"] }, "1"],
    ["[telephoneNumber]", { businessPhones: ["1"], telephoneNumber: "as given" }, "as given"],
    ["[telephoneNumber]", { businessPhones: ["1"], telephoneNumber: null }, null],
    ["[mobile]", { mobilePhone: "2" }, "2"],
    ["[objectId]", { id: "3" }, "3"],
    ["[extensionAttribute1]", { onPremisesExtensionAttributes: { extensionAttribute1: "4" } }, "4"],
    ["[GivenName]", { givenName: "Ana" }, "Ana"],
    ["[Manager.TelephoneNumber]", { manager: { businessPhones: ["5"] } }, "5"],
    ["[telephoneNumber]", { businessPhones: [] }, null],
    ["[employeeOrgData.costCenter]", { employeeOrgData: {} }, null],
  ];
  for (const [expression, attributes, value] of cases) {
    assert.deepEqual(await json(expression, "--attributes", JSON.stringify(attributes)), { value }, expression);
  }
});

test("a name that is not among the attributes is NULL, and is told", async () => {
  const given = ['Join("", [nope], [givenName], [Mobile])', "--attributes", ANA];
  assert.deepEqual(await json(...given), { value: "Ana", unknown: ["nope", "Mobile"] });
  const said = await say(["eval", ...given]);
  assert.deepEqual([said.code, said.stdout], [0, "Ana\n"]);
  assert.equal(
    said.stderr,
    "[nope] is not among the attributes that were given, so it is NULL.\n" +
      "[Mobile] is not among the attributes that were given, so it is NULL.\n",
  );
  assert.deepEqual(await json("[department]"), { value: null, unknown: ["department"] });
  const failed = (await json("Mid([givenName], [at], 1)", "--attributes", ANA)) as Record<string, unknown>;
  assert.deepEqual(failed.unknown, ["at"], JSON.stringify(failed));
});

test("a fault is told in a sentence with its column, and ends the command with 1", async () => {
  const said = await say(["eval", "CDate([hired])", "--attributes", '{"hired":"soon"}']);
  assert.deepEqual([said.code, said.stdout], [1, ""]);
  assert.match(said.stderr, /^error: column 7: .*soon.*\n$/);
  assert.equal((await say(["eval", "CDate([hired])", "--attributes", '{"hired":"soon"}', "--json"])).code, 1);
});

test("the person counts as being created, so that time and chance have values", async () => {
  const { value } = (await json("Guid()")) as { readonly value: string };
  assert.match(value, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(String((await say(["eval", "RandomString(12,3,0,3,3)"])).stdout), /^\S{12}\n$/);
  assert.match(String((await say(["eval", "Now()"])).stdout), /^\d+\/\d+\/\d{4} \d+:\d\d:\d\d [AP]M\n$/);
});

test("--taken names the values that the target holds already, in any case", async () => {
  const expression = 'SelectUniqueValue([a], Append([a], "1"), Append([a], "2"))';
  const given = ["eval", expression, "--attributes", '{"a":"ana"}'];
  assert.equal((await say(given)).stdout, "ana\n");
  assert.equal((await say([...given, "--taken", "ANA", "--taken", "ana1"])).stdout, "ana2\n");
});

test("--file answers every line by one line of JSON, and goes on after a faulty one", async (t: TestContext) => {
  const lines = [
    '\uFEFF{"expression":"ToUpper([a])","attributes":{"a":"x"}}',
    "not json",
    "",
    '{"attributes":{}}',
    '{"expression":"Left([a])"}',
    '{"expression":"[a]","attributes":[]}',
    '{"expression":"SelectUniqueValue([a], \\"z\\")","attributes":{"a":"x"},"taken":["X"]}\r',
  ];
  const file = join(await temporaryFolder(t), "cases.jsonl");
  await writeFile(file, lines.join("\n"));
  for (const said of [
    await say(["eval", "--file", file]),
    await say(["eval", "--file", "-", "--json"], lines.join("\n")),
  ]) {
    const answers = said.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { error?: { code: string; line: number } });
    assert.deepEqual(
      answers.map((answer) => answer.error?.code ?? answer),
      [{ value: "X" }, "usage", "usage", "usage", "expression_invalid", "usage", { value: "z" }],
    );
    assert.deepEqual(
      answers.map(({ error }) => error?.line ?? null),
      [null, 2, 3, 4, 5, 6, null],
    );
    assert.equal(said.code, 1);
  }
  assert.equal((await say(["eval", "--file", "-"], `${lines[0]}\n`)).code, 0);
  const separated = JSON.stringify({ expression: "[a]", attributes: { a: "x\u2028y" } });
  assert.equal((await say(["eval", "--file", "-"], separated)).stdout, '{"value":"x\u2028y"}\n');
  assert.equal((await say(["eval", "--file", "-"], `${lines[0]}\n\n`)).stdout.split("\n").length, 3);
  assert.deepEqual(await say(["eval", "--file", "-"], ""), { code: 0, stdout: "", stderr: "" });
});

test("wrong usage is told in one sentence and ends with 2", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["eval"], /Give an expression, or --file/],
    [["eval", "[a]", "--attributes", "{a:1}"], /--attributes takes a JSON object, such as/],
    [["eval", "[a]", "--attributes", "[1]"], /--attributes takes a JSON object, such as/],
    [["eval", "[a]", "--file", "x"], /Give --file alone/],
    [["eval", "--file", "/nowhere/at/all"], /The file \/nowhere\/at\/all cannot be read/],
    [["eval", "--file", "/"], /The file \/ cannot be read/],
  ];
  for (const [args, told] of cases) {
    const said = await say(args);
    assert.deepEqual([said.code, said.stdout], [2, ""], args.join(" "));
    assert.match(said.stderr, told);
    assert.equal(said.stderr.trimEnd().split("\n").length, 1, said.stderr);
  }
});

test("expression functions lists all of them, or tells one in full", async () => {
  const all = await say(["functions"]);
  assert.match(all.stdout, /^Join +The sources/m);
  const listed = JSON.parse((await say(["functions", "--json"])).stdout) as { name: string }[];
  assert.equal(all.stdout.trimEnd().split("\n").length, listed.length + 2);
  const one = await say(["functions", "tolower"]);
  assert.match(one.stdout, /^ToLower\(source, \[culture\]\)\n.*\n {2}source: /);
  const unknown = await say(["functions", "ToLowr"]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /There is no function ToLowr\. Did you mean ToLower\?/);
});
