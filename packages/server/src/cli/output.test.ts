import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Output } from "./output.ts";
import { surroundings } from "./testing.ts";

test("waiting for a slow reader leaves no listener behind, however often it is waited for", async () => {
  const stdout = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => setImmediate(done) });
  const events = ["drain", "close", "error"];
  const before = events.map((event) => stdout.listenerCount(event));
  const output = new Output(surroundings({ stdout }).world, true);
  for (let piece = 0; piece < 30; piece += 1) await output.piece("more than it takes at once");
  assert.deepEqual(
    events.map((event) => stdout.listenerCount(event)),
    before,
  );
});

test("a table shows what would move its columns, and prints no other control character", async () => {
  const { world, out } = surroundings();
  await new Output(world, false).table(["WHO", "WHY"], [["Tab\tin\nname\u001b[31m", "so"]]);
  assert.equal(out(), "WHO                 WHY\nTab\\tin\\nname?[31m  so\n");
});
