import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SCOPE_OPERATORS, type ScopeOperator } from "../model/sync.ts";
import type { Value } from "../model/value.ts";
import { compileScope } from "./scope.ts";

const PAGE = new URL("../../../../docs/scope.md", import.meta.url);

interface Row {
  readonly operator: ScopeOperator;
  readonly value: string;
  readonly letsIn: readonly Value[];
  readonly leavesOut: readonly Value[];
}

/** The page's table of operators: examples stand in code, as JSON. */
function rows(): readonly Row[] {
  const code = (cell: string): readonly string[] => [...cell.matchAll(/`([^`]*)`/g)].map(([, text = ""]) => text);
  return readFileSync(PAGE, "utf8")
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter(([, operator = ""]) => SCOPE_OPERATORS.some((one) => operator === `\`${one}\``))
    .map(([, operator = "", , value = "", letsIn = "", leavesOut = ""]) => ({
      operator: operator.slice(1, -1) as ScopeOperator,
      value: code(value)[0] ?? "",
      letsIn: code(letsIn).map((text) => JSON.parse(text) as Value),
      leavesOut: code(leavesOut).map((text) => JSON.parse(text) as Value),
    }));
}

test("every operator does what the page about scopes says of it", () => {
  const found = rows();
  assert.deepEqual(new Set(found.map(({ operator }) => operator)), new Set(SCOPE_OPERATORS));
  for (const { operator, value, letsIn, leavesOut } of found) {
    const compiled = compileScope({ filters: [[{ attribute: "x", operator, ...(value === "" ? {} : { value }) }]] });
    if ("findings" in compiled) assert.fail(`${operator}: ${JSON.stringify(compiled.findings)}`);
    const isIn = (x: Value): boolean => {
      const record = { kind: "user", id: "u", attributes: { x }, manager: null, removed: null } as const;
      return compiled.scope.decide(record, () => false).in;
    };
    assert.ok(letsIn.length > 0 && leavesOut.length > 0, operator);
    for (const held of letsIn) assert.equal(isIn(held), true, `${operator} lets ${JSON.stringify(held)} in`);
    for (const held of leavesOut) assert.equal(isIn(held), false, `${operator} leaves ${JSON.stringify(held)} out`);
  }
});
