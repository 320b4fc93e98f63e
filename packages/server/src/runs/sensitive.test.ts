import assert from "node:assert/strict";
import { test } from "node:test";
import { sensitiveSources, shown, withoutSensitive, withoutSensitiveSources } from "./sensitive.ts";

const refused = (detail: string) => ({ status: "refused", code: "refused_by_target", detail, retry: "later" }) as const;

test("an answer of the target does not repeat a sensitive value, and one that may is not shown at all", () => {
  const said = withoutSensitive(refused("number 4711-X is taken, 4711-X!"), ["4711-X", null]);
  assert.equal(said.detail, "number [sensitive] is taken, [sensitive]!");
  assert.match(withoutSensitive(refused("code 42 is wrong"), [42]).detail ?? "", /is not shown/);
  assert.equal(withoutSensitive(refused("lists too: abcde"), [["abcde", "fghij"]]).detail, "lists too: [sensitive]");
  const plain = refused("nothing of it");
  assert.deepEqual(withoutSensitive(plain, ["4711-X", ""]), plain);
});

test("what stands for a sensitive value says so, and nothing else", () => {
  assert.deepEqual(shown({ a: { $sensitive: "x" }, b: { $ref: "1" }, c: null }), {
    a: "[sensitive]",
    b: { $ref: "1" },
    c: null,
  });
  assert.equal(shown(null), null);
});

test("the source attributes of sensitive values are told by either name, but for who somebody is", () => {
  const mapping = {
    a: { direct: "extensionAttribute1", sensitive: true },
    b: { expression: "Redact(Join([employeeId], [displayName], [telephoneNumber]))" },
    c: { expression: "Redact([city])", sensitive: false },
    d: { direct: "mail" },
  };
  const sources = sensitiveSources({ mapping });
  assert.deepEqual(sources, ["onPremisesExtensionAttributes", "employeeId", "businessPhones", "city"]);
  const attributes = { employeeId: "1", businessPhones: [], mail: "a@x" };
  assert.deepEqual(withoutSensitiveSources(attributes, sources), { ...attributes, employeeId: "[sensitive]" });
});
