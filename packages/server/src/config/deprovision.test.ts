import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainSync } from "./render.ts";
import { flawWith, syncWith } from "./testing.ts";

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
    assert.match(flawWith("deprovision: { disabled: remove }"), /deprovision\.disabled/);
    assert.match(flawWith("deprovision: { disabled: { disable: true } }"), /disabled: needs deleteAfter, such as/);
    assert.match(
      flawWith("deprovision: { disabled: { deleteAfter: 30 } }"),
      /deleteAfter: must be a duration with its unit: write 30d/,
    );
    assert.match(flawWith("deprovision: { disabled: { deleteAfter: 30d, after: 1d } }"), /after/);
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
    assert.match(flawWith(rule("{ direct: jobTitle, owner: entra }")), /mapping\.jobTitle\.owner/);
    assert.match(flawWith(rule("{ direct: jobTitle, apply: create, owner: source }")), /written once/);
  });
});
