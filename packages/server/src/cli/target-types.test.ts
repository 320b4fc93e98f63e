import assert from "node:assert/strict";
import { test } from "node:test";
import type { TargetKind } from "@entrain/core";
import { startFreshchat } from "@entrain/simulator";
import { run, runJson, temporaryFolder } from "./testing.ts";

interface Type {
  readonly type: string;
  readonly kinds: readonly TargetKind[];
}

interface Shown {
  readonly mapping: object;
  readonly matching: object;
  readonly scope?: object;
}

const ID = "6f0c2f3e-1111-4222-8333-444455556666";

test("target types tells each kind's preset, attribute by attribute", async (context) => {
  const of = { cwd: await temporaryFolder(context) };
  const { stdout } = await run(["target", "types"], of);
  assert.match(stdout, /preset:\n +userName ← userPrincipalName\n +externalId ← id\n/);
  assert.match(stdout, /name\.formatted ← Join\(" ", \[givenName\], \[surname\]\)\n/);
  assert.match(stdout, /matched by externalId, then userName\n/);
  const types = await runJson<readonly Type[]>(["target", "types"], of);
  for (const { kinds } of types) {
    for (const { preset } of kinds) {
      assert.ok(Object.keys(preset.mapping).length > 0 && preset.matching.length > 0);
      for (const name of Object.keys(preset.mapping)) assert.ok(stdout.includes(`      ${name} ← `), name);
    }
  }
});

test("every kind says what disabling and deleting a record does in its target, and only what it can do", async (context) => {
  const types = await runJson<readonly Type[]>(["target", "types"], { cwd: await temporaryFolder(context) });
  for (const { type, kinds } of types) {
    for (const { name, disable, verbs } of kinds) {
      assert.ok(verbs?.delete, `${type} ${name}`);
      assert.equal(verbs.disable !== undefined, disable, `${type} ${name}`);
    }
  }
});

test("target values lists and adds what a portal keeps as records, and says what it keeps as text", async (context) => {
  const of = { cwd: await temporaryFolder(context) };
  const added = await run(["target", "add", "desk", "--type", "portal", "--set", "departments=known"], of);
  assert.equal(added.code, 0, added.stderr);
  const wrong = await run(["target", "add", "other", "--type", "portal", "--set", "departments=sometimes"], of);
  assert.match(wrong.stderr, /departments.*text.*known.*create/s);
  const none = await run(["target", "values", "desk", "department"], of);
  assert.match(none.stdout, /There is no department yet\. Add one: entrain target values desk department --add VALUE/);
  const text = await run(["target", "values", "desk", "location"], of);
  assert.deepEqual([text.code, /no lookup "location": it has department\./.test(text.stderr)], [1, true]);
  const two = await runJson(["target", "values", "desk", "department", "--add", "Sales", "Legal", "SALES"], of);
  assert.deepEqual(two, { added: 2, refused: [] });
  const values = await runJson<readonly { readonly value: string }[]>(["target", "values", "desk", "department"], of);
  assert.deepEqual(values.map(({ value }) => value).sort(), ["Legal", "Sales"]);
});

test("a sync added without a mapping has its kind's preset, of people only where that is asked for", async (context) => {
  const of = { cwd: await temporaryFolder(context) };
  const done = async (...args: readonly string[]): Promise<void> => {
    const ran = await run(args, { ...of, input: "CANARY~secret.value" });
    assert.equal(ran.code, 0, ran.stderr);
  };
  const types = await runJson<readonly Type[]>(["target", "types"], of);
  await done("connection", "add", "contoso", "--tenant", ID, "--client", ID, "--secret-stdin");
  const settings: { readonly [type: string]: readonly string[] } = {
    scim: ["--set", "baseUrl=http://127.0.0.1:1/scim/v2", "--secret-env", "DESK_TOKEN"],
    csv: ["--set", "path=people"],
    freshchat: ["--set", "baseUrl=http://127.0.0.1:1/v2", "--secret-env", "DESK_TOKEN"],
  };
  assert.ok(types.length >= 3);
  for (const { type, kinds } of types) {
    await done("target", "add", type, "--type", type, ...(settings[type] ?? []));
    const kind = kinds.find(({ source }) => source === "user");
    assert.ok(kind !== undefined, type);
    const add = ["sync", "add", `${type}-people`, "--connection", "contoso", "--target", type, "--records", kind.name];
    await done(...add, "--people-only");
    const shown = await runJson<Shown>(["sync", "show", `${type}-people`], of);
    assert.deepEqual(shown.mapping, kind.preset.mapping);
    assert.deepEqual(shown.matching, kind.preset.matching);
    assert.deepEqual(shown.scope, { peopleOnly: true });
  }
});

test("a Freshchat account is added as a target, and verified check by check", async (context) => {
  const account = await startFreshchat({ token: "CANARY~secret.value" });
  context.after(() => account.close());
  const of = { cwd: await temporaryFolder(context) };
  const settings = ["--set", `baseUrl=${account.base}`, "--set", "properties.contact=department,city"];
  const add = ["target", "add", "chat", "--type", "freshchat", ...settings, "--secret-stdin"];
  const added = await run(add, { ...of, input: account.token });
  assert.equal(added.code, 0, added.stderr);
  const good = await run(["target", "verify", "chat"], of);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /ok +Address and token: .*\nok +Reading agents: /);
  account.setPortal(true);
  const bad = await run(["target", "verify", "chat"], of);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /with a page, not with the API: use the API host\./);
  assert.doesNotMatch(good.stdout + bad.stdout + bad.stderr, /CANARY/);
  const [, contact] =
    (await runJson<readonly Type[]>(["target", "types"], of)).find(({ type }) => type === "freshchat")?.kinds ?? [];
  assert.equal(contact?.disable, false);
  const far = await run(
    add.map((part) => part.replace(account.base, "https://desk.example.com/v2").replace(/^chat$/, "far")),
    { ...of, input: "x" },
  );
  assert.match(far.stderr, /neither freshchat\.com nor myfreshworks\.com/);
});
