import assert from "node:assert/strict";
import { assertHolds, type Claims, type Subject } from "./subject.ts";

/** Values that have broken systems of this kind, each with the reason why it stands here. */
const VALUES: { readonly [why: string]: string } = {
  "an apostrophe": "O'Brien",
  "quotes and backslashes": 'O\'Brien "Q" \\',
  "an escaped quote": 'a\\"b\\\\"',
  diacritics: "Zoë Łukasz Ångström Ğül",
  "combining marks": "Zoe\u0308 A\u030angstro\u0308m",
  "Chinese and Japanese": "山田 太郎 李小龍",
  "right to left": "محمد عبد الله שָׁלוֹם",
  "an emoji of several code points": "👩‍👩‍👧‍👦 🇨🇭",
  "leading and trailing spaces": "  padded  ",
  "a formula": "=1+1",
  "a formula behind a quote": "'=1+1",
  "a formula with a plus": "+41 44 123 45 67",
  "a formula with a minus": "-2+3",
  "a formula with an at sign": '@SUM(A1:A9)|cmd"',
  "full-width formulas": "＝1＋1 － ＠",
  "a tab in front": "\t=1+1",
  "line breaks": "first\nsecond\r\nthird\rfourth",
  "separators of lists": "a,b;c|d\te",
  "markup and templates": "<b>&amp;</b> {{x}} {0} %s",
  "path separators": "../../etc/passwd%2F..",
  "only quotes": '""',
  "a word that means nothing": "null",
  "a word that means a truth": "False",
  "a number with zeros in front": "000123",
  "a very long value": "xé".repeat(2_000),
};

/** What happens to values on the way there and back. */
export const valueClaims: Claims = (_kind, sample) => [
  { name: "gives back every text exactly as it was set", check: keepsText },
  { name: "keeps texts apart when many records hold them", check: keepsApart },
  ...(sample.matchingText === undefined ? [] : [{ name: "finds records by hostile values exactly", check: findsText }]),
];

async function keepsText(subject: Subject): Promise<void> {
  const { text } = subject.sample;
  const id = await subject.create(1);
  for (const [why, value] of Object.entries(VALUES)) {
    await subject.succeed(subject.change("update", { recordId: id, set: { [text]: value } }));
    assert.equal((await subject.read(id)).attributes[text], value, why);
  }
}

async function keepsApart(subject: Subject): Promise<void> {
  const { text } = subject.sample;
  const values = Object.values(VALUES);
  const outcomes = await subject.apply(...values.map((value, n) => subject.creation(n, { [text]: value })));
  const ids = outcomes.map((outcome) => ("recordId" in outcome ? outcome.recordId : outcome.detail));
  const listed = new Map((await subject.list()).map((record) => [record.id, record]));
  for (const [n, value] of values.entries()) {
    const record = listed.get(ids[n] ?? "");
    assert.ok(record, `the record with ${JSON.stringify(value)} is listed`);
    assertHolds(record, { ...subject.sample.attributes(n), [text]: value });
  }
}

async function findsText(subject: Subject): Promise<void> {
  const attribute = subject.sample.matchingText;
  assert.ok(attribute !== undefined);
  const values = Object.values(VALUES).filter((value) => value.trim() === value && value.length < 200);
  const ids: string[] = [];
  for (const [n, value] of values.entries()) ids.push(await subject.create(n, { [attribute]: `${value}#${n}` }));
  for (const [n, value] of values.entries()) {
    assert.deepEqual(await subject.find(attribute, `${value}#${n}`), [ids[n]], `found by ${JSON.stringify(value)}`);
  }
}
