import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "./parse.ts";
import { print } from "./print.ts";
import { sameTree } from "./testing.ts";
import type { Tree } from "./tree.ts";

function read(text: string): Tree {
  const answer = parse(text);
  if ("tree" in answer) return answer.tree;
  throw new Error(answer.faults.map(({ message }) => message).join(" "));
}

/** Every fault as `column: message`. */
function faults(text: string): readonly string[] {
  const answer = parse(text);
  return "tree" in answer ? [] : answer.faults.map(({ column, message }) => `${column}: ${message}`);
}

test("a call nests and knows where every part of it stands", () => {
  assert.deepEqual(read('Join("-", [a])'), {
    type: "call",
    name: "Join",
    args: [
      { type: "text", value: "-", at: { start: 5, end: 8 } },
      { type: "attribute", name: "a", at: { start: 10, end: 13 } },
    ],
    at: { start: 0, end: 14 },
  });
});

test("white space and line breaks may stand anywhere outside of texts and names", () => {
  const tree = read("\n SelectUniqueValue\t(\r\n  [ given Name ] ,\u00a0Mid ( [x] , 1\n, 1 ) )\n");
  assert.equal(print(tree), "SelectUniqueValue([given Name], Mid([x], 1, 1))");
});

test("arguments may be left empty between commas, and at the end", () => {
  const tree = read('Replace([mail], "@contoso.com", , ,"", ,)');
  assert.equal(
    tree.type === "call" && tree.args.map(({ type }) => type).join(" "),
    "attribute text empty empty text empty empty",
  );
  assert.equal(print(tree), 'Replace([mail], "@contoso.com", , , "", , )');
  assert.deepEqual(
    [read("Now()"), read("Now( )")].map((now) => now.type === "call" && now.args.length),
    [0, 0],
  );
});

test("in a text a backslash escapes a quote and a backslash, and stands for itself before anything else", () => {
  const values = [
    '"Company: \\"Contoso\\""',
    '"a\\\\b"',
    '"\\+(?<x>\\d)"',
    '"\\\\d"',
    '"\\\\\\[x"',
    '"two\nlines"',
    '""',
  ];
  const texts = values.map((text) => {
    const tree = read(text);
    return tree.type === "text" ? tree.value : null;
  });
  assert.deepEqual(texts, ['Company: "Contoso"', "a\\b", "\\+(?<x>\\d)", "\\d", "\\\\[x", "two\nlines", ""]);
});

test("an attribute's name holds spaces, dots, colons and a filter in brackets", () => {
  const names = [
    "extension Attribute 1",
    "onPremisesExtensionAttributes.extensionAttribute1",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    'emails[type eq "work"].value',
    "Größe (cm)",
  ];
  for (const name of names)
    assert.deepEqual(read(`[${name}]`), { type: "attribute", name, at: { start: 0, end: name.length + 2 } });
});

test("numbers are whole or decimal, negative, or hexadecimal", () => {
  const numbers = ["7", "-7", "0.5", "-12.25", ".5", "&HF7", "&hff", "-0", "0.0000001", "9007199254740991"].map(read);
  const values = numbers.map((tree) => (tree.type === "number" ? tree.value : null));
  assert.deepEqual(values, [7, -7, 0.5, -12.25, 0.5, 247, 255, 0, 0.000_000_1, Number.MAX_SAFE_INTEGER]);
  assert.deepEqual(numbers.map(print), [
    "7",
    "-7",
    "0.5",
    "-12.25",
    "0.5",
    "&HF7",
    "&HFF",
    "0",
    "0.0000001",
    "9007199254740991",
  ]);
});

test("every comparison is read, alone, in arguments and in parentheses", () => {
  for (const operator of ["=", "<>", ">", ">=", "<", "<="]) {
    const tree = read(`IIF([a]${operator}1,"x","y")`);
    assert.equal(print(tree), `IIF([a] ${operator} 1, "x", "y")`);
  }
  assert.equal(print(read('(([a]=1))="True"')), '([a] = 1) = "True"');
});

test("what is printed is read as the same tree, and printed the same again", () => {
  const texts = [
    'Switch([Active], , "1", IIF(DateDiff("d", Now(), CDate([Hire])) > 5, "False", "True"), "0", "False")',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what Replace puts a group in for.
    'Replace([t], , "\\\\+(?<isdCode>\\\\d* )(?<phoneNumber>\\\\d{10})", , "${phoneNumber}", , )',
    "IIF(([a]=[b])=([c]<>-0.25), vbTextCompare, &HFF)",
    '"quote \\" and \\\\ and \\n"',
  ];
  for (const text of texts) {
    const tree = read(text);
    assert.ok(sameTree(read(print(tree)), tree), text);
    assert.equal(print(read(print(tree))), print(tree));
  }
});

test("quotes of another kind are told by what they are", () => {
  assert.deepEqual(faults("Append([a], 'x, y')"), [
    '13: A text stands in straight double quotes ("…"); this is a single quote.',
  ]);
  assert.deepEqual(faults("Append([a], “x”, ‘y’)"), [
    '13: A text stands in straight double quotes ("…"); this is a typographic quote, as web pages and documents have it.',
    '18: A text stands in straight double quotes ("…"); this is a typographic quote, as web pages and documents have it.',
  ]);
});

test("what is missing or too much is told where it is", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["", ["1: The expression is empty."]],
    ["Join(", ['5: This "(" is never closed.']],
    ["Join([a]", ['5: This "(" is never closed.']],
    ["Join([a]))", ['10: This ")" closes nothing.']],
    ["Join([a] [b])", ["10: A comma is missing before [b]."]],
    [
      'Join("say "hi"")',
      ['12: A comma is missing before hi. If the quote before it belongs to the text, write it \\".'],
    ],
    ['Join([a, "x")', ['6: This attribute has no closing "]".']],
    ["Join([], 1)", ["6: The attribute's name is missing between the brackets."]],
    ["ToLower [a]", ['9: After ToLower a "(" is missing, or a comma before [a].']],
    ["IIF([a] = , 1, 2)", ['11: A value is missing after "=".']],
    ["IIF(= 1, 1, 2)", ['5: A value is missing after "(".']],
    ["=ToLower([a])", ['1: An expression begins without "=": leave it out.']],
    [" = Lft([a] [b])", ['2: An expression begins without "=": leave it out.', "12: A comma is missing before [b]."]],
    ["= 1", ['1: An expression begins without "=": leave it out.']],
    ["<> 1", ["1: A value is missing here."]],
    ["IIF([a] = 1 = 2, 1, 2)", ["13: A comparison has two sides; put one of two comparisons in an IIF of its own."]],
    ["[a], [b]", ["4: A comma stands only between the arguments of a function."]],
    ["Left([a]; 2)", ['9: Arguments are separated by commas, not by ";".']],
    ['[a] & "x"', ['5: Texts are joined with Join("", …) or Append; hexadecimal numbers are written &H1F.']],
    ["IIF([a] == 1, 1, 2)", ['9: Equality is tested with a single "=".']],
    ["IIF([a] = 1 And [b] = 2, 1, 2)", ["13: There is no AND: nest one IIF in the other's second value."]],
    ["Left([a], 12x)", ['11: "12x" is no number, such as 5, -5 or 0.5; a text stands in double quotes.']],
    ["BitAnd(&HXY, 1)", ['8: "&HXY" is no hexadecimal number, such as &H1F.']],
    [
      "Left(132539615990000001, 1)",
      ["6: This number has too many digits to be held exactly; write it in double quotes."],
    ],
    ["Left(\u200b[a], 1)", ["6: The invisible character U+200B has no meaning outside of a text."]],
  ];
  for (const [text, told] of cases) assert.deepEqual(faults(text), told, text);
  assert.match(faults('Join("x, [a])')[0] ?? "", /^6: This text has no closing double quote\./);
});

test("several faults are told in one go, in the order in which they stand", () => {
  assert.deepEqual(
    faults("Join([a] [b], , = 1, 'x')").map((one) => one.split(":")[0]),
    ["10", "17", "22"],
  );
});

test("length, depth and the number of arguments are bounded, whatever is inside", () => {
  const code = (text: string): string => {
    const answer = parse(text);
    return "tree" in answer ? "read" : (answer.faults[0]?.code ?? "");
  };
  const nested = (levels: number): string => `${"Not(".repeat(levels)}[a]${")".repeat(levels)}`;
  assert.equal(code(nested(399)), "read");
  for (const levels of [400, 1_000, 2_000, 100_000]) assert.equal(code(nested(levels)), "expression_too_large");
  assert.equal(code("(".repeat(1_000)), "expression_too_large");
  assert.equal(code(`Join("${"x".repeat(9_991)}")`), "read");
  assert.equal(code(`Join("${"x".repeat(9_994)}")`), "expression_too_large");
  assert.equal(code(`Join(${",".repeat(999)})`), "read");
  assert.equal(code(`Join(${",".repeat(1_000)})`), "expression_too_large");
  for (const hard of ["[", "]", '"', "'", "(", ",", "\\", "<", "=", "-"])
    assert.notEqual(code(hard.repeat(9_999)), "read");
});
