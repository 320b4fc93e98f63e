import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectorError } from "@entrain/core";
import type { CompleteConfiguration } from "./document.ts";
import { readDocument } from "./read.ts";
import { plainSync } from "./render.ts";
import { DOCUMENT, TYPES } from "./testing.ts";

const NONE = new Map();
const current: CompleteConfiguration = { connections: NONE, targets: NONE, syncs: NONE, channels: NONE };

function syncWith(text: string) {
  const document = DOCUMENT.replace("schedule: { every: 5m }", `retries: ${text}\n    schedule: { every: 5m }`);
  const sync = readDocument(document, { name: "test.yaml", types: TYPES, current }).syncs?.get("contoso-desk");
  assert.ok(sync);
  return sync;
}

function flawOf(text: string): string {
  try {
    syncWith(text);
  } catch (error) {
    assert.ok(error instanceof ConnectorError && error.code === "config_invalid", String(error));
    return error.message;
  }
  return "no flaw";
}

describe("retries", () => {
  it("are read, filled in from the defaults, and exported as they were meant", () => {
    const sync = syncWith("{ first: 30s, attempts: 5 }");
    assert.deepEqual(sync.retries, { firstMs: 30_000, lastMs: 86_400_000, attempts: 5 });
    assert.deepEqual(plainSync(sync).retries, { first: "30s", last: "24h", attempts: 5 });
  });

  it("are refused where they would try without end, too often, or backwards", () => {
    assert.match(flawOf("{ attempts: 0 }"), /retries\.attempts/);
    assert.match(flawOf("{ first: 1 }"), /retries\.first: must be a duration with its unit/);
    assert.match(flawOf("{ last: 90d }"), /retries\.last: must be at most 30d/);
    assert.match(flawOf("{ first: 1h, last: 5m }"), /retries\.last: last \(5m\) is shorter than first \(1h\)/);
    assert.match(flawOf("{ first: 2d }"), /retries\.first: last \(24h\) is shorter than first \(2d\)/);
    assert.match(flawOf("{ every: 5m }"), /every/);
  });
});
