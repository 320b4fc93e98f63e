import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer, type TestServer } from "./api/testing.ts";
import { runSync } from "./runs/run.ts";
import { DAY, testClock } from "./runs/testing/time.ts";

async function runPeople({ installation }: TestServer): Promise<void> {
  const { store, engine } = installation;
  const { id } = await store.db.selectFrom("syncs").select("id").where("name", "=", "people").executeTakeFirstOrThrow();
  const actor = { kind: "system", id: "test" } as const;
  const signal = new AbortController().signal;
  const run = await runSync(engine, { sync: id, actor, signal, onProgress: () => undefined });
  assert.equal(run.error, null);
}

interface View {
  readonly reconcileEveryMs: number;
  readonly reads: readonly { readonly kind: string; readonly reconciled: { readonly at: number } | null }[];
}

test("reads everything again as often as the connection says, and shows what that found", async (context) => {
  const clock = testClock();
  const server = await startTestServer({ clock, simulator: { clock: () => clock.now() } });
  context.after(() => server.close());
  const { store } = server.installation;
  const uses = JSON.stringify({ reconcileMs: 3 * DAY });
  await store.transaction((tx) => tx.updateTable("connections").set({ uses }).execute());
  const shown = async (): Promise<View> => {
    const client = await server.signIn();
    return (await client.get("/api/v1/connections/contoso")).body as unknown as View;
  };
  const reconciled = async () => (await shown()).reads.find(({ kind }) => kind === "user")?.reconciled;
  await runPeople(server);
  assert.deepEqual([(await shown()).reconcileEveryMs, await reconciled()], [3 * DAY, null]);
  clock.advance(DAY);
  await runPeople(server);
  const first = await reconciled();
  assert.deepEqual({ ...first, at: 0 }, { at: 0, added: 0, changed: 0, removed: 0 });
  clock.advance(2 * DAY);
  await runPeople(server);
  assert.deepEqual(await reconciled(), first, "two days after the first one");
  clock.advance(DAY + 1000);
  await runPeople(server);
  assert.ok(((await reconciled())?.at ?? 0) > (first?.at ?? 0) + 3 * DAY);
});
