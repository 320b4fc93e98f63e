import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CsvError, CsvReader, cell, csvLine, shownCell, uncell } from "./format.ts";

function read(pieces: readonly string[], delimiter = ","): readonly (readonly string[])[] {
  const reader = new CsvReader(delimiter);
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

test("reads what RFC 4180 shows", () => {
  assert.deepEqual(read(['aaa,"b\r\nbb","c""c"\r\nzzz,,"",xxx']), [
    ["aaa", "b\r\nbb", 'c"c'],
    ["zzz", "", "", "xxx"],
  ]);
  assert.deepEqual(read(["a,b\nc,d\n"]), [
    ["a", "b"],
    ["c", "d"],
  ]);
  assert.deepEqual(read([""]), []);
  assert.deepEqual(read(['""']), [[""]]);
});

test("refuses damage, with the line that it is in", () => {
  for (const [text, line] of [
    ['a,"b', 1],
    ['x,y\r\na,"b\r\n\r\n', 4],
    ['a,b"c\r\n', 1],
    ['a\r\n"b"c\r\n', 2],
    ["a\rb\r\n", 1],
    ["a,b\r", 1],
  ] as const) {
    assert.throws(
      () => read([text]),
      (thrown) => thrown instanceof CsvError && thrown.message.startsWith(`line ${line}: `),
      JSON.stringify(text),
    );
  }
  assert.throws(() => read(['"', "x".repeat(999_999), "yz"]), /too long/);
});

const nasty = fc.string({
  unit: fc.constantFrom('"', "'", ",", ";", "\t", "\r", "\n", "=", "+", "-", "@", "＝", "a", " ", "é", "🙂", "\u0000"),
});

test("gives back any values whatever, in pieces of any size, with any delimiter", () => {
  const rows = fc.array(fc.array(fc.oneof(nasty, fc.string({ unit: "binary" })), { minLength: 2, maxLength: 4 }));
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom(",", ";", "\t", "|"),
      fc.integer({ min: 1, max: 7 }),
      (values, delimiter, size) => {
        const text = values.map((row) => csvLine(row.map(cell), delimiter)).join("");
        const pieces: string[] = [];
        for (let start = 0; start < text.length; start += size) pieces.push(text.slice(start, start + size));
        assert.deepEqual(
          read(pieces, delimiter).map((row) => row.map(uncell)),
          values,
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

test("lets no part of a cell that people read begin like a formula, whatever cuts it", () => {
  for (const [text, shown] of [
    ["a;=1+1", "a;'=1+1"],
    ['a;=HYPERLINK("http://evil","click");b', `a;'=HYPERLINK("http://evil","click");b`],
    ['a; "=1+1"\t+2|-3\r\n@4;;＝5', `a; "'=1+1"\t'+2|'-3\r\n'@4;;'＝5`],
    ["=1;=2", "'=1;'=2"],
    ["Doe, -1 = a-b; c+d", "Doe, -1 = a-b; c+d"],
  ] as const) {
    assert.equal(shownCell(text), shown);
  }
});

test("lets no cell begin like a formula, wherever a spreadsheet may cut it", () => {
  fc.assert(
    fc.property(nasty, (value) => {
      assert.doesNotMatch(cell(value), /^[=+\-@\t\r\n\0＝＋－＠]/);
      const line = csvLine([cell(value), "x"], ",");
      if (/[,;\t|"]/.test(cell(value))) assert.ok(line.startsWith('"'), "what another delimiter would cut is quoted");
    }),
  );
  for (const formula of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "＝1", "＋1", "－1", "＠x"]) {
    assert.equal(cell(formula), `'${formula}`);
  }
  assert.equal(cell("O'Brien"), "O'Brien");
});
