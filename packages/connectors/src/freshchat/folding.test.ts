import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { isFolding } from "./folding.ts";
import { Memory, type Roster } from "./memory.ts";
import type { Reader } from "./reader.ts";
import { benches, creation, made, signal } from "./testing/steps.ts";

const bench = benches(afterEach);

test("addresses of contacts are found in any letters, also where Freshchat tells capitals apart", async () => {
  for (const emailMatch of ["exact", "folded"] as const) {
    const bed = await bench({ switches: { emailMatch }, contacts: 3 });
    bed.account.advance(10_000);
    const { id } = bed.account.users.create({ email: "Grace.Hopper@Example.org" });
    bed.account.advance(10_000);
    const found = await bed.target.find("contact", "email", ["grace.hopper@example.org", "x@example.org"], signal);
    assert.deepEqual(
      found.map((record) => record.id),
      [id],
      emailMatch,
    );
  }
});

for (const emailMatch of ["exact", "folded"] as const) {
  for (const visitors of [499, 501]) {
    test(`behind ${visitors} visitors without an address one is found in any letters (${emailMatch})`, async () => {
      const bed = await bench({ switches: { emailMatch, indexDelayMs: 0 } });
      for (let n = 0; n < visitors; n += 1) bed.account.users.create({ first_name: `Visitor ${n}` });
      bed.account.advance(1_000);
      const id = await made(bed.target, creation("contact"));
      bed.account.advance(300_000);
      const other = bed.again();
      const find = async (email: string): Promise<readonly string[]> =>
        (await other.find("contact", "email", [email], signal)).map((record) => record.id);
      assert.deepEqual(await find("nobody@example.org"), []);
      const before = bed.account.requests.count;
      assert.deepEqual(await find("ada.1@example.org"), [id]);
      assert.deepEqual(await find("nobody@example.org"), []);
      const requests = bed.account.requests.count - before;
      assert.ok(emailMatch === "exact" || requests === 2, `${requests} requests: what was found out is remembered`);
    });
  }
}

test("what a filter finds neither by its own address nor in other letters proves nothing, and is tried again", async () => {
  const clock = { now: () => 0, random: () => 0, sleep: async () => undefined };
  const memory = new Memory(clock, 0);
  const emails = ["a@example.org", "b@example.org", "c@example.org", "d@example.org"];
  const records = emails.map((email, at) => ({ kind: "contact", id: `${at}`, attributes: { email }, active: true }));
  const roster: Roster = { at: 0, byKey: new Map(records.map((record) => [record.attributes.email, [record]])) };
  memory.roster = roster;
  const asked: string[] = [];
  const folds = async (found: readonly string[]): Promise<boolean> => {
    asked.splice(0);
    const find = async (_reader: unknown, _name: string, value: string): Promise<typeof records> => {
      asked.push(value);
      return records.filter(({ attributes }) => found.includes(value) && attributes.email === value.toLowerCase());
    };
    return await isFolding({ memory } as Reader, { find, roster: async () => roster });
  };
  assert.deepEqual([await folds([]), memory.folds, asked], [false, null, emails.slice(0, 3)]);
  assert.deepEqual([await folds(["b@example.org", "B@EXAMPLE.ORG"]), memory.folds], [true, true]);
  assert.deepEqual([await folds([]), asked], [true, []], "what was found out is remembered");
});

test("where nobody has an address, the whole list is read once for many creations", async () => {
  const bed = await bench({ switches: { indexDelayMs: 0 } });
  for (let n = 0; n < 1_000; n += 1) bed.account.users.create({ first_name: `Visitor ${n}` });
  bed.account.advance(1_000);
  for (let n = 1; n <= 10; n += 1) {
    await made(bed.target, creation("contact", n));
    bed.account.advance(30_000);
  }
  const lists = bed.account.requests.list("/users?").filter(({ path }) => path.includes("created_from")).length;
  assert.ok(lists < 100, `${lists} pages of 20 were read`);
});
