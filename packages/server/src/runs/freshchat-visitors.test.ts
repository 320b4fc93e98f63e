import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

for (const emailMatch of ["exact", "folded"] as const) {
  for (const visitors of [499, 501]) {
    test(`a contact in capital letters behind ${visitors} visitors is joined, and not made twice (${emailMatch})`, async () => {
      const users = crowd(3, (at) => ({ givenName: `Given ${at}` }));
      const clock = testClock();
      scene = await openScene({
        clock,
        simulator: { tenant: { users, groups: [] } },
        freshchat: { switches: { emailMatch } },
      });
      const account = scene.freshchat ?? assert.fail("the scene has an account");
      for (let n = 0; n < visitors; n += 1) account.users.create({ first_name: `Visitor ${n}` });
      const email = String(users[0]?.mail);
      account.users.create({ first_name: "Ana", email: email.toUpperCase() });
      account.advance(5_000);
      const contacts = await scene.addSync("contacts", "freshchat", { records: "contact" });
      const run = await scene.run(contacts);
      assert.deepEqual([run.result, run.counts.join, run.counts.create], ["succeeded", 1, 2]);
      const held = account.users.list().filter((one) => one.email?.toLowerCase() === email.toLowerCase());
      assert.equal(held.length, 1);
    });
  }
}
