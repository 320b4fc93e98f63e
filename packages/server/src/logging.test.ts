import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { createLogger } from "./logging.ts";

const CLOCK = { ...systemClock, now: () => Date.UTC(2026, 0, 5, 8, 15, 2) };

test("a log line is JSON, and holds no secret wherever one was put", () => {
  const to = new PassThrough({ encoding: "utf8" });
  const facts = { sync: "people", secret: "CANARY", request: { headers: { cookie: "CANARY" }, token: "CANARY" } };
  createLogger(to, CLOCK, "json").info(facts, "a run ended");
  const line = String(to.read());
  assert.doesNotMatch(line, /CANARY/);
  const { time, sync, msg, secret } = JSON.parse(line) as { [name: string]: unknown };
  assert.deepEqual([time, sync, msg, secret], ["2026-01-05T08:15:02.000Z", "people", "a run ended", "[secret]"]);
});

test("the demo's log is one line for people", () => {
  const to = new PassThrough({ encoding: "utf8" });
  const log = createLogger(to, CLOCK, "plain");
  log.info({ counts: {} }, "people: succeeded, 3 changes");
  log.error({}, "people: The server could not be reached.");
  log.debug({}, "not told");
  assert.equal(
    String(to.read()),
    "08:15:02 people: succeeded, 3 changes\n08:15:02 error: people: The server could not be reached.\n",
  );
});
