import assert from "node:assert/strict";
import { test } from "node:test";
import { type Chance, chance, mutate } from "../expression/testing.ts";
import type { DirectoryRecord } from "../model/record.ts";
import { SCOPE_OPERATORS, type Scope, type ScopeClause, type ScopeOperator } from "../model/sync.ts";
import type { Value } from "../model/value.ts";
import { compileScope } from "./scope.ts";

/** A fixed seed, so that a red run means a change of the code; `ENTRAIN_SEED` runs any other one. */
const SEED = Number(process.env.ENTRAIN_SEED ?? 5);
const COUNT = 200_000;

const ATTRIBUTES = [
  ..."department employeeId proxyAddresses accountEnabled employeeHireDate id manager manager.department".split(" "),
  ..."assignedLicenses.skuId businessPhones.0 onPremisesExtensionAttributes.extensionAttribute1 constructor.name".split(
    " ",
  ),
];
const VALUES = [
  ..."Sales|2|514|0|-7|true|2026-02-28|2026-02-30T25:61Z|2026-01-31T08:00:00+01:00|now-30d|ana@contoso.com".split("|"),
  ..."^(a+)+$|[a-c]{2,5}|(?=x)|\\p{Lu}\\w*|(|[|a{1000}{1000}|\\|$.^|\ud83d|İI".split("|"),
  "6f0c2f3e-1111-4222-8333-444455556666",
];

function pickOne<T>(list: readonly T[], pick: Chance): T {
  const found = list[pick(list.length)];
  if (found === undefined) throw new RangeError("a choice among nothing");
  return found;
}

function clause(pick: Chance): ScopeClause {
  const attribute = pick(8) === 0 ? mutate(pickOne(ATTRIBUTES, pick), pick) : pickOne(ATTRIBUTES, pick);
  const operator = pick(50) === 0 ? ("LESS" as ScopeOperator) : pickOne(SCOPE_OPERATORS, pick);
  if (operator.startsWith("IS ") || pick(20) === 0) return { attribute, operator };
  const value = pickOne(VALUES, pick);
  return { attribute, operator, value: pick(3) === 0 ? mutate(value, pick) : value };
}

function some<T>(of: (pick: Chance) => T, most: number, pick: Chance): readonly T[] {
  return Array.from({ length: pick(most + 1) }, () => of(pick));
}

function scope(pick: Chance): Scope {
  const names = (): readonly string[] => some((one) => pickOne(VALUES, one), 2, pick);
  return {
    filters: some((one) => [clause(one), ...some(clause, 2, one)], 3, pick),
    ...(pick(8) === 0 ? { groups: { include: names(), exclude: names(), transitive: true } } : {}),
    ...(pick(8) === 0 ? { people: { include: names(), exclude: names() } } : {}),
    ...(pick(8) === 0 ? { guests: pickOne(["exclude", "only"] as const, pick), peopleOnly: true } : {}),
    ...(pick(8) === 0 ? { licensed: names() } : {}),
  };
}

function value(pick: Chance, depth = 0): Value {
  const kind = pick(depth > 2 ? 5 : 8);
  if (kind < 3) return pickOne(VALUES, pick);
  if (kind < 5) return pickOne<Value>([null, "", true, false, 0, 514, -1.5, 1e300, Number.MAX_SAFE_INTEGER], pick);
  if (kind < 7) return some((one) => value(one, depth + 1), 3, pick);
  return { skuId: value(pick, depth + 1), extensionAttribute1: value(pick, depth + 1) };
}

function record(pick: Chance): DirectoryRecord {
  const names = [...ATTRIBUTES.map((name) => name.split(".")[0] ?? name), "userType", "userPrincipalName", "licences"];
  const attributes = (): DirectoryRecord["attributes"] =>
    Object.fromEntries(names.filter(() => pick(3) > 0).map((name) => [name, value(pick)]));
  const managed = pick(2) === 0 ? { manager: "m", managerAttributes: attributes() } : { manager: null };
  return { kind: "user", id: "u1", attributes: attributes(), ...managed, removed: null };
}

test(`${COUNT} random and mutated scopes end in a decision with a reason, or in findings (seed ${SEED})`, () => {
  const pick = chance(SEED);
  const reached = { refused: 0, in: 0, out: 0 };
  for (let made = 0; made < COUNT; made += 1) {
    const one = scope(pick);
    const compiled = compileScope(one);
    if ("findings" in compiled) {
      reached.refused += 1;
      for (const { detail } of compiled.findings) assert.match(detail, /^scope\.[\w.[\]]+: ./s, JSON.stringify(one));
      continue;
    }
    const of = record(pick);
    const belongsTo = (group: string): boolean => group.length % 2 === 0;
    const decision = compiled.scope.decide(of, belongsTo);
    assert.ok(decision.reason !== "" && !/[\n\r]/.test(decision.reason), JSON.stringify(decision));
    const again = compileScope(JSON.parse(JSON.stringify(one)) as Scope);
    if ("findings" in again) assert.fail(`written and read again it is refused: ${JSON.stringify(one)}`);
    assert.deepEqual(again.scope.decide(of, belongsTo), decision);
    reached[decision.in ? "in" : "out"] += 1;
  }
  for (const count of Object.values(reached)) assert.ok(count > COUNT / 20, JSON.stringify(reached));
});

test("an attribute of a megabyte, a list of 100,000 values and a pattern built to explode take bounded time", () => {
  const asked: readonly ScopeClause[] = SCOPE_OPERATORS.filter((operator) => !operator.startsWith("IS ")).map(
    (operator) => ({
      attribute: "x",
      operator,
      value: operator.startsWith("Greater") || operator.includes("&") ? "7" : "^(a+)+$",
    }),
  );
  const large: readonly Value[] = ["a".repeat(1_000_000), "9".repeat(1_000_000), Array(100_000).fill("aaaaaaaaaa!")];
  for (const one of asked) {
    const compiled = compileScope({ filters: [[one]] });
    if ("findings" in compiled) assert.fail(JSON.stringify(compiled.findings));
    for (const x of large) {
      const { reason } = compiled.scope.decide({ ...record(chance(1)), attributes: { x } }, () => false);
      assert.ok(reason.length < 300, reason.slice(0, 300));
    }
  }
  const compiled = compileScope({
    filters: [[{ attribute: "x", operator: "REGEX MATCH", value: "((a{100}){100}){100}" }]],
  });
  assert.match(
    "findings" in compiled ? (compiled.findings[0]?.detail ?? "") : "",
    /not a pattern that can be searched: it is too large/,
  );
});
