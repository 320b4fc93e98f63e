import assert from "node:assert/strict";
import { test } from "node:test";
import { startClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";
import { Reached } from "./reached.ts";

test("an answer is made once for a version of the directory", () => {
  const reached = new Reached();
  let made = 0;
  const make = (): readonly number[] => [++made];
  assert.deepEqual([reached.at(1, "a", make), reached.at(1, "a", make), reached.at(1, "b", make)], [[1], [1], [2]]);
  assert.deepEqual(reached.at(2, "a", make), [3]);
});

test("the pages of a transitive answer follow what is written between them", async (t) => {
  const tenant = smallTenant(5, {
    [team(1)]: { members: [person(1), team(2)] },
    [team(2)]: { members: [person(2), person(3), person(4), team(1)] },
  });
  const client = await startClient(t, { tenant });
  const first = await client.get(`/groups/${team(1)}/transitiveMembers?$top=2&$select=id`);
  await client.send("DELETE", `/groups/${team(2)}/members/${person(4)}/$ref`);
  const rest = await client.all(String(first.body["@odata.nextLink"]));
  const ids = [...(first.body.value ?? []), ...rest.records].map(({ id }) => id);
  assert.deepEqual(ids.toSorted(), [person(1), person(2), person(3), team(1), team(2)].toSorted());
});
