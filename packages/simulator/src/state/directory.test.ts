import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fill, operate, operation } from "../testing/operations.ts";
import { Directory } from "./directory.ts";
import { type DirectoryObject, isLive } from "./objects.ts";
import type { View } from "./view.ts";

function filled(): Directory {
  return fill(new Directory({ instance: "test", ids: "test", clock: () => 0 }), 6, 4);
}

/** Everything that a reader can see of a view. */
function seen(directory: Directory, view: View): unknown {
  const objects: readonly DirectoryObject[] = [...directory.list("user"), ...directory.list("group")];
  return objects
    .filter((object) => view.isLive(object))
    .map((object) => ({
      id: object.id,
      properties: view.properties(object),
      members: [...view.members(object)],
      memberOf: [...view.memberOf(object)],
      manager: view.manager(object)?.id ?? null,
      reports: [...view.reports(object)],
    }));
}

test("every older version can be seen again exactly as it was", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const directory = filled();
      const history = new Map<number, unknown>([
        [directory.log.head, structuredClone(seen(directory, directory.current))],
      ]);
      for (const one of operations) {
        operate(directory, one);
        history.set(directory.log.head, structuredClone(seen(directory, directory.current)));
      }
      for (const [version, then] of history) assert.deepEqual(seen(directory, directory.asOf(version)), then);
    }),
    { numRuns: 200 },
  );
});

test("references always lead to living objects and agree in both directions", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const directory = filled();
      for (const one of operations) operate(directory, one);
      for (const object of [...directory.list("user"), ...directory.list("group")]) {
        for (const [forward, back] of [
          ["members", "memberOf"],
          ["memberOf", "members"],
        ] as const) {
          for (const ordinal of object[forward]) {
            const other = directory.at(ordinal);
            assert.ok(other !== undefined && isLive(other) && isLive(object));
            assert.ok(other[back].includes(object.ordinal));
          }
        }
        assert.ok(
          object.manager === null || (isLive(object.manager) && object.manager.reports.includes(object.ordinal)),
        );
      }
      const count = directory.list("user").filter(isLive).length;
      assert.equal(directory.count("user"), count);
    }),
    { numRuns: 200 },
  );
});

test("a deleted user frees the user name and gets it back on restoration", () => {
  const directory = filled();
  const user = directory.byId("u1");
  assert.ok(user);
  directory.softDelete(user);
  assert.equal(directory.byUserPrincipalName("u1@contoso.com"), undefined);
  assert.equal(user.properties.userPrincipalName, "u1u1@contoso.com");
  directory.restore(user);
  assert.equal(directory.byUserPrincipalName("U1@contoso.com"), user);
});

test("writing equal values changes nothing and leaves no trace in the log", () => {
  const directory = filled();
  const user = directory.byId("u1");
  assert.ok(user);
  directory.update(user, { businessPhones: ["1"] });
  const { head } = directory.log;
  assert.deepEqual(directory.update(user, { businessPhones: ["1"], city: null, displayName: "User 1" }), []);
  assert.equal(directory.log.head, head);
});

test("refuses two objects with one id or one user name, whatever the case", () => {
  const directory = filled();
  assert.throws(() => directory.place("group", "U1", {}), /id U1/);
  assert.throws(() => directory.place("user", "x", { userPrincipalName: "U2@contoso.com" }), /u2@contoso.com/);
});

test("deleted items go after 30 days and history after 7", () => {
  let now = 1_800_000_000_000;
  const directory = new Directory({ instance: "test", ids: "test", clock: () => now });
  const user = directory.create("user", { userPrincipalName: "a@contoso.com" });
  directory.softDelete(user);
  const day = 24 * 3600 * 1000;
  now += 29 * day;
  directory.expire();
  assert.equal(directory.byId(user.id), user);
  assert.equal(directory.log.floor, directory.log.head);
  now += day;
  directory.expire();
  assert.equal(directory.byId(user.id), undefined);
  assert.equal(directory.log.entry(directory.log.head)?.change.type, "purged");
});
