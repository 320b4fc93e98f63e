import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DirectoryRecord, getterOf } from "./record.ts";

const record: DirectoryRecord = {
  kind: "user",
  id: "u1",
  attributes: { id: "not this", businessPhones: ["+1", "+2"], employeeOrgData: { division: "North" }, mail: null },
  manager: "u2",
  removed: null,
};

describe("reading a source attribute", () => {
  it("takes the object id and the manager from the record itself", () => {
    assert.equal(getterOf("id")(record), "u1");
    assert.deepEqual(getterOf("manager")(record), { $ref: "u2" });
    assert.equal(getterOf("manager")({ ...record, manager: null }), null);
  });

  it("follows dots into objects and lists", () => {
    assert.equal(getterOf("employeeOrgData.division")(record), "North");
    assert.equal(getterOf("businessPhones.1")(record), "+2");
    assert.equal(getterOf("businessPhones.2")(record), null);
  });

  it("tells empty from never read", () => {
    assert.equal(getterOf("mail")(record), null);
    assert.equal(getterOf("mail.x")(record), null);
    assert.equal(getterOf("employeeOrgData.costCenter")(record), null);
    assert.equal(getterOf("jobTitle")(record), undefined);
    assert.equal(getterOf("jobTitle.x")(record), undefined);
  });
});
