import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, diagnose, hover } from "./editor.ts";

const ATTRIBUTES = ["givenName", "surname", "mail"];

/** The text with the cursor at `|`, and the first items as they would be put in. */
function offered(marked: string): readonly string[] {
  const offset = marked.indexOf("|");
  const text = marked.replace("|", "");
  const { at, items } = complete(text, offset, ATTRIBUTES);
  return items.slice(0, 3).map(({ insert }) => text.slice(0, at.start) + insert + text.slice(at.end));
}

test("a function's name is completed, those that begin with it first", () => {
  assert.deepEqual(offered("ToL|"), ["ToLower("]);
  assert.equal(offered('Join(" ", norm|')[0], 'Join(" ", NormalizeDiacritics(');
  assert.equal(offered("No|").includes("Now()"), true);
});

test("inside brackets attributes are offered, and what stands there already is replaced", () => {
  assert.deepEqual(offered("ToLower([|"), ["ToLower([givenName]", "ToLower([surname]", "ToLower([mail]"]);
  assert.deepEqual(offered("ToLower([ma|)"), ["ToLower([mail])"]);
  assert.deepEqual(offered("ToLower([ma|xx])"), ["ToLower([mail])"]);
  assert.deepEqual(offered('Join(" ", [givenName], [sur|'), ['Join(" ", [givenName], [surname]']);
});

test("the words that a parameter takes come first, as it is written", () => {
  assert.deepEqual(offered('InStr("a", "b", 1, vbT|'), ['InStr("a", "b", 1, vbTextCompare']);
  assert.equal(offered('InStr("a", "b", 1, |')[0]?.startsWith('InStr("a", "b", 1, vb'), true);
});

test("after a value nothing is offered but what ends or separates it", () => {
  for (const marked of ["[mail]|", '"x" |', "Now() |", '"half a te|']) assert.deepEqual(offered(marked), [], marked);
});

test("every item says what it does", () => {
  const { items } = complete("ToLower", 7, []);
  assert.deepEqual(items[0]?.kind, "function");
  assert.match(items[0]?.detail ?? "", /^ToLower\(source, \[culture\]\)$/);
  assert.notEqual(items[0]?.summary, "");
});

test("the function under the pointer is told with its parameters and an example", () => {
  const told = hover("Append([a], ToUpper([b]))", 14);
  assert.deepEqual([told?.at, told?.title], [{ start: 12, end: 19 }, "ToUpper(source, [culture])"]);
  assert.match(told?.lines.join("\n") ?? "", /source: .*\n[\s\S]*ToUpper\(.*→ /);
});

test("an argument is told by its parameter, also in half-written text", () => {
  assert.equal(hover('Append([a], "x', 13)?.title, "Append: suffix");
  assert.equal(hover('Join("", [a], [b], [c]', 20)?.title.startsWith("Join: source"), true);
  assert.deepEqual(hover("IIF(True, 1, 2)", 5), {
    at: { start: 4, end: 8 },
    title: "True",
    lines: ["The boolean True."],
  });
  for (const [text, offset] of [
    ["Unknown([a])", 2],
    ["Append( [a])", 7],
    ["", 0],
  ] as const)
    assert.equal(hover(text, offset), null);
});

test("faults are told with where they begin and end", () => {
  assert.deepEqual(diagnose('Apend([a], "x")'), [
    { code: "expression_invalid", message: "There is no function Apend; did you mean Append?", start: 0, end: 5 },
  ]);
  assert.deepEqual(diagnose('Append([a], "x")'), []);
});
