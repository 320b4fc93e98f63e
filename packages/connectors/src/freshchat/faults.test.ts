import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TargetChange } from "@entrain/core";
import { agent } from "./testing/bench.ts";
import { benches, byEmail, change, creation, held, KINDS, made, one, PATHS, sent, signal } from "./testing/steps.ts";

const bench = benches(afterEach);

for (const kind of KINDS) {
  const path = PATHS[kind];
  for (const [what, action] of Object.entries({
    "is cut off behind its work": { type: "cut", at: "answer" },
    "is cut inside its answer": { type: "cut", at: "body" },
    "is answered with half of a record": { type: "truncate" },
  } as const)) {
    test(`${kind}: a creation that ${what} is sent once, unknown, and found by the next look`, async () => {
      const bed = await bench({ faults: [{ method: "POST", path, action, times: 1 }] });
      const outcome = await one(bed.target, creation(kind));
      assert.deepEqual([outcome.status, held(bed, kind), sent(bed, "POST")], ["unknown", 1, 1]);
      bed.account.advance(1_000);
      const [id] = await byEmail(bed.target, kind);
      assert.ok(id !== undefined);
      assert.deepEqual(await byEmail(bed.again(), kind), [id], "another run finds it, too");
      const again = await one(bed.target, creation(kind));
      assert.deepEqual([again.status, "code" in again && again.code], ["refused", "exists"]);
      assert.deepEqual([held(bed, kind), sent(bed, "POST")], [1, 1]);
    });
  }

  for (const [what, action] of Object.entries({
    "500": { type: "status", status: 500 },
    "503 and nothing else": { type: "status", status: 503, body: "empty" },
    "502 and a page": { type: "status", status: 502, body: "html" },
    "200 and a page": { type: "status", status: 200, body: "html" },
    "201 and nothing": { type: "status", status: 201, body: "empty" },
  } as const)) {
    test(`${kind}: nobody knows what became of a creation that is answered ${what}`, async () => {
      const bed = await bench({ faults: [{ method: "POST", path, action }] });
      const outcome = await one(bed.target, creation(kind));
      assert.deepEqual([outcome.status, sent(bed, "POST")], ["unknown", 1]);
    });
  }

  test(`${kind}: a creation that Freshchat did not take is sent again, when it says and without its saying`, async () => {
    const busy = { type: "status", status: 429, retryAfter: 7 } as const;
    const curt = { type: "status", status: 429, body: "empty" } as const;
    for (const [action, waits] of [
      [busy, [7_000]],
      [curt, [375]],
    ] as const) {
      const bed = await bench({ faults: [{ method: "POST", path, action, times: 1 }] });
      await made(bed.target, creation(kind));
      assert.deepEqual([bed.waits, held(bed, kind)], [waits, 1]);
    }
  });

  test(`${kind}: a change, a deletion and a look are repeated after a cut connection and a failure`, async () => {
    const bed = await bench({ switches: { deletionDelayMs: 0 } });
    const id = await made(bed.target, creation(kind));
    const { faults } = bed.account;
    for (const action of [{ type: "cut", at: "answer" } as const, { type: "status", status: 500 } as const]) {
      faults.set([
        { method: "PUT", action, times: 1 },
        { method: "GET", action, times: 1 },
      ]);
      const text = `after ${action.type}`;
      const update = change(kind, { recordId: id, set: { first_name: text } });
      assert.deepEqual(await one(bed.target, update), { status: "applied", recordId: id });
      const [record] = await bed.target.get(kind, [id], { members: false }, signal);
      assert.equal(record?.attributes.first_name, text);
    }
    faults.set([{ method: "DELETE", action: { type: "cut", at: "answer" }, times: 1 }]);
    assert.deepEqual(await one(bed.target, change(kind, { action: "delete", recordId: id })), {
      status: "applied",
      recordId: id,
      accepted: true,
    });
  });

  for (const put of ["replace", "merge", "merge-properties"] as const) {
    test(`${kind}: a change keeps what others wrote, and clears what it clears, where PUT means ${put}`, async () => {
      const bed = await bench({ switches: { put } });
      const { account, target } = bed;
      const id = await made(target, creation(kind));
      const avatar = { url: "https://example.org/ada.png" };
      const profiles = [{ type: "twitter", id: "ada" }];
      const groups = account.groups.list().map((group) => group.id);
      const department = { name: "department", value: "Others" };
      const written = { avatar, social_profiles: profiles, last_name: "Byron" };
      if (kind === "agent") account.agents.update(id, { ...written, groups, skill_id: "s1", agent_capacity: 7 });
      else account.users.update(id, { ...written, restore_id: "r1", properties: [department] });
      await made(target, change(kind, { recordId: id, set: { first_name: "Augusta", last_name: null } }));
      if (kind === "contact") await made(target, change(kind, { recordId: id, set: { "properties.note": "n" } }));
      const now = kind === "agent" ? account.agents.get(id) : account.users.get(id);
      assert.deepEqual([now?.first_name, now?.last_name, now?.avatar], ["Augusta", null, avatar]);
      assert.deepEqual(now?.social_profiles, profiles);
      const ofAgent = account.agents.get(id);
      assert.deepEqual(
        [ofAgent?.groups, ofAgent?.agent_capacity],
        kind === "agent" ? [groups, 7] : [undefined, undefined],
      );
      const ofUser = account.users.get(id);
      assert.equal(ofUser?.restore_id, kind === "contact" ? "r1" : undefined);
      const [record] = await target.get(kind, [id], { members: false }, signal);
      if (kind !== "contact") return;
      assert.deepEqual(
        [record?.attributes["properties.department"], record?.attributes["properties.note"]],
        ["Others", "n"],
      );
      await made(target, change(kind, { recordId: id, set: { "properties.department": null } }));
      const [cleared] = await bed.again().get(kind, [id], { members: false }, signal);
      assert.deepEqual(
        [cleared?.attributes["properties.department"], cleared?.attributes["properties.note"]],
        [null, "n"],
      );
    });
  }

  test(`${kind}: rows that shift while a list is read are read once each, and none is missed`, async () => {
    for (const metadata of ["both", "pagination", "links", "bare"] as const) {
      const bed = await bench({ switches: { metadata }, agents: 130, contacts: 130 });
      const of = bed.account[kind === "agent" ? "agents" : "users"];
      const before = of.list().map(({ id }) => id);
      const steps = [
        { do: "remove", kind: kind === "agent" ? "agents" : "users", id: before[3] ?? "" },
        { do: "create", kind: kind === "agent" ? "agents" : "users", fields: { email: "late@example.org" } },
      ] as const;
      bed.account.faults.set([{ method: "GET", path, page: 2, times: 1, action: { type: "meanwhile", steps } }]);
      const read: string[] = [];
      for await (const page of bed.target.list(kind, { members: false }, signal))
        read.push(...page.map(({ id }) => id));
      assert.equal(new Set(read).size, read.length, `${metadata}: none twice`);
      const there = of
        .list()
        .map(({ id }) => id)
        .filter((id) => before.includes(id));
      assert.deepEqual(
        there.filter((id) => !read.includes(id)),
        [],
        `${metadata}: none missed`,
      );
      assert.ok(bed.account.faults.list().every(({ struck }) => struck === 1));
    }
  });

  test(`${kind}: a page in place of an answer is a fault in one sentence, and shows no record to be gone`, async () => {
    const bed = await bench();
    const id = await made(bed.target, creation(kind));
    bed.account.setPortal(true);
    for (const read of [
      () => bed.target.get(kind, [id], { members: false }, signal),
      () => byEmail(bed.target, kind),
      async () => {
        for await (const _page of bed.target.list(kind, { members: false }, signal));
      },
    ]) {
      if (read !== undefined)
        await assert.rejects(read(), {
          code: "answer_invalid",
          message: /answers \(200\) with a page, not with the API: use the API host/,
        });
    }
  });

  test(`${kind}: a refused token stops the sync, and is told nowhere`, async () => {
    const bed = await bench({ token: "canary-7f3a-token" });
    const old = bed.again();
    bed.account.setToken("another-token");
    const target = bed.target;
    // The target asks for the token at every request; one that holds the old one is refused.
    await made(target, creation(kind));
    const stale = (await bench({}, { token: () => "canary-7f3a-token" })).target;
    for (const attempt of [() => stale.apply([creation(kind)], signal), () => byEmail(stale, kind)]) {
      await assert.rejects(attempt(), (error: Error & { code?: string }) => {
        assert.equal(error.code, "credential_refused");
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
    }
    await old.close();
  });

  test(`${kind}: what is stopped before it is sent is not sent, and what is stopped behind it is unknown`, async () => {
    const stop = new AbortController();
    let asked = 0;
    let last = Number.POSITIVE_INFINITY;
    // The token is asked for right before each request is sent.
    const token = (): string => {
      asked += 1;
      if (asked === last) setImmediate(() => stop.abort(new Error("enough")));
      return "a-token";
    };
    await made((await bench({ token: "a-token" }, { token })).target, creation(kind));
    [last, asked] = [asked, 0];
    const bed = await bench({ token: "a-token", latencyMs: 200 }, { token });
    const [outcome] = await bed.target.apply([creation(kind)], stop.signal);
    assert.equal(outcome?.status, "unknown");
    await assert.rejects(bed.target.apply([creation(kind, 2)], stop.signal), /enough/);
    assert.equal(asked, last);
  });

  test(`${kind}: a closed target sends nothing`, async () => {
    const bed = await bench();
    await bed.target.close();
    await assert.rejects(bed.target.apply([creation(kind)], signal), { code: "cancelled" });
    await assert.rejects(bed.target.get(kind, ["x"], { members: false }, signal), { code: "cancelled" });
    assert.equal(bed.account.requests.count, 0);
  });
}

test("a created contact that no filter finds yet is not created twice, and is listed", async () => {
  const bed = await bench({ switches: { indexDelayMs: 5_000 } });
  const id = await made(bed.target, creation("contact"));
  assert.equal((await one(bed.target, creation("contact"))).status, "refused");
  assert.deepEqual(await byEmail(bed.again(), "contact"), [], "Freshchat itself does not show it yet");
  assert.deepEqual(await byEmail(bed.target, "contact"), [id]);
});

test("no seat left stops creations of agents who need one, with a code of its own, and nothing else", async () => {
  for (const seatRefusal of [403, 400] as const) {
    const bed = await bench({ seats: 1, switches: { seatRefusal } });
    const full = (n: number): TargetChange =>
      change("agent", { action: "create", set: { ...agent.attributes(n), license_type: "fulltime" } });
    const id = await made(bed.target, full(1));
    const outcome = await one(bed.target, full(2));
    assert.deepEqual(
      [outcome.status, "code" in outcome && outcome.code, "retry" in outcome && outcome.retry],
      ["refused", "no_seat", "later"],
    );
    await made(bed.target, creation("agent", 3));
    await made(bed.target, change("agent", { action: "disable", recordId: id, active: false }));
    await made(bed.target, full(2));
    const back = await one(bed.target, change("agent", { action: "enable", recordId: id, active: true }));
    assert.deepEqual([back.status, "code" in back && back.code], ["refused", "no_seat"]);
  }
});

test("a refusal is told in Freshchat's own words, and is no lack of seats", async () => {
  const bed = await bench();
  const set = { ...agent.attributes(1), license_type: "golden" };
  const outcome = await one(bed.target, change("agent", { action: "create", set }));
  assert.deepEqual([outcome.status, "code" in outcome && outcome.code], ["refused", "refused_by_target"]);
  assert.match(outcome.detail ?? "", /Freshchat answered 400: license_type must be fulltime or occasional/);
});

test("roles and groups are known by name, and never made", async () => {
  const bed = await bench({ groups: ["Sales", "Support", "sales"], roles: ["Trainee"] });
  const lookups = bed.target.lookups ?? assert.fail();
  const names = async (lookup: string, ...values: readonly string[]) =>
    (await lookups.find(lookup, values, signal)).map(({ value }) => value).sort();
  assert.deepEqual(lookups.kinds, [
    { name: "role", creates: false },
    { name: "group", creates: false },
  ]);
  assert.deepEqual(await names("role", "trainee", "AGENT", "nobody"), ["Agent", "Trainee"]);
  assert.deepEqual(await names("group", "SALES"), ["Sales", "sales"]);
  const [support] = await lookups.find("group", ["support"], signal);
  assert.deepEqual(await lookups.get("group", [support?.id ?? "", "no-such-id"], signal), [support]);
  const [refused] = await lookups.create("group", ["Legal"], signal);
  assert.equal(refused?.status, "refused");
  await assert.rejects(lookups.find("department", ["x"], signal), { code: "not_found" });
  await assert.rejects(lookups.find("role", ["x"], AbortSignal.abort()));
  const [role] = await lookups.find("role", ["Trainee"], signal);
  const set = { ...agent.attributes(1), role: role?.id ?? "", group: support?.id ?? "" };
  const id = await made(bed.target, change("agent", { action: "create", set }));
  const [stored] = [bed.account.agents.get(id)];
  assert.deepEqual([stored?.role_name, stored?.groups], ["Trainee", [support?.id]]);
});

test("agents with rights over the account are privileged, and those who are deleted are not there", async () => {
  const bed = await bench({ switches: { deletionDelayMs: 0 } });
  const { agents } = bed.account;
  agents.create({ email: "root@example.org", role_id: "ACCOUNT_ADMIN" });
  agents.create({ email: "ada@example.org", role_id: "AGENT" });
  agents.create({ email: "gone@example.org", is_deleted: true });
  agents.create({ email: "off@example.org", is_deactivated: true });
  const listed = [];
  for await (const page of bed.target.list("agent", { members: false }, signal)) listed.push(...page);
  assert.deepEqual(
    listed.map(({ attributes, privileged = false, active }) => [attributes.email, privileged, active]),
    [
      ["root@example.org", true, true],
      ["ada@example.org", false, true],
      ["off@example.org", false, false],
    ],
  );
});

test("a record of another's with the same address stops a creation of an agent", async () => {
  const bed = await bench();
  bed.account.agents.create({ email: "ada.1@EXAMPLE.org" });
  const outcome = await one(bed.target, creation("agent"));
  assert.deepEqual([outcome.status, "code" in outcome && outcome.code], ["refused", "exists"]);
  assert.equal(sent(bed, "POST"), 0);
});
