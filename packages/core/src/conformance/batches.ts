import assert from "node:assert/strict";
import { assertHolds, type Claims, recordIdOf, type Subject } from "./subject.ts";

/** What a batch of changes means. */
export const batchClaims: Claims = () => [
  { name: "answers one outcome per change in the order of the batch", check: answersInOrder },
  { name: "goes on behind a change that it refuses", check: goesOn },
  { name: "applies two changes of one record in their order", check: keepsOrder },
  { name: "refuses a batch larger than it declares", check: refusesLargeBatch },
  { name: "answers nothing to an empty batch", check: answersEmpty },
];

async function answersInOrder(subject: Subject): Promise<void> {
  const count = Math.min(subject.target.batch, 60);
  const creations = Array.from({ length: count }, (_, n) => subject.creation(n));
  const created = await subject.target.apply(creations, subject.signal);
  assert.equal(created.length, count);
  const ids = created.map(recordIdOf);
  assert.equal(new Set(ids).size, count, "every record has an id of its own");
  const listed = new Map((await subject.list()).map((record) => [record.id, record]));
  for (const [n, id] of ids.entries()) {
    const record = listed.get(id);
    assert.ok(record, `record ${n} is listed`);
    assertHolds(record, subject.sample.attributes(n));
  }
  const reversed = ids.toReversed();
  const updates = reversed.map((recordId) =>
    subject.change("update", { recordId, set: { [subject.sample.text]: `text of ${recordId}` } }),
  );
  const updated = await subject.target.apply(updates, subject.signal);
  assert.deepEqual(updated.map(recordIdOf), reversed);
  for (const record of await subject.list()) assertHolds(record, { [subject.sample.text]: `text of ${record.id}` });
}

async function goesOn(subject: Subject): Promise<void> {
  const gone = await subject.create(0);
  await subject.succeed(subject.change("delete", { recordId: gone }));
  const outcomes = await subject.apply(
    subject.creation(1),
    subject.change("update", { recordId: gone, set: { [subject.sample.text]: "x" } }),
    subject.creation(2),
    subject.change("delete", { recordId: gone }),
    subject.creation(3),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => (status === "refused" ? "conflict" : status)),
    ["applied", "conflict", "applied", "unchanged", "applied"],
  );
  assert.equal((await subject.list()).length, 3);
}

async function keepsOrder(subject: Subject): Promise<void> {
  const { text } = subject.sample;
  const id = await subject.create(1);
  const set = (value: string) => subject.change("update", { recordId: id, set: { [text]: value } });
  await subject.apply(set("first"), subject.creation(2), set("second"));
  assertHolds(await subject.read(id), { [text]: "second" });
}

async function refusesLargeBatch(subject: Subject): Promise<void> {
  const { target } = subject;
  const change = subject.creation(1);
  const batch = Array.from({ length: target.batch + 1 }, (_, ordinal) => ({ ...change, ordinal }));
  await assert.rejects(target.apply(batch, subject.signal));
  assert.deepEqual(await subject.list(), []);
}

async function answersEmpty(subject: Subject): Promise<void> {
  assert.deepEqual(await subject.target.apply([], subject.signal), []);
}
