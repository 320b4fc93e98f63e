import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectorError } from "@entrain/core";
import fc from "fast-check";
import { readEntraSchema } from "./read.ts";
import { fixture, fixtureText, imported, type Json } from "./testing/fixture.ts";

function refusal(text: string): string {
  try {
    readEntraSchema(text, "schema.json");
  } catch (error) {
    if (error instanceof ConnectorError && error.code === "config_invalid") return error.message;
    throw error;
  }
  return assert.fail("it was read");
}

const refused = (value: unknown): string => refusal(JSON.stringify(value));

/** The same with the names of Graph's PowerShell. */
function capitals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(capitals);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [
    name.charAt(0).toUpperCase() + name.slice(1),
    capitals(one),
  ]);
  return Object.fromEntries(entries);
}

describe("the reading of a provisioning schema", () => {
  it("finds it in a template, in a job, behind a byte order mark, and under the names of PowerShell", () => {
    const expected = readEntraSchema(fixtureText(), "schema.json");
    const schema = fixture();
    const forms = [`\uFEFF${fixtureText()}`, JSON.stringify({ id: "customappsso", schema })];
    forms.push(
      JSON.stringify({ value: [{ id: "customappsso", schema }, { id: "other" }] }),
      JSON.stringify(capitals(schema)),
    );
    for (const form of forms) assert.deepEqual(readEntraSchema(form, "schema.json"), expected);
  });

  it("says in one sentence what was given instead", () => {
    assert.match(refusal("{"), /^schema\.json is no JSON; export the provisioning schema as JSON/);
    assert.match(refusal("<html>"), /is a web page or XML/);
    assert.match(refusal(" "), /is empty/);
    assert.match(refused([]), /holds no JSON object/);
    assert.match(
      refused({ error: { code: "Request_ResourceNotFound", message: "x" } }),
      /a refusal of Graph \(Request_/,
    );
    assert.match(refused({}), /holds no synchronizationRules.*jobs\/\{job id\}\/schema\.$/);
    const job = { id: "customappsso.1", templateId: "customappsso", schedule: {} };
    assert.match(refused(job), /a provisioning job without its schema/);
    assert.match(refused({ value: [job] }), /lists the provisioning jobs \(customappsso\.1\)/);
    const template = { id: "t1", schema: fixture() };
    assert.match(refused({ value: [template, { ...template, id: "t2" }] }), /holds 2 schemas \(t1, t2\); keep one/);
    assert.match(refused({ value: [] }), /is a list without a schema/);
    const [rule] = fixture().synchronizationRules as { objectMappings: Json[] }[];
    assert.match(refused(rule), /holds one synchronization rule/);
    assert.match(refused(rule?.objectMappings[0]), /holds one object mapping/);
  });

  it("names the part that is broken, and the way in which PowerShell breaks it", () => {
    const within = (objectMappings: unknown): string => refused({ synchronizationRules: [{ objectMappings }] });
    assert.equal(
      within(["@{name=x}"]),
      "synchronizationRules[0].objectMappings[0] is text where an object belongs; " +
        "PowerShell's ConvertTo-Json cuts off what is nested: add -Depth 20.",
    );
    assert.match(within("System.Object[]"), /objectMappings is text where a list belongs; .*-Depth 20/);
    assert.match(
      within([{ attributeMappings: [null] }]),
      /attributeMappings\[0\] is nothing where an object belongs\.$/,
    );
    assert.match(within([{ attributeMappings: [{ matchingPriority: "1" }] }]), /matchingPriority must be a number/);
    assert.match(within([{ sourceObjectName: 7 }]), /sourceObjectName is 7 where text belongs/);
    assert.match(within(Array(5001).fill({})), /objectMappings has 5001 items/);
    assert.match(within([{ sourceObjectName: "x".repeat(20_001) }]), /sourceObjectName has over 20000 characters/);
    assert.match(
      within([{ scope: { groups: [{ clauses: [7] }] } }]),
      /scope\.groups\[0\]\.clauses\[0\] is 7 where an object/,
    );
  });

  it("answers whatever it is given with a schema or one of its own errors", () => {
    const names = [
      "synchronizationRules",
      "objectMappings",
      "attributeMappings",
      "scope",
      "groups",
      "clauses",
      "source",
    ];
    const more = [
      "sourceObjectName",
      "targetObjectName",
      "targetAttributeName",
      "name",
      "type",
      "values",
      "schema",
      "value",
    ];
    const key = fc.constantFrom(...names, ...more);
    const word = fc.constantFrom("User", "Group", "userName", "Function", "Add", "");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 8 }, fc.jsonValue({ maxDepth: 1 }), word, tie("list"), tie("map")),
      list: fc.array(tie("tree"), { maxLength: 3 }),
      map: fc.dictionary(key, tie("tree"), { maxKeys: 5 }),
    }));
    const rules = fc.array(tree, { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.oneof(
          tree,
          rules.map((synchronizationRules) => ({ synchronizationRules })),
        ),
        (value) => {
          try {
            imported(value);
          } catch (error) {
            assert.ok(error instanceof ConnectorError && error.code === "config_invalid", String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
