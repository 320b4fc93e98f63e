import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { benches, byEmail, change, creation, KINDS, made, one, sent, signal } from "./testing/steps.ts";

const bench = benches(afterEach);

for (const kind of KINDS) {
  test(`${kind}: an accepted deletion is done for this run, and comes to the same for the next`, async () => {
    const bed = await bench({ switches: { deletionDelayMs: 3_600_000, userDeletion: 202 } });
    const ids = [await made(bed.target, creation(kind, 1)), await made(bed.target, creation(kind, 2))];
    const outcomes = [];
    for (const recordId of ids) outcomes.push(await one(bed.target, change(kind, { action: "delete", recordId })));
    assert.deepEqual(
      outcomes.map(({ status, detail = "" }) => [status, /in its own time/.test(detail)]),
      [
        ["applied", true],
        ["applied", true],
      ],
    );
    assert.equal(bed.waits.length, 5, "the second is not waited for: the first told how slow it is");
    const [id = ""] = ids;
    assert.deepEqual(await bed.target.get(kind, ids, { members: false }, signal), []);
    assert.deepEqual(await byEmail(bed.target, kind), []);
    const deleted = sent(bed, "DELETE");
    const again = change(kind, { action: "delete", recordId: id });
    assert.deepEqual([(await one(bed.target, again)).status, sent(bed, "DELETE")], ["unchanged", deleted]);
    const lost = await one(bed.target, change(kind, { recordId: id, set: { first_name: "late" } }));
    assert.deepEqual([lost.status, "code" in lost && lost.code], ["conflict", "record_missing"]);
    // Another run does not know; whatever it does, the record goes once.
    assert.deepEqual(await one(bed.again(), again), { status: "unchanged", recordId: id, accepted: true });
    bed.account.advance(3_600_000);
    assert.deepEqual(await bed.again().get(kind, ids, { members: false }, signal), []);
  });

  test(`${kind}: a creation waits for the deletion that stands in its way`, async () => {
    const bed = await bench({ switches: { deletionDelayMs: 30_000, duplicates: "refused", userDeletion: 202 } });
    const id = await made(bed.target, creation(kind));
    await made(bed.target, change(kind, { action: "delete", recordId: id }));
    assert.notEqual(await made(bed.target, creation(kind)), id);
  });

  test(`${kind}: many deletions together are watched for seconds, not each of them`, async () => {
    const bed = await bench({ switches: { deletionDelayMs: 3_000, userDeletion: 202 } });
    const ids: string[] = [];
    for (let n = 1; n <= 20; n += 1) ids.push(await made(bed.target, creation(kind, n)));
    const began = bed.account.now();
    for (const recordId of ids) await made(bed.target, change(kind, { action: "delete", recordId }));
    assert.ok(bed.account.now() - began <= 8_000, `${bed.account.now() - began} ms`);
    assert.equal(sent(bed, "DELETE"), 20);
    assert.deepEqual(await bed.target.get(kind, ids, { members: false }, signal), []);
  });

  test(`${kind}: a record that never goes holds up the first creation that is refused, and no other`, async () => {
    const bed = await bench({ switches: { deletionDelayMs: 360_000_000, duplicates: "refused", userDeletion: 202 } });
    const id = await made(bed.target, creation(kind, 1));
    await made(bed.target, creation(kind, 2));
    await made(bed.target, change(kind, { action: "delete", recordId: id }));
    const began = bed.account.now();
    for (let times = 0; times < 5; times += 1)
      assert.equal((await one(bed.target, creation(kind, 1))).status, "refused");
    assert.ok(bed.account.now() - began <= 60_000, `${bed.account.now() - began} ms`);
  });

  for (const [goes, deletionDelayMs] of [
    ["go late", 30_000],
    ["never go", 360_000_000],
  ] as const) {
    test(`${kind}: a creation looks at each of many leavers about once, although they ${goes}`, async () => {
      const bed = await bench({ switches: { deletionDelayMs, duplicates: "refused", userDeletion: 202 } });
      const ids: string[] = [];
      for (let n = 1; n <= 30; n += 1) ids.push(await made(bed.target, creation(kind, n)));
      for (const recordId of ids) await made(bed.target, change(kind, { action: "delete", recordId }));
      const [looked, began] = [sent(bed, "GET"), bed.account.now()];
      const { status } = await one(bed.target, creation(kind, 30));
      assert.equal(status, goes === "never go" ? "refused" : "applied");
      assert.ok(sent(bed, "GET") - looked <= 30 + 15, `${sent(bed, "GET") - looked} requests`);
      assert.ok(bed.account.now() - began <= 60_000, `${bed.account.now() - began} ms`);
    });
  }
}
