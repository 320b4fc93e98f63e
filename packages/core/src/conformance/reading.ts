import assert from "node:assert/strict";
import { ConnectorError, type TargetRecord } from "../index.ts";
import { type Claims, type Subject, sorted } from "./subject.ts";

const MANY = 250;

/** What find, get, list and verify answer. */
export const readingClaims: Claims = () => [
  { name: "lists nothing while there is nothing", check: listsNothing },
  { name: `lists ${MANY} records exactly once`, check: listsOnce },
  { name: "finds by several values at once, and nothing by a value that nobody has", check: findsSeveral },
  { name: "compares the case of a matching value only where the attribute says so", check: findsCase },
  { name: "takes no value for a query", check: resistsInjection },
  { name: "gets the records that exist and leaves the others out", check: getsExisting },
  { name: "throws a ConnectorError for an unknown kind or an attribute that cannot be matched", check: throwsUnknown },
  { name: "refuses more than 100 values and more than 100 ids", check: refusesTooMany },
  { name: "verifies by named checks and writes nothing", check: verifies },
  { name: "rejects under an aborted signal without sending anything", check: rejectsAborted },
];

async function listsNothing(subject: Subject): Promise<void> {
  assert.deepEqual(await subject.list(), []);
}

async function listsOnce(subject: Subject): Promise<void> {
  const ids = await subject.createMany(subject.sample, 0, MANY);
  const listed = (await subject.list()).map((record) => record.id);
  assert.equal(listed.length, MANY);
  assert.deepEqual(sorted(listed), sorted(ids));
  const bare: TargetRecord[] = [];
  for await (const page of subject.target.list(subject.kind.name, { members: false }, subject.signal))
    bare.push(...page);
  assert.deepEqual(sorted(bare.map(({ id }) => id)), sorted(ids));
}

async function findsSeveral(subject: Subject): Promise<void> {
  const { matching } = subject.sample;
  const ids = await subject.createMany(subject.sample, 0, 5);
  const value = (n: number): string => String(subject.sample.attributes(n)[matching]);
  assert.deepEqual(
    sorted(await subject.find(matching, value(0), value(3), value(900))),
    sorted([ids[0] ?? "", ids[3] ?? ""]),
  );
  assert.deepEqual(await subject.find(matching, value(900), value(901)), []);
  assert.deepEqual(await subject.find(matching), []);
  assert.deepEqual(await subject.find(matching, value(1), value(1)), [ids[1]], "a value given twice is one hit");
}

async function findsCase(subject: Subject): Promise<void> {
  const id = await subject.create(1);
  for (const name of subject.kind.matchable) {
    const value = subject.sample.attributes(1)[name];
    const attribute = subject.kind.attributes.find((each) => each.name === name);
    assert.ok(attribute, `the matchable ${name} is an attribute`);
    if (typeof value !== "string") continue;
    assert.notEqual(swapCase(value), value, `the sample's ${name} holds letters`);
    assert.deepEqual(await subject.find(name, value), [id], name);
    assert.deepEqual(await subject.find(name, swapCase(value)), attribute.caseExact ? [] : [id], `${name}, other case`);
  }
}

function swapCase(text: string): string {
  const upper = text.toUpperCase();
  return upper === text ? text.toLowerCase() : upper;
}

async function resistsInjection(subject: Subject): Promise<void> {
  const { matching } = subject.sample;
  await subject.createMany(subject.sample, 0, 3);
  const queries = [
    `x" or ${matching} pr or ${matching} eq "x`,
    `x' or '1'='1`,
    `' OR 1=1 --`,
    "*",
    "*)(objectClass=*",
    "%",
    "_%",
    "\\",
    '\\" or 1 eq 1',
    "",
    "a&filter=&count=1000",
    "x\r\nHost: example.org",
  ];
  for (const query of queries) assert.deepEqual(await subject.find(matching, query), [], JSON.stringify(query));
}

async function getsExisting(subject: Subject): Promise<void> {
  const ids = await subject.createMany(subject.sample, 0, 3);
  const [first = "", second = "", third = ""] = ids;
  await subject.succeed(subject.change("delete", { recordId: second }));
  const missing = ["no-such-record", "../../x", "a/b?c=d#e", " "];
  const options = { members: subject.hasMembers };
  const records = await subject.target.get(
    subject.kind.name,
    [third, second, first, ...missing],
    options,
    subject.signal,
  );
  assert.deepEqual(sorted(records.map(({ id }) => id)), sorted([first, third]));
  assert.deepEqual(await subject.target.get(subject.kind.name, [], options, subject.signal), []);
}

async function throwsUnknown(subject: Subject): Promise<void> {
  const { target, signal } = subject;
  const unknown = "no such kind";
  const creation = { ...subject.creation(1), kind: unknown };
  await assert.rejects(firstPage(target.list(unknown, { members: false }, signal)), ConnectorError);
  await assert.rejects(target.find(unknown, subject.sample.matching, ["x"], signal), ConnectorError);
  await assert.rejects(target.get(unknown, ["x"], { members: false }, signal), ConnectorError);
  await assert.rejects(target.find(subject.kind.name, "no such attribute", ["x"], signal), ConnectorError);
  await assert.rejects(target.apply([creation], signal), ConnectorError);
  if (target.batch > 1) await assert.rejects(target.apply([subject.creation(1), creation], signal), ConnectorError);
  assert.deepEqual(await subject.list(), [], "nothing of the batch was carried out");
}

async function refusesTooMany(subject: Subject): Promise<void> {
  const values = Array.from({ length: 101 }, (_, index) => `value-${index}`);
  const { target, kind, sample, signal } = subject;
  await assert.rejects(target.find(kind.name, sample.matching, values, signal));
  await assert.rejects(target.get(kind.name, values, { members: false }, signal));
  assert.deepEqual(await target.find(kind.name, sample.matching, values.slice(1), signal), []);
  assert.deepEqual(await target.get(kind.name, values.slice(1), { members: false }, signal), []);
}

async function verifies(subject: Subject): Promise<void> {
  await subject.create(1);
  const before = await subject.list();
  const checks = await subject.target.verify(subject.signal);
  assert.ok(checks.length > 0, "there are checks");
  for (const { name, ok, detail, fix } of checks) {
    assert.ok(name && detail, "a check has a name and says what was found");
    assert.equal(ok, true, `${name}: ${detail}`);
    assert.equal(fix, null, `${name} needs no mending`);
  }
  assert.deepEqual(await subject.list(), before);
}

async function rejectsAborted(subject: Subject): Promise<void> {
  const { target, kind, sample } = subject;
  const id = await subject.create(1);
  const before = await subject.list();
  const signal = AbortSignal.abort(new Error("stop"));
  await assert.rejects(firstPage(target.list(kind.name, { members: false }, signal)));
  await assert.rejects(target.find(kind.name, sample.matching, ["x"], signal));
  await assert.rejects(target.get(kind.name, [id], { members: false }, signal));
  await assert.rejects(target.verify(signal));
  await assert.rejects(target.apply([subject.creation(2)], signal));
  await assert.rejects(target.apply([subject.change("delete", { recordId: id })], signal));
  assert.deepEqual(await subject.list(), before, "nothing was carried out");
}

async function firstPage(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const _page of pages) return;
}
