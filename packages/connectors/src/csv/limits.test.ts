import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import type { Attributes, Outcome, Target, TargetChange } from "@entrain/core";
import { targetConformance } from "@entrain/core/conformance";
import { type CsvTargetOptions, createCsvTarget } from "./index.ts";

const signal = new AbortController().signal;
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const COLUMNS: CsvTargetOptions["columns"] = {
  user: [
    "costCenter",
    { name: "department", maxLength: 9, choices: ["Sales", "Legal"] },
    { name: "badge", required: true, unique: true, maxLength: 40 },
  ],
};

function counting(): CsvTargetOptions["clock"] {
  let next = 0;
  return {
    bytes: (count) => {
      const bytes = new Uint8Array(count);
      new DataView(bytes.buffer).setUint32(0, ++next);
      return bytes;
    },
  };
}

async function open(columns: CsvTargetOptions["columns"] = COLUMNS): Promise<Target> {
  const path = await mkdtemp(join(tmpdir(), "entrain-csv-limits-"));
  folders.push(path);
  return createCsvTarget({ path, clock: counting(), ...(columns && { columns }) });
}

const change = (action: TargetChange["action"], recordId: string | null, set: Attributes): TargetChange => ({
  ...{ ordinal: 0, kind: "user", action, recordId, set },
});
const create = (set: Attributes): TargetChange => change("create", null, set);
const inShort = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.map((one) => ("code" in one ? `${one.code}: ${one.detail}` : one.status));

targetConformance({
  name: "csv with limits",
  open: async () => {
    const path = await mkdtemp(join(tmpdir(), "entrain-csv-limits-"));
    const target = createCsvTarget({ path, clock: counting(), columns: COLUMNS ?? {} });
    return { target, close: async () => await rm(path, { recursive: true }) };
  },
  kinds: [
    {
      kind: "user",
      attributes: (n) => ({
        ...{ externalId: `Key-${n}`, badge: `Badge-${n}`, department: "Sales", jobTitle: `Title ${n}` },
        ...{ userPrincipalName: `Ada.${n}@example.org`, mail: `Mail.${n}@example.org`, employeeId: `E${n}` },
      }),
      text: "jobTitle",
      matching: "userPrincipalName",
      reference: "manager",
    },
  ],
});

test("declares what the settings say of a column, standard ones included", async () => {
  const [user] = (await open()).kinds;
  const limits = user?.attributes.filter(({ name }) => ["externalId", "department", "badge"].includes(name));
  assert.deepEqual(limits, [
    { name: "externalId", type: "string", required: true, unique: true, caseExact: true },
    { name: "department", type: "string", maxLength: 9, choices: ["Sales", "Legal"] },
    { name: "badge", type: "string", required: true, unique: true, maxLength: 40 },
  ]);
});

test("refuses what a column does not take, record by record", async () => {
  const target = await open();
  const outcomes = await target.apply(
    [
      create({ externalId: "a", badge: "A1", department: "Sales" }),
      create({ externalId: "b" }),
      create({ externalId: "c", badge: "a1" }),
      create({ externalId: "d", badge: "D1", department: "Kitchen" }),
      create({ externalId: "e", badge: "x".repeat(41) }),
      create({ externalId: "f", badge: "😀".repeat(40) }),
    ],
    signal,
  );
  const [first] = outcomes;
  const id = first !== undefined && "recordId" in first ? first.recordId : assert.fail("nothing was created");
  assert.deepEqual(inShort(outcomes), [
    "applied",
    "value_missing: A user needs a value for badge.",
    `exists: The user ${id} has the same badge.`,
    "value_invalid: A user takes none but Sales, Legal for department.",
    "value_invalid: A user takes at most 40 characters for badge.",
    "applied",
  ]);
  assert.deepEqual(inShort(await target.apply([change("update", id, { badge: null })], signal)), [
    "value_missing: A user needs a value for badge.",
  ]);
});

test("a value that one change gives up is free for the next of the same batch", async () => {
  const target = await open();
  const [first] = await target.apply([create({ externalId: "a", badge: "A1" })], signal);
  const id = first !== undefined && "recordId" in first ? first.recordId : assert.fail("nothing was created");
  const changes = [change("update", id, { badge: "A2" }), create({ externalId: "b", badge: "A1" })];
  assert.deepEqual(inShort(await target.apply(changes, signal)), ["applied", "applied"]);
});

for (const [what, columns, message] of [
  ["a column twice", ["floor", { name: "floor", maxLength: 3 }], /floor stands there twice/],
  ["a standard column by its name alone", ["department"], /department is a standard column and says no limits/],
  ["limits for the manager", [{ name: "manager", required: true }], /manager is a reference/],
  ["a choice that is too long", [{ name: "floor", maxLength: 1, choices: ["12"] }], /a choice of more than 1 char/],
] satisfies readonly (readonly [string, NonNullable<CsvTargetOptions["columns"]>["user"], RegExp])[]) {
  test(`refuses ${what}`, () => {
    const options = { path: ".", clock: counting(), columns: { user: columns } };
    assert.throws(() => createCsvTarget(options), message);
  });
}
