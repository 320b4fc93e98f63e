import assert from "node:assert/strict";
import { assertHolds, type Claims, type Subject, sorted } from "./subject.ts";

const SIZES = [0, 1, 101, 1_000] as const;

/** What memberships mean, for kinds that have them. */
export const memberClaims: Claims = (kind) =>
  kind.members.length === 0
    ? []
    : [
        { name: "adds and removes members one by one", check: addsAndRemoves },
        { name: "has no further effect when a member is added or removed twice", check: isIdempotent },
        { name: "never removes a member that was not named", check: removesOnlyNamed },
        { name: "leaves attributes to members changes and members to updates", check: keepsApart },
        { name: `holds groups of ${SIZES.join(", ")} members`, check: holdsSizes },
        ...(kind.members.includes(kind.name) ? [{ name: "holds groups as members of groups", check: nests }] : []),
      ];

async function members(subject: Subject, group: string, add: readonly string[], remove: readonly string[] = []) {
  assert.equal(await subject.succeed(subject.change("members", { recordId: group, add, remove })), group);
}

async function assertMembers(subject: Subject, group: string, expected: readonly string[]): Promise<void> {
  const record = await subject.read(group);
  assert.deepEqual(sorted(record.members ?? []), sorted(expected));
}

async function addsAndRemoves(subject: Subject): Promise<void> {
  const [a = "", b = "", c = ""] = await subject.createMany(subject.memberSample(), 500, 3);
  const group = await subject.create(1);
  await members(subject, group, [a]);
  await assertMembers(subject, group, [a]);
  await members(subject, group, [b]);
  await assertMembers(subject, group, [a, b]);
  await members(subject, group, [c], [a]);
  await assertMembers(subject, group, [b, c]);
  await members(subject, group, [], [b, c]);
  await assertMembers(subject, group, []);
  await subject.list();
}

async function isIdempotent(subject: Subject): Promise<void> {
  const [a = "", b = ""] = await subject.createMany(subject.memberSample(), 500, 2);
  const group = await subject.create(1);
  await members(subject, group, [a]);
  await members(subject, group, [a]);
  await assertMembers(subject, group, [a]);
  await members(subject, group, [], [b]);
  await assertMembers(subject, group, [a]);
  await members(subject, group, [], [a]);
  await members(subject, group, [], [a]);
  await assertMembers(subject, group, []);
  await subject.list();
}

async function removesOnlyNamed(subject: Subject): Promise<void> {
  const people = await subject.createMany(subject.memberSample(), 500, 6);
  const [first, second] = [await subject.create(1), await subject.create(2)];
  await members(subject, first, people);
  await members(subject, second, people);
  for (const [index, person] of people.entries()) {
    await members(subject, first, [], [person]);
    await assertMembers(subject, first, people.slice(index + 1));
    await assertMembers(subject, second, people);
  }
}

async function keepsApart(subject: Subject): Promise<void> {
  const { sample } = subject;
  const people = await subject.createMany(subject.memberSample(), 500, 3);
  const group = await subject.create(1);
  await members(subject, group, people);
  assertHolds(await subject.read(group), sample.attributes(1));
  await subject.succeed(subject.change("update", { recordId: group, set: { [sample.text]: "renamed" } }));
  await assertMembers(subject, group, people);
  assertHolds(await subject.read(group), { ...sample.attributes(1), [sample.text]: "renamed" });
}

async function holdsSizes(subject: Subject): Promise<void> {
  const people = await subject.createMany(subject.memberSample(), 500, Math.max(...SIZES));
  for (const [n, size] of SIZES.entries()) {
    const group = await subject.create(n);
    await members(subject, group, people.slice(0, size));
    await assertMembers(subject, group, people.slice(0, size));
    await members(subject, group, [], people.slice(0, Math.floor(size / 2)));
    await assertMembers(subject, group, people.slice(Math.floor(size / 2), size));
  }
  const listed = (await subject.list()).map((record) => record.members?.length ?? -1);
  assert.deepEqual(
    listed.sort((a, b) => a - b),
    SIZES.map((size) => size - Math.floor(size / 2)),
  );
}

async function nests(subject: Subject): Promise<void> {
  const [person = ""] = await subject.createMany(subject.memberSample(), 500, 1);
  const [inner, middle, outer] = [await subject.create(1), await subject.create(2), await subject.create(3)];
  await members(subject, inner, [person]);
  await members(subject, middle, [inner]);
  await members(subject, outer, [middle, person]);
  await assertMembers(subject, inner, [person]);
  await assertMembers(subject, middle, [inner]);
  await assertMembers(subject, outer, [middle, person]);
  await members(subject, outer, [], [middle]);
  await assertMembers(subject, outer, [person]);
  await subject.list();
}
