import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectorError } from "@entrain/core";
import type { CompleteConfiguration, SyncEntry } from "./document.ts";
import { readDocument } from "./read.ts";
import { plainSync } from "./render.ts";
import { DOCUMENT, TYPES } from "./testing.ts";

const NONE = new Map();
const current: CompleteConfiguration = { connections: NONE, targets: NONE, syncs: NONE, channels: NONE };

function syncWith(text: string): SyncEntry {
  // A key may stand once.
  const free = DOCUMENT.replace(/^ *deprovision: .*\n/m, "").replace(/^ *mapping: .*\n/m, "");
  const document = free.replace("schedule: { every: 5m }", `${text}\n    schedule: { every: 5m }`);
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

describe("deprovisioning", () => {
  it("is read as a word or as days, and exported as it was meant", () => {
    const sync = syncWith(
      "deprovision: { outOfScope: { deleteAfter: 30d }, disabled: { deleteAfter: 24h, disable: false }, deleted: ignore }",
    );
    assert.deepEqual(sync.deprovision, {
      outOfScope: { deleteAfterMs: 2_592_000_000, disable: true },
      disabled: { deleteAfterMs: 86_400_000, disable: false },
      softDeleted: "disable",
      deleted: "ignore",
    });
    assert.deepEqual(plainSync(sync).deprovision, {
      outOfScope: { deleteAfter: "30d" },
      disabled: { deleteAfter: "24h", disable: false },
      softDeleted: "disable",
      deleted: "ignore",
    });
  });

  it("is refused with the place and what to write", () => {
    assert.match(flawOf("deprovision: { disabled: remove }"), /deprovision\.disabled/);
    assert.match(flawOf("deprovision: { disabled: { disable: true } }"), /disabled: needs deleteAfter, such as/);
    assert.match(
      flawOf("deprovision: { disabled: { deleteAfter: 30 } }"),
      /deleteAfter: must be a duration with its unit: write 30d/,
    );
    assert.match(flawOf("deprovision: { disabled: { deleteAfter: 30d, after: 1d } }"), /after/);
  });
});

describe("whose an attribute is", () => {
  const rule = (text: string): string => `mapping: { userName: { direct: userPrincipalName }, jobTitle: ${text} }`;

  it("is read and exported with its mapping", () => {
    const sync = syncWith(rule("{ direct: jobTitle, owner: untilChanged }"));
    assert.deepEqual(plainSync(sync).mapping, {
      userName: { direct: "userPrincipalName" },
      jobTitle: { direct: "jobTitle", owner: "untilChanged" },
    });
  });

  it("is refused where it is no word for it, or the attribute is written once", () => {
    assert.match(flawOf(rule("{ direct: jobTitle, owner: entra }")), /mapping\.jobTitle\.owner/);
    assert.match(flawOf(rule("{ direct: jobTitle, apply: create, owner: source }")), /written once/);
  });
});
