import assert from "node:assert/strict";
import { test } from "node:test";
import type { Value } from "../model/value.ts";
import { plainOf } from "./coerce.ts";
import { compileExpression } from "./compile.ts";
import type { EvaluationContext } from "./context.ts";
import type { ExpressionFault } from "./fault.ts";
import { OMITTED } from "./operand.ts";
import { compiled, READ_BY_NAME } from "./testing.ts";

const CREATION = { now: 0, guid: () => "g", random: () => 0 };

function context(
  attributes: { readonly [name: string]: Value },
  more: Partial<EvaluationContext> = {},
): EvaluationContext {
  return { record: { kind: "user", id: "u1", attributes, manager: null, removed: null }, ...more };
}

function given(text: string, attributes: { readonly [name: string]: Value } = {}): Value | undefined {
  const result = compiled(text).evaluate(context(attributes));
  if ("fault" in result) throw result.fault;
  return plainOf(result.value);
}

function faultOf(text: string, attributes: { readonly [name: string]: Value }): ExpressionFault {
  const result = compiled(text).evaluate(context(attributes));
  if ("fault" in result) return result.fault;
  throw new Error(`${text} gives ${JSON.stringify(plainOf(result.value))}`);
}

function faultsOf(text: string): readonly string[] {
  const answer = compileExpression(text, READ_BY_NAME);
  return "faults" in answer ? answer.faults.map(({ column, message }) => `${column}: ${message}`) : [];
}

test("an attribute, a constant and a call each may be the whole", () => {
  assert.equal(given("[mail]", { mail: "a@b" }), "a@b");
  assert.equal(given('"x"'), "x");
  assert.equal(given("-1.5"), -1.5);
  assert.equal(given("True"), true);
  assert.equal(given('Join("-", [a], Mid([b], 1, 1))', { a: "x", b: "yz" }), "x-y");
});

test("an unknown function is told with the one that was probably meant, each of them", () => {
  assert.deepEqual(faultsOf('Jion(" ", ToLowr([a]), Xyzzyx())'), [
    "1: There is no function Jion; did you mean Join?",
    "11: There is no function ToLowr; did you mean ToLower?",
    "24: There is no function Xyzzyx.",
  ]);
  assert.deepEqual(faultsOf("tolower([a])"), [
    "1: There is no function tolower; did you mean ToLower? Upper and lower case count.",
  ]);
  assert.deepEqual(faultsOf("Jion([a] [b], ToLowr(1))"), [
    "1: There is no function Jion; did you mean Join?",
    "10: A comma is missing before [b].",
    "15: There is no function ToLowr; did you mean ToLower?",
  ]);
});

test("a wrong number of arguments is told with the parameters' names", () => {
  assert.deepEqual(faultsOf("Append([a])"), [
    "1: Append(source, suffix) takes 2 arguments, but has 1: suffix missing.",
  ]);
  assert.deepEqual(faultsOf("Now(1)"), ["1: Now() takes no arguments, but has 1."]);
  assert.match(
    faultsOf('Switch([a], "x", "k", "v", "l")')[0] ?? "",
    /key and value together.*the last one has no partner/,
  );
});

test("a text or word that is none of a parameter's is told with those that are", () => {
  assert.deepEqual(faultsOf('DateAdd("D", 1, CDate([a]))'), [
    '9: interval of DateAdd is one of yyyy, m, d, ww, h, n, s, not "D"; did you mean d? Upper and lower case count.',
  ]);
  assert.equal(faultsOf('DateAdd("fortnight", 1, CDate([a]))').length, 1);
});

test("a parameter that must be given may not be left empty", () => {
  assert.deepEqual(faultsOf("Append(, [a])"), ["8: Append needs a value for source here."]);
  assert.equal(given('Switch([a], , "1", "one")', { a: "2" }), null);
});

test("a bare word is a value or one of those that the parameter takes", () => {
  assert.equal(given('InStr("Ab", "B", 1, vbTextCompare)'), 2);
  assert.match(
    faultsOf('InStr("Ab", "B", 1, vbtextcompare)')[0] ?? "",
    /^21: .*did you mean vbTextCompare\? Upper and lower case count\.$/,
  );
  assert.deepEqual(faultsOf("ToLower(mail)"), [
    '9: mail is no value: write [mail] for the attribute, "mail" for the text.',
  ]);
  assert.deepEqual(faultsOf("Now"), ["1: Now is a function: its arguments follow in parentheses, as in Now()."]);
  assert.match(faultsOf("IIF(true, 1, 2)")[0] ?? "", /did you mean True\? Upper and lower case count/);
  assert.match(faultsOf('IIF([a] = 1, "False", IgnoreObjectFlow)')[0] ?? "", /the sync's scope/);
});

test("IgnoreAttributeFlow leaves the attribute as it is, where its value is the result", () => {
  assert.equal(given('IIF([a] = "x", [b], IgnoreAttributeFlow)', { a: "y", b: "z" }), undefined);
  assert.match(faultsOf("ToLower(IgnoreAttributeFlow)")[0] ?? "", /whole result/);
});

test("a function that answers no value for its attribute stands only where its value is the result", () => {
  assert.equal(given('IIF([a] = "x", "y", IgnoreFlowIfNullOrEmpty([b]))', { a: "z", b: "" }), undefined);
  assert.equal(given('Switch([a], IgnoreFlowIfNullOrEmpty([b]), "1", "2")', { a: "z", b: "" }), undefined);
  assert.match(
    faultsOf('Append(IgnoreFlowIfNullOrEmpty([a]), "x")')[0] ?? "",
    /^8: IgnoreFlowIfNullOrEmpty can only stand/,
  );
  assert.match(faultsOf('IIF(IgnoreFlowIfNullOrEmpty([a]) = 1, "x", "y")')[0] ?? "", /^5: /);
  assert.match(
    faultsOf("ToLower(SelectUniqueValue([a], [b]))")[0] ?? "",
    /^9: SelectUniqueValue can only be the outermost/,
  );
});

test("a condition on a source attribute without a value does not hold, unless it asks for just that", () => {
  assert.equal(given('IIF([country] <> "USA", "abroad", "home")', { country: null }), "home");
  assert.equal(given('IIF([country] = [state], "same", "other")', { country: "", state: "" }), "other");
  for (const country of ["", null]) assert.equal(given('IIF([country] = "", "none", "some")', { country }), "none");
  assert.equal(given('IIF([StatusRehire]=1, "again", "new")', { StatusRehire: "1" }), "again");
});

test("an attribute that was never read leaves the target as it is, and is NULL where a record is created", () => {
  const expression = compiled('IIF(IsNull([mail]), "none", [mail])');
  assert.deepEqual(expression.evaluate(context({})), { value: OMITTED });
  assert.deepEqual(expression.evaluate(context({}, { creation: CREATION })), { value: "none" });
  assert.deepEqual(expression.evaluate(context({ mail: null })), { value: "none" });
});

test("only what is needed is evaluated: the branch that is not taken neither fails nor is missed", () => {
  assert.equal(given('IIF([a] = "x", "fine", CDate([b]))', { a: "x", b: "no date" }), "fine");
  assert.equal(given('IIF([a] = "x", "fine", [neverRead])', { a: "x" }), "fine");
});

test("an attribute that the source does not have is told at its place", () => {
  assert.deepEqual(faultsOf('Join(" ", [givenName], [surName])'), ["24: There is no such attribute."]);
});

test("what can never be right is told before any record is seen", () => {
  assert.equal(faultsOf('IIF([a] = "x", Left("abc", "many"), "y")').length, 1);
  assert.equal(faultsOf('CDate("the day after")').length, 1);
  assert.match(faultsOf('IIF("a" > 5, "x", "y")')[0] ?? "", /^5: ">" needs two numbers/);
});

test("it says which attributes it names, and whether it rests on time, chance or secrecy", () => {
  const { attributes, volatile, sensitive, candidates } = compiled('Join("", [b], ToLower([a]), [b])');
  assert.deepEqual([attributes, volatile, sensitive, candidates], [["b", "a"], false, false, null]);
  assert.equal(compiled('Join("", Guid(), "x")').volatile, true);
  assert.equal(compiled("Redact([a])").sensitive, true);
});

test("the candidates of SelectUniqueValue are given in their order", () => {
  const { candidates } = compiled('SelectUniqueValue([a], Append([a], "1"), [b])');
  assert.deepEqual(candidates?.(context({ a: "x", b: "y" }, { creation: CREATION })), ["x", "x1", "y"]);
});

test("a fault names the place, and no value where the value is redacted", () => {
  const fault = faultOf("Append([a], CDate([b]))", { a: "x", b: "hunter2" });
  assert.deepEqual([fault.code, fault.column], ["expression_failed", 19]);
  const redacted = faultOf("Redact(CDate([b]))", { b: "hunter2" });
  assert.equal(redacted.code, "expression_failed");
  assert.doesNotMatch(redacted.message, /hunter2/);
});

test("an exception that is none of the language's is a fault, with the function's name", () => {
  const broken = compileExpression("ToLower([a])", {
    attribute: () => () => {
      throw new TypeError("not wired");
    },
  });
  assert.ok("expression" in broken);
  const result = broken.expression.evaluate(context({}));
  assert.ok("fault" in result);
  assert.deepEqual(
    [result.fault.code, result.fault.message],
    ["expression_failed", "ToLower failed unexpectedly: not wired."],
  );
});

test("a chain of IIF may be as long as the bound of characters lets it be", () => {
  const chain = Array.from({ length: 350 }, (_, at) => at).reduceRight(
    (rest, at) => `IIF([a]="${at}","x${at}",${rest})`,
    '"none"',
  );
  for (const [a, value] of [
    ["0", "x0"],
    ["349", "x349"],
    ["350", "none"],
  ] as const) {
    assert.equal(given(chain, { a }), value);
  }
});

test("values in lists and objects count like any others, however deep they lie", () => {
  let deep: Value = "x";
  for (let level = 0; level < 20_000; level += 1) deep = level % 2 === 0 ? [deep] : { x: deep };
  const long = "x".repeat(262_145);
  for (const text of ["[a]", "Item([a], 1)", "Left(Item([a], 1), 1)", '[a] = "x"']) {
    assert.match(faultOf(text, { a: deep }).message, /^The attribute a nests deeper than 50 levels/, text);
    assert.match(faultOf(text, { a: [[long]] }).message, /^The attribute a is longer than/, text);
    assert.match(faultOf(text, { a: [{ x: long }] }).message, /^The attribute a is longer than/, text);
  }
  assert.equal(given("Item([a], 1)", { a: [["x"]] })?.toString(), "x");
});

test("texts, lists and the work of one evaluation are bounded", () => {
  const long = "x".repeat(262_144);
  assert.equal(given("Left([a], 1)", { a: long }), "x");
  assert.equal(faultOf("Left([a], 1)", { a: `${long}x` }).code, "expression_too_large");
  assert.match(faultOf("Left([a], 1)", { a: "x".repeat(1_000_000) }).message, /^The attribute a is longer than 262144/);
  assert.match(faultOf('Append([a], "x")', { a: long }).message, /^What Append gives is longer/);
  assert.equal(faultOf("Count([a])", { a: Array(10_001).fill("x") }).code, "expression_too_large");
  const many = `Join("", ${Array(500).fill("Left([a], 1)").join(", ")})`;
  assert.match(faultOf(many, { a: long }).message, /^The expression handles more than 4194304 characters/);
  const expression = compiled(`Join("", ${Array(15).fill("Left([a], 1)").join(", ")})`);
  for (let time = 0; time < 3; time += 1) assert.ok("value" in expression.evaluate(context({ a: long })));
});
