import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Target } from "@entrain/core";
import { createScimTarget, type ScimTargetOptions } from "./index.ts";
import { startScimServer } from "./testing/index.ts";
import { type ScriptedAnswer, type ScriptedRequest, startScriptedServer } from "./testing/scripted-server.ts";

const signal = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const SCHEMAS = {
  totalResults: 1,
  Resources: [
    {
      id: "urn:ietf:params:scim:schemas:core:2.0:User",
      attributes: [{ name: "userName" }, { name: "title", mutability: "readOnly" }],
    },
  ],
};

async function bench(
  answer: (request: ScriptedRequest, ordinal: number) => ScriptedAnswer,
  options: Partial<ScimTargetOptions> = {},
): Promise<{ readonly target: Target; readonly requests: readonly ScriptedRequest[] }> {
  const server = await startScriptedServer(answer);
  const clock = { now: () => 0, random: () => 0.5, sleep: async () => {} };
  const target = createScimTarget({
    baseUrl: server.baseUrl,
    token: () => "described-token",
    clock,
    concurrency: 1,
    ...options,
  });
  closing.push(target.close, server.close);
  return { target, requests: server.requests };
}

async function describedBy(target: Target): Promise<Target["kinds"]> {
  return (await target.describe?.(signal)) ?? assert.fail("the target tells nothing of itself");
}

test("asks the server once for what it says of itself, however often it is needed", async () => {
  const { target, requests } = await bench(() => ({ status: 200, body: SCHEMAS }));
  const [user, group] = await describedBy(target);
  assert.equal(user?.attributes.find(({ name }) => name === "title")?.readOnly, true);
  assert.deepEqual(group, target.kinds[1], "what is not described is as SCIM has it");
  assert.equal(await describedBy(target), await describedBy(target));
  assert.deepEqual(
    requests.map(({ method, path }) => `${method} ${path}`),
    ["GET /scim/Schemas"],
  );
});

const NOTHING_TOLD: { readonly [what: string]: ScriptedAnswer } = {
  "403": { status: 403, body: { detail: "not for you" } },
  "404": { status: 404, body: "<html>Not found</html>" },
  "501": { status: 501, body: {} },
  "a page": { status: 200, body: "<html>Welcome</html>" },
  "nothing at all": { status: 200 },
  "an empty list": { status: 200, body: { totalResults: 0, Resources: [] } },
};
for (const [what, answer] of Object.entries(NOTHING_TOLD)) {
  test(`keeps to what SCIM has where the server answers ${what}, and verifying says so`, async () => {
    const { target, requests } = await bench(({ path }) =>
      path === "/scim/Schemas" ? answer : { status: 200, body: { totalResults: 0, Resources: [] } },
    );
    assert.deepEqual(await describedBy(target), target.kinds);
    assert.equal(requests.length, 1, "it is asked once");
    const check = (await target.verify(signal)).find(({ name }) => name === "Attributes of users");
    assert.equal(check?.ok, true);
    assert.match(check?.detail ?? "", /^The server does not describe them: what SCIM itself says of them holds\./);
    if (what === "403") assert.match(check?.detail ?? "", /answered 403: not for you/);
  });
}

test("a server that fails to tell is asked again by the next run, and nothing is planned without its limits", async () => {
  let broken = true;
  const { target } = await bench(() => (broken ? { status: 500, body: {} } : { status: 200, body: SCHEMAS }));
  await assert.rejects(describedBy(target), (error: { code?: string; message?: string; fix?: string }) => {
    assert.equal(error.code, "server_failed");
    assert.match(error.message ?? "", /^The server's schemas could not be read: The server answered 500/);
    assert.match(error.fix ?? "", /schema: ignore/);
    return true;
  });
  broken = false;
  assert.equal((await describedBy(target))[0]?.described, true);
});

test("hears an answer that was cut off by asking once more", async () => {
  const { target, requests } = await bench((_, ordinal) => (ordinal === 0 ? "cut" : { status: 200, body: SCHEMAS }));
  assert.equal((await describedBy(target))[0]?.described, true);
  assert.equal(requests.length, 2);
});

test("a refused token is told as one", async () => {
  const { target } = await bench(() => ({ status: 401, body: {} }));
  await assert.rejects(describedBy(target), { code: "credential_refused" });
});

test("asks nothing where the settings say so", async () => {
  const { target, requests } = await bench(() => ({ status: 200, body: SCHEMAS }), { schema: "ignore" });
  assert.deepEqual(await describedBy(target), target.kinds);
  assert.equal(requests.length, 0);
});

test("a server that we did not write limits nothing that it takes", async () => {
  const server = await startScimServer({ token: "t", now: () => 0 });
  const clock = { now: () => 0, random: () => 0, sleep: () => Promise.resolve() };
  const target = createScimTarget({ baseUrl: server.baseUrl, token: () => "t", clock });
  closing.push(target.close, server.close);
  for (const [at, kind] of (await describedBy(target)).entries()) {
    assert.deepEqual(kind, { ...target.kinds[at], described: true });
  }
});
