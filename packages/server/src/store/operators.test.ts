import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, systemClock } from "../clock.ts";
import { createConsoleLink, endSession, findSession, redeemConsoleLink } from "./operators.ts";
import { eachEngine } from "./testing.ts";

const MINUTE_MS = 60_000;

function clockAt(start: number): { readonly clock: Clock; readonly advance: (ms: number) => void } {
  let now = start;
  return { clock: { ...systemClock, now: () => now }, advance: (ms) => (now += ms) };
}

eachEngine((engine) => {
  describe("a console link", () => {
    it("signs its operator in once, also when it is used many times at once", async () => {
      const store = await engine.open();
      const token = await createConsoleLink(store, { operator: "olga" });
      const answers = await Promise.all(Array.from({ length: 5 }, () => redeemConsoleLink(store, token)));
      const [first, ...others] = answers.filter((answer) => answer !== null);
      assert.equal(others.length, 0);
      assert.equal(first?.session.operator, "olga");
      assert.equal(await redeemConsoleLink(store, token), null);
      assert.equal(await redeemConsoleLink(store, "guess"), null);
      assert.deepEqual(await findSession(store, first?.token ?? ""), first?.session);
    });

    it("is worth nothing after ten minutes", async () => {
      const { clock, advance } = clockAt(1_000_000);
      const store = await engine.open({ clock });
      const [late, inTime] = [
        await createConsoleLink(store, { operator: "olga" }),
        await createConsoleLink(store, { operator: "olga" }),
      ];
      advance(10 * MINUTE_MS - 1);
      assert.notEqual(await redeemConsoleLink(store, inTime), null);
      advance(1);
      assert.equal(await redeemConsoleLink(store, late), null);
    });

    it("and its session are kept as digests only, and cleared away when they are over", async () => {
      const { clock, advance } = clockAt(1_000_000);
      const store = await engine.open({ clock });
      const token = await createConsoleLink(store, { operator: "olga" });
      const signedIn = await redeemConsoleLink(store, token);
      const dump = async (): Promise<string> =>
        JSON.stringify([
          await store.db.selectFrom("console_links").selectAll().execute(),
          await store.db.selectFrom("sessions").selectAll().execute(),
        ]);
      const text = await dump();
      assert.match(text, /olga/);
      assert.ok(signedIn !== null && !text.includes(token) && !text.includes(signedIn.token));
      advance(13 * 60 * MINUTE_MS);
      assert.notEqual(await redeemConsoleLink(store, await createConsoleLink(store, { operator: "bob" })), null);
      assert.doesNotMatch(await dump(), /olga/);
    });
  });

  describe("a session", () => {
    it("ends when it is ended, or after eight hours", async () => {
      const { clock, advance } = clockAt(1_000_000);
      const store = await engine.open({ clock });
      const signIn = async (): Promise<string> => {
        const link = await createConsoleLink(store, { operator: "olga" });
        return (await redeemConsoleLink(store, link))?.token ?? "";
      };
      const [ended, expired] = [await signIn(), await signIn()];
      await endSession(store, ended);
      await endSession(store, "guess");
      assert.equal(await findSession(store, ended), null);
      advance(8 * 60 * MINUTE_MS - 1);
      assert.equal((await findSession(store, expired))?.operator, "olga");
      advance(1);
      assert.equal(await findSession(store, expired), null);
    });
  });
});
