import assert from "node:assert/strict";
import { test } from "node:test";
import { freshchatCombinations } from "./combinations.ts";
import { FRESHCHAT_SWITCHES, type FreshchatSwitch, readSwitches, switchesAt } from "./switches.ts";
import { openAccount } from "./testing/account.ts";

const NAMES = Object.keys(FRESHCHAT_SWITCHES) as FreshchatSwitch[];

test("pairs begin with both extremes and bring every two values of two switches together, in few combinations", () => {
  const rows = [...freshchatCombinations()];
  assert.deepEqual(rows.slice(0, 2), [switchesAt("first"), switchesAt("last")]);
  for (const [at, left] of NAMES.entries()) {
    for (const right of NAMES.slice(at + 1)) {
      for (const a of FRESHCHAT_SWITCHES[left]) {
        for (const b of FRESHCHAT_SWITCHES[right]) {
          assert.ok(
            rows.some((row) => row[left] === a && row[right] === b),
            `${left}=${a} with ${right}=${b}`,
          );
        }
      }
    }
  }
  assert.ok(rows.length <= 24, `${rows.length} combinations`);
  assert.deepEqual([...freshchatCombinations()], rows);
});

test("the full product holds each combination once, of all switches or of some", () => {
  const some = [...freshchatCombinations({ full: true, of: ["put", "created", "metadata"] })];
  assert.deepEqual([some.length, new Set(some.map((row) => JSON.stringify(row))).size], [24, 24]);
  assert.ok(some.every(({ order }) => order === "newest"));
  let all = 0;
  for (const _ of freshchatCombinations({ full: true })) all++;
  assert.equal(
    all,
    Object.values(FRESHCHAT_SWITCHES).reduce((product, { length }) => product * length, 1),
  );
});

test("pairs of one switch are its values", () => {
  const rows = [...freshchatCombinations({ of: ["metadata"] })];
  assert.deepEqual(new Set(rows.map(({ metadata }) => metadata)), new Set(FRESHCHAT_SWITCHES.metadata));
});

test("switches are read from text and JSON, durations of any length", () => {
  assert.deepEqual(readSwitches({ created: "200", userDeletion: 204, indexDelayMs: "250" }), {
    created: 200,
    userDeletion: 204,
    indexDelayMs: 250,
  });
  assert.throws(() => readSwitches({ colour: "red" }), /no switch "colour"; there are pageLimit, /);
  assert.throws(() => readSwitches({ put: "mix" }), /put has no value "mix"; it takes replace, merge, /);
  assert.throws(() => readSwitches({ deletionDelayMs: -1 }), /deletionDelayMs takes milliseconds/);
});

test("a created user is read back under every pair of switches", async (t) => {
  const { freshchat, call } = await openAccount(t);
  for (const switches of freshchatCombinations()) {
    freshchat.setSwitches(switches);
    const { status, body } = await call("POST", "/users", { reference_id: JSON.stringify(switches) });
    assert.equal(status, switches.created);
    assert.deepEqual((await call("GET", `/users/${String(body.id)}`)).body, body);
  }
});
