import assert from "node:assert/strict";
import type { TargetLookups } from "../index.ts";
import { assertHolds, type Claims, recordIdOf, type Subject } from "./subject.ts";

/** What lookups mean, for targets that have them; the sample names an attribute whose lookup may be created. */
export const lookupClaims: Claims = (_kind, { lookup }) =>
  lookup === undefined
    ? []
    : [
        { name: "creates a value of a lookup once, however it is spelled", check: createsOnce },
        { name: "finds values of a lookup by their names alone", check: findsByName },
        { name: "gives records of a lookup by id and leaves out what is absent", check: givesById },
        { name: "holds the id of a lookup's record, and clears it", check: holdsIds },
        { name: "asks a lookup nothing under an aborted signal", check: stops },
      ];

/** The lookup of the sample's attribute, with the few gestures that the claims are made of. */
function lookupOf(subject: Subject): {
  readonly attribute: string;
  readonly lookups: TargetLookups;
  readonly name: string;
  create(...values: readonly string[]): Promise<readonly string[]>;
  find(...values: readonly string[]): Promise<readonly (readonly [string, string])[]>;
} {
  const { target, sample, signal, kind } = subject;
  const attribute = kind.attributes.find((one) => one.name === sample.lookup);
  const { lookups } = target;
  assert.ok(lookups !== undefined, "a target with attributes of type lookup has lookups");
  assert.ok(attribute?.type === "lookup" && attribute.lookup !== undefined, `${sample.lookup} is of type lookup`);
  const name = attribute.lookup;
  const declared = lookups.kinds.find((one) => one.name === name);
  assert.ok(declared?.creates, `values of the lookup ${name} may be created`);
  return {
    attribute: attribute.name,
    lookups,
    name,
    create: async (...values) => (await lookups.create(name, values, signal)).map(recordIdOf),
    find: async (...values) => {
      const found = await lookups.find(name, values, signal);
      return found.map(({ id, value }) => [value, id] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    },
  };
}

async function createsOnce(subject: Subject): Promise<void> {
  const { create, find, lookups, name } = lookupOf(subject);
  assert.deepEqual(await create(), []);
  const [sales = "", legal = ""] = await create("Sales", "Légal & Co");
  assert.notEqual(sales, legal);
  const again = await lookups.create(
    name,
    ["SALES", "Research", "légal & co".normalize("NFD"), "research"],
    subject.signal,
  );
  assert.deepEqual(
    again.map(({ status }) => status),
    ["unchanged", "applied", "unchanged", "unchanged"],
  );
  const [same, research = "", too, twice] = again.map(recordIdOf);
  assert.deepEqual([same, too, twice], [sales, legal, research]);
  assert.deepEqual(await find("sales", "research", "légal & co"), [
    ["Légal & Co", legal],
    ["Research", research],
    ["Sales", sales],
  ]);
}

async function findsByName(subject: Subject): Promise<void> {
  const { create, find } = lookupOf(subject);
  const names = Array.from({ length: 100 }, (_, n) => `Unit ${n}`);
  const ids = await create(...names);
  const found = await find(...names.map((name) => name.toUpperCase()));
  assert.deepEqual(new Map(found), new Map(names.map((name, n) => [name, ids[n]])));
  assert.deepEqual(await find(), []);
  for (const value of ["Unit", "Unit 1 ", "*", "%", "Unit_1", "' or '1'='1", "Unit 1\u0000"]) {
    assert.deepEqual(await find(value), [], `nothing is called ${JSON.stringify(value)}`);
  }
}

async function givesById(subject: Subject): Promise<void> {
  const { create, lookups, name } = lookupOf(subject);
  const [sales = "", legal = ""] = await create("Sales", "Legal");
  const got = await lookups.get(name, [legal, "no-such-id", sales, "a\u0000b"], subject.signal);
  assert.deepEqual(
    new Map(got.map(({ id, value }) => [id, value])),
    new Map([
      [legal, "Legal"],
      [sales, "Sales"],
    ]),
  );
  assert.deepEqual(await lookups.get(name, [], subject.signal), []);
}

async function holdsIds(subject: Subject): Promise<void> {
  const { create, attribute } = lookupOf(subject);
  const [sales = "", legal = ""] = await create("Sales", "Legal");
  const id = await subject.create(1, { [attribute]: sales });
  assertHolds(await subject.read(id), { ...subject.sample.attributes(1), [attribute]: sales });
  for (const value of [legal, null, sales]) {
    await subject.succeed(subject.change("update", { recordId: id, set: { [attribute]: value } }));
    assertHolds(await subject.read(id), { [attribute]: value });
  }
  await subject.list();
}

async function stops(subject: Subject): Promise<void> {
  const { find, lookups, name } = lookupOf(subject);
  const aborted = AbortSignal.abort();
  await assert.rejects(lookups.create(name, ["Sales"], aborted));
  await assert.rejects(lookups.find(name, ["Sales"], aborted));
  await assert.rejects(lookups.get(name, ["1"], aborted));
  assert.deepEqual(await find("Sales"), []);
}
