import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import type { PhotoAnswer } from "@entrain/core";
import { type Simulator, startSimulator } from "@entrain/simulator";
import {
  type Answer,
  type Call,
  type FakeTenant,
  graphCalls,
  type Rig,
  rigFor,
  sourceOf,
  startTenant,
} from "./testing.ts";

const closing: { close(): Promise<void> }[] = [];
after(() => Promise.all(closing.map((one) => one.close())));

async function rig(answer: (call: Call) => Answer): Promise<{ readonly tenant: FakeTenant; readonly rig: Rig }> {
  const tenant = await startTenant(answer);
  const made = rigFor(tenant.origin);
  closing.push(made.source, tenant);
  return { tenant, rig: made };
}

async function read({ source }: Pick<Rig, "source">, ids: readonly string[]): Promise<readonly PhotoAnswer[]> {
  assert.ok(source.photos !== undefined);
  return await source.photos.read(ids, new AbortController().signal);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function refused(status: number, code: string): Answer {
  return { status, body: { error: { code, message: "no" } } };
}

test("hashes the image, and tells who has none, as the simulated service answers", async () => {
  const simulator: Simulator = await startSimulator({
    ...{ people: 4, groups: 1, seed: 3, throttle: "off", roles: ["User.Read.All", "ProfilePhoto.Read.All"] },
  });
  const source = sourceOf(simulator);
  closing.push(source, simulator);
  const ids: string[] = [];
  for await (const page of source.read("user", null, new AbortController().signal))
    ids.push(...page.records.map(({ id }) => id));
  const [one = "", two = ""] = ids;
  simulator.tenancy.setPhoto(one, true);
  simulator.tenancy.setPhoto(two, false);
  const [before, none] = await read({ source }, [one, two]);
  assert.ok(before !== undefined && "hash" in before && /^[0-9a-f]{64}$/.test(before.hash ?? ""));
  assert.deepEqual(none, { id: two, hash: null });
  assert.deepEqual((await read({ source }, [one]))[0], before);
  simulator.tenancy.setPhoto(one, true);
  assert.notDeepEqual((await read({ source }, [one]))[0], before);
});

test("asks for each by itself, in the order of the ids, bytes as they are", async () => {
  const { tenant, rig: made } = await rig((call) => ({ body: `image ${call.path.split("/")[3]} \u00ff` }));
  const ids = ["a", "b", "c", "d", "e", "f"];
  const found = await read(made, ids);
  assert.deepEqual(
    found,
    ids.map((id) => ({ id, hash: sha256(`image ${id} \u00ff`) })),
  );
  assert.deepEqual(
    [...graphCalls(tenant)].sort(),
    ids.map((id) => `GET /users/${id}/photo/$value`),
  );
});

test("takes a missing photo for none by the codes that say so, and every other answer for a failure", async () => {
  const answers: Readonly<Record<string, Answer>> = {
    none: refused(404, "ImageNotFound"),
    entity: refused(404, "ErrorEntityNotFound"),
    mailbox: refused(404, "MailboxNotEnabledForRESTAPI"),
    gone: refused(404, "Request_ResourceNotFound"),
    proxy: { status: 404, body: "<html>not here</html>" },
    empty: { body: "" },
    hidden: refused(403, "ErrorAccessDenied"),
  };
  const { rig: made } = await rig((call) => answers[call.path.split("/")[3] ?? ""] ?? { body: "image" });
  const found = await read(made, Object.keys(answers));
  const told = found.map((one) => ("hash" in one ? [one.id, one.hash] : [one.id, one.failure.code, one.failure.of]));
  assert.deepEqual(told, [
    ["none", null],
    ["entity", null],
    ["mailbox", "request_refused", "photo"],
    ["gone", "request_refused", "photo"],
    ["proxy", "request_refused", "photo"],
    ["empty", "answer_invalid", "photo"],
    ["hidden", "permission_missing", "photo"],
  ]);
});

test("a refusal of all is the service's, and names the permission; a throttled one waits as it is told", async () => {
  const denied = await rig(() => refused(403, "Authorization_RequestDenied"));
  const [one] = await read(denied.rig, ["a", "b"]);
  assert.ok(one !== undefined && "failure" in one);
  assert.deepEqual([one.failure.code, one.failure.of], ["permission_missing", "service"]);
  assert.match(one.failure.detail, /ProfilePhoto\.Read\.All/);
  let asked = 0;
  const slow = await rig(() =>
    ++asked === 1 ? { ...refused(429, "TooManyRequests"), headers: { "retry-after": "7" } } : { body: "i" },
  );
  assert.deepEqual(await read(slow.rig, ["a"]), [{ id: "a", hash: sha256("i") }]);
  assert.deepEqual(slow.rig.time.waits, [7000]);
  const never = await rig(() => ({ ...refused(429, "TooManyRequests"), headers: { "retry-after": "900" } }));
  const [left] = await read(never.rig, ["a"]);
  assert.ok(left !== undefined && "failure" in left);
  assert.deepEqual([left.failure.code, left.failure.of], ["throttled", "service"]);
});

test("leaves an image alone that is larger than any photo", async () => {
  const { rig: made } = await rig(() => ({ body: "x".repeat(4 * 1024 * 1024 + 1) }));
  const [found] = await read(made, ["a"]);
  assert.ok(found !== undefined && "failure" in found);
  assert.deepEqual([found.failure.code, found.failure.of], ["answer_invalid", "photo"]);
  assert.match(found.failure.detail, /larger than 4194304 bytes/);
});
