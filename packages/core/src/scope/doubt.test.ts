import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DirectoryRecord } from "../model/record.ts";
import type { Scope } from "../model/sync.ts";
import type { Attributes } from "../model/value.ts";
import type { ScopeDecision } from "./decision.ts";
import { compileScope } from "./scope.ts";

const SALES: Scope = {
  licensed: ["SPE_E3", "SPE_E33"],
  filters: [[{ attribute: "manager.department", operator: "EQUALS", value: "Sales" }]],
};

function decide(
  scope: Scope,
  attributes: Attributes,
  { unknown = ["SPE_E33"], ...more }: Partial<DirectoryRecord> & { readonly unknown?: readonly string[] } = {},
): ScopeDecision {
  const result = compileScope(scope, { unknownLicences: unknown });
  if ("findings" in result) assert.fail(JSON.stringify(result.findings));
  const record = { kind: "user", id: "u1", attributes, manager: null, removed: null, ...more } as const;
  return result.scope.decide(record, () => false);
}

const said = "the tenant is not known to have the licence SPE_E33, so who has it cannot be told";

describe("a scope with a licence that the tenant is not known to have", () => {
  it("knows nobody to be out for want of it, and says why", () => {
    const licensed = { licensed: ["SPE_E3", "SPE_E33"] };
    assert.deepEqual(decide(licensed, { licences: ["SPE_F1"] }), { in: false, reason: said, untold: true });
    assert.equal(decide(licensed, { licences: ["SPE_E3"] }).in, true);
    assert.equal(decide(licensed, { licences: [] }, { unknown: [] }).untold, undefined);
    assert.equal(decide({ licensed: true }, {}).untold, undefined, "any licence is no unknown one");
  });

  it("knows who is out for another reason", () => {
    const scope: Scope = { licensed: ["SPE_E33"], guests: "exclude" };
    assert.deepEqual(decide(scope, { userType: "Guest" }), { in: false, reason: "a guest" });
    assert.equal(decide(scope, { userType: "Member" }).untold, true);
  });

  it("doubts a manager beside it, each by itself and both at once", () => {
    const held = { manager: "m1", managerAttributes: { department: "Sales" } };
    assert.equal(decide(SALES, {}, held).reason, said);
    const manager = "the directory does not hold the manager, so manager.department cannot be told";
    assert.equal(decide(SALES, { licences: ["SPE_E3"] }, { manager: "m1" }).reason, manager);
    assert.equal(decide(SALES, {}, { manager: "m1" }).reason, `${manager}; ${said}`);
    assert.equal(decide(SALES, {}, { manager: "m1", managerAttributes: { department: "Legal" } }).untold, undefined);
  });
});
