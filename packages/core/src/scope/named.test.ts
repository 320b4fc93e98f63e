import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DirectoryRecord } from "../model/record.ts";
import type { ScopeClause } from "../model/sync.ts";
import type { Attributes } from "../model/value.ts";
import type { CompiledScope } from "./decision.ts";
import { compileScope } from "./scope.ts";

function compiled(...clauses: readonly ScopeClause[]): CompiledScope {
  const result = compileScope({ filters: [clauses] });
  if ("findings" in result) assert.fail(JSON.stringify(result.findings));
  return result.scope;
}

function person(attributes: Attributes, more: Partial<DirectoryRecord> = {}): DirectoryRecord {
  return { kind: "user", id: "u1", attributes, manager: null, removed: null, ...more };
}

describe("Entra's names of attributes in a scope", () => {
  it("read what Graph has for them, and reasons call them as they were written", () => {
    const scope = compiled(
      { attribute: "mobile", operator: "IS NOT NULL" },
      { attribute: "telephoneNumber", operator: "EQUALS", value: "+49 30 1" },
      { attribute: "extensionAttribute1", operator: "EQUALS", value: "A" },
    );
    const attributes = {
      mobilePhone: "+49 170 1",
      businessPhones: ["+49 30 1", "+49 30 2"],
      onPremisesExtensionAttributes: { extensionAttribute1: "A" },
    };
    assert.deepEqual(
      scope.decide(person(attributes), () => false),
      {
        in: true,
        reason: "mobile is not empty and telephoneNumber is +49 30 1 and extensionAttribute1 is A",
      },
    );
    assert.deepEqual(
      scope.decide(person({ ...attributes, mobilePhone: null }), () => false),
      {
        in: false,
        reason: "mobile is empty",
      },
    );
  });

  it("are asked of Graph by its own names, and known by every name that a reason has for them", () => {
    const scope = compiled(
      { attribute: "mobile", operator: "IS NOT NULL" },
      { attribute: "mobilePhone", operator: "IS NOT NULL" },
      { attribute: "extensionAttribute1", operator: "IS NOT NULL" },
      { attribute: "objectId", operator: "IS NOT NULL" },
    );
    assert.deepEqual(scope.attributes, ["mobilePhone", "onPremisesExtensionAttributes"]);
    assert.deepEqual(scope.namesOf("mobilePhone"), ["mobilePhone", "mobile"]);
    assert.deepEqual(scope.namesOf("onPremisesExtensionAttributes"), [
      "onPremisesExtensionAttributes",
      "extensionAttribute1",
    ]);
  });

  it("are understood of managers, too", () => {
    const scope = compiled({ attribute: "Manager.physicalDeliveryOfficeName", operator: "EQUALS", value: "B2" });
    assert.deepEqual([scope.attributes, scope.readsManagers], [["officeLocation"], true]);
    const report = (managerAttributes?: Attributes): DirectoryRecord =>
      person({}, { manager: "m1", ...(managerAttributes === undefined ? {} : { managerAttributes }) });
    assert.deepEqual(
      scope.decide(report({ officeLocation: "B2" }), () => false),
      {
        in: true,
        reason: "Manager.physicalDeliveryOfficeName is B2",
      },
    );
    const untold = scope.decide(report(), () => false);
    assert.equal(untold.untold, true);
    assert.match(untold.reason, /so Manager\.physicalDeliveryOfficeName cannot be told/);
  });

  it("that nothing stands for are refused with their place", () => {
    const result = compileScope({ filters: [[{ attribute: "netId", operator: "IS NULL" }]] });
    assert.ok("findings" in result);
    assert.match(result.findings[0]?.detail ?? "", /^scope\.filters\[0\]\[0\]\.attribute: netId is Entra's own/);
  });
});
