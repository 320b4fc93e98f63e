import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, diagnose, hover } from "./editor.ts";
import { tryEverything } from "./testing/try-everything.ts";
import { type Chance, chance, makeExpression, mutate } from "./testing.ts";

/** A fixed seed, so that a red run means a change of the code; `ENTRAIN_SEED` runs any other one. */
const SEED = Number(process.env.ENTRAIN_SEED ?? 6);
const COUNT = 100_000;
const EDITED = 20_000;

function noise(pick: Chance): string {
  const kind = pick(40);
  if (kind === 0) return `${"Not(".repeat(pick(450))}[mail]${")".repeat(pick(450))}`;
  if (kind === 1) return "(".repeat(pick(450)) + ")".repeat(pick(450));
  if (kind === 2) return "[".repeat(pick(200)) + "]".repeat(pick(200));
  const limit = [0x80, 0x250, 0x10000][pick(3)] ?? 0x80;
  return Array.from({ length: pick(30) }, () => String.fromCharCode(pick(limit))).join("");
}

test(`${COUNT} texts of noise end in a value or a fault (seed ${SEED})`, () => {
  const pick = chance(SEED);
  for (let made = 0; made < COUNT; made += 1) tryEverything(noise(pick), pick);
});

test(`an editor's questions about ${EDITED} half-written texts are answered (seed ${SEED})`, () => {
  const pick = chance(SEED);
  for (let made = 0; made < EDITED; made += 1) {
    const whole = makeExpression(pick, 2);
    const text = mutate(whole.slice(0, pick(whole.length + 1)), pick);
    const offset = pick(text.length + 1);
    const { at } = complete(text, offset, ["mail", "givenName"]);
    assert.ok(at.start <= offset && offset <= at.end && at.end <= text.length, `${text} at ${offset}`);
    hover(text, offset);
    diagnose(text);
  }
});
