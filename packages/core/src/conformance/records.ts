import assert from "node:assert/strict";
import type { Outcome } from "../index.ts";
import { assertHolds, type Claim, type Claims, type Subject } from "./subject.ts";

/** What creating, changing, disabling and deleting one record means. */
export const recordClaims: Claims = (kind, sample) => [
  { name: "shows a created record to find, get and list", check: showsCreated },
  { name: "changes by an update only what was set", check: updatesOnlyWhatWasSet },
  { name: "writes by a join only what was set", check: joinsOnlyWhatWasSet },
  { name: "clears an attribute that is set to null", check: clears },
  { name: "creates no second record from the same creation", check: createsOnce },
  ...(kind.attributes.some(({ unique }) => unique) ? [refusesSecondUnique] : []),
  ...(kind.disable ? [{ name: "disables and enables without touching anything else", check: disables }] : []),
  { name: "deletes once and answers unchanged afterwards", check: deletes },
  { name: "gives a new record an id that no other ever had", check: neverReusesIds },
  { name: "answers record_missing for a change of a record that is gone", check: missesRecord },
  ...(sample.reference === undefined ? [] : [referenceClaim(sample.reference)]),
];

async function showsCreated(subject: Subject): Promise<void> {
  const { sample } = subject;
  const id = await subject.create(1);
  const attributes = sample.attributes(1);
  const record = await subject.read(id);
  assertHolds(record, attributes);
  assert.equal(record.active, true, "a created record is active");
  if (subject.hasMembers) assert.deepEqual(record.members, [], "a created group is empty");
  assert.deepEqual(await subject.find(sample.matching, String(attributes[sample.matching])), [id]);
  const listed = await subject.list();
  assert.deepEqual(
    listed.map((each) => each.id),
    [id],
  );
  for (const each of listed) assertHolds(each, attributes);
}

async function updatesOnlyWhatWasSet(subject: Subject): Promise<void> {
  const id = await subject.create(1);
  const untouched = await subject.create(2);
  const set = { [subject.sample.text]: "changed" };
  assert.equal(await subject.succeed(subject.change("update", { recordId: id, set })), id);
  assertHolds(await subject.read(id), { ...subject.sample.attributes(1), ...set });
  await subject.succeed(subject.change("update", { recordId: id, set }));
  assertHolds(await subject.read(id), { ...subject.sample.attributes(1), ...set });
  assertHolds(await subject.read(untouched), subject.sample.attributes(2));
}

async function joinsOnlyWhatWasSet(subject: Subject): Promise<void> {
  const id = await subject.create(1);
  const set = { [subject.sample.text]: "joined" };
  assert.equal(await subject.succeed(subject.change("join", { recordId: id, set })), id);
  assert.equal(await subject.succeed(subject.change("join", { recordId: id, set: {} })), id);
  assertHolds(await subject.read(id), { ...subject.sample.attributes(1), ...set });
  assert.equal((await subject.list()).length, 1);
}

async function clears(subject: Subject): Promise<void> {
  const { text } = subject.sample;
  const id = await subject.create(1);
  for (const value of [null, null, "again", null]) {
    await subject.succeed(subject.change("update", { recordId: id, set: { [text]: value } }));
    assertHolds(await subject.read(id), { ...subject.sample.attributes(1), [text]: value });
  }
  const empty = await subject.create(2, { [text]: null });
  assertHolds(await subject.read(empty), { ...subject.sample.attributes(2), [text]: null });
}

/** A kind that declares a settling time may hold two for as long; the runner looks up after that time. */
async function createsOnce(subject: Subject): Promise<void> {
  const first = await subject.create(1);
  const [second] = await subject.apply(subject.creation(1));
  if (subject.kind.settleMs === 0) {
    assertNotAppliedTwice(second, first);
    assert.equal((await subject.list()).length, 1);
  }
  const [found] = await subject.find(
    subject.sample.matching,
    String(subject.sample.attributes(1)[subject.sample.matching]),
  );
  assert.ok(found);
}

function assertNotAppliedTwice(second: Outcome | undefined, first: string): void {
  assert.ok(second, "an outcome was answered");
  if (second.status === "unchanged") assert.equal(second.recordId, first);
  else assert.equal(second.status, "refused", "the second creation is refused, or changes nothing");
}

const refusesSecondUnique: Claim = {
  name: "refuses a second record with the same unique value, whatever its case, and says so",
  check: async (subject) => {
    for (const { name, caseExact } of subject.kind.attributes.filter(({ unique }) => unique)) {
      const value = String(subject.sample.attributes(1)[name]);
      await subject.create(1);
      const before = await subject.list();
      const same = caseExact ? value : value.toUpperCase();
      const [outcome] = await subject.apply(subject.creation(2, { [name]: same }));
      assert.equal(outcome?.status, "refused", `a second ${name} is refused`);
      assert.ok("detail" in outcome && outcome.detail, "a refusal says why");
      assert.equal((await subject.list()).length, before.length);
      const other = await subject.create(3);
      const [taken] = await subject.apply(subject.change("update", { recordId: other, set: { [name]: value } }));
      assert.equal(taken?.status, "refused", `an update to a taken ${name} is refused`);
      for (const { id } of await subject.list()) await subject.succeed(subject.change("delete", { recordId: id }));
    }
  },
};

async function disables(subject: Subject): Promise<void> {
  const { sample } = subject;
  const id = await subject.create(1);
  const turn = (active: boolean): Promise<string> =>
    subject.succeed(subject.change(active ? "enable" : "disable", { recordId: id, active }));
  await turn(false);
  await turn(false);
  assert.equal((await subject.read(id)).active, false);
  assert.deepEqual(await subject.find(sample.matching, String(sample.attributes(1)[sample.matching])), [id]);
  await subject.succeed(subject.change("update", { recordId: id, set: { [sample.text]: "still off" } }));
  const disabled = await subject.read(id);
  assert.equal(disabled.active, false, "an update leaves a disabled record disabled");
  assertHolds(disabled, { ...sample.attributes(1), [sample.text]: "still off" });
  assert.deepEqual(
    (await subject.list()).map(({ active }) => active),
    [false],
  );
  await turn(true);
  assert.equal((await subject.read(id)).active, true);
  await subject.succeed(
    subject.change("disable", { recordId: id, active: false, set: { [sample.text]: "off and changed" } }),
  );
  const both = await subject.read(id);
  assert.equal(both.active, false);
  assertHolds(both, { [sample.text]: "off and changed" });
}

async function deletes(subject: Subject): Promise<void> {
  const { sample } = subject;
  const id = await subject.create(1);
  const kept = await subject.create(2);
  assert.equal(await subject.succeed(subject.change("delete", { recordId: id })), id);
  assert.equal(await subject.get(id), undefined);
  assert.deepEqual(await subject.find(sample.matching, String(sample.attributes(1)[sample.matching])), []);
  assert.deepEqual(
    (await subject.list()).map((record) => record.id),
    [kept],
  );
  const [again] = await subject.apply(subject.change("delete", { recordId: id }));
  assert.deepEqual([again?.status, again && "recordId" in again && again.recordId], ["unchanged", id]);
}

async function neverReusesIds(subject: Subject): Promise<void> {
  const seen = new Set<string>();
  for (let round = 0; round < 4; round += 1) {
    const id = await subject.create(1);
    assert.ok(!seen.has(id), `the id ${id} was not used before`);
    seen.add(id);
    await subject.succeed(subject.change("delete", { recordId: id }));
  }
}

async function missesRecord(subject: Subject): Promise<void> {
  const id = await subject.create(1);
  await subject.succeed(subject.change("delete", { recordId: id }));
  const changes = [
    subject.change("update", { recordId: id, set: { [subject.sample.text]: "too late" } }),
    subject.change("join", { recordId: id, set: {} }),
    ...(subject.kind.disable ? [subject.change("disable", { recordId: id, active: false })] : []),
    ...(subject.hasMembers ? [subject.change("members", { recordId: id, add: [], remove: [id] })] : []),
  ];
  for (const change of changes) {
    const [outcome] = await subject.apply(change);
    assert.ok(outcome?.status === "conflict" || outcome?.status === "refused", `${change.action} did not succeed`);
    assert.equal(outcome.code, "record_missing");
  }
  assert.deepEqual(await subject.list(), []);
}

function referenceClaim(reference: string): Claim {
  return {
    name: `sets, moves and clears ${reference}`,
    check: async (subject) => {
      const first = await subject.create(1);
      const second = await subject.create(2);
      const id = await subject.create(3, { [reference]: first });
      assertHolds(await subject.read(id), { ...subject.sample.attributes(3), [reference]: first });
      for (const value of [second, null, first]) {
        await subject.succeed(subject.change("update", { recordId: id, set: { [reference]: value } }));
        assertHolds(await subject.read(id), { ...subject.sample.attributes(3), [reference]: value });
      }
      assertHolds(await subject.read(first), { [reference]: null });
      await subject.list();
    },
  };
}
