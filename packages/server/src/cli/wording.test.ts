import assert from "node:assert/strict";
import { test } from "node:test";
import { ruleInWords } from "./wording.ts";

test("a rule is told in one line, however its expression is written", () => {
  assert.equal(ruleInWords({ direct: "manager.mail" }), "manager.mail");
  assert.equal(ruleInWords({ constant: "Staff" }), "constant Staff");
  const expression = 'Join(" ",\n  [givenName],\r\n  [surname]\n)\n';
  assert.equal(ruleInWords({ expression }), 'Join(" ", [givenName], [surname] )');
});
