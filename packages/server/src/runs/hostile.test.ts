import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Source } from "@entrain/core";
import { eachEngine } from "../store/testing.ts";
import type { Engine } from "./context.ts";
import { runSync } from "./run.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

const USERS = crowd(12);
const [someone] = USERS;

eachEngine((engine) => {
  let scene: Scene;
  afterEach(() => scene.close());

  async function open(users: readonly object[] = USERS): Promise<string> {
    const tenant = { users, groups: [] } as NonNullable<
      NonNullable<Parameters<typeof openScene>[0]>["simulator"]
    >["tenant"];
    scene = await openScene({ clock: testClock(), location: await engine.place(), simulator: { tenant } });
    return await scene.addSync("people", "portal", { records: "requester" });
  }

  const namesInPortal = async (): Promise<readonly string[]> => {
    const rows = await scene.store.db.selectFrom("portal_requesters").select("display_name").execute();
    return rows.map(({ display_name }) => String(display_name));
  };

  for (const [what, displayName, detail] of [
    ["the character U+0000", "Nul\u0000l", /^displayName: holds the character U\+0000/],
    ["half of a surrogate pair", "Half \ud83d smile", /^displayName: holds half a character/],
  ] as const) {
    test(`a name with ${what} is an issue of its record alone, until it is mended`, async () => {
      const sync = await open([{ ...someone, displayName }, ...USERS.slice(1)]);
      const run = await scene.run(sync);
      assert.deepEqual([run.result, run.counts.create, run.failed], ["partial", USERS.length - 1, 1]);
      const [issue] = await scene.store.db.selectFrom("plan_issues").selectAll().execute();
      assert.deepEqual([issue?.code, issue?.object_id], ["value_invalid", someone?.id]);
      assert.match(issue?.detail ?? "", detail);
      await scene.graph("PATCH", `/users/${someone?.id}`, { displayName: "Mended" });
      const mended = await scene.run(sync);
      assert.deepEqual([mended.result, mended.counts.create], ["succeeded", 1]);
    });
  }

  test("a page that holds people twice loses nobody and doubles nobody; the later form counts", async () => {
    const sync = await open();
    const openSource: Engine["openSource"] = async (connection, onWait) => {
      const source = await scene.engine.openSource(connection, onWait);
      return { ...source, read: (...given) => doubled(source.read(...given)) };
    };
    const { signal } = new AbortController();
    const actor = { kind: "system", id: "test" } as const;
    const run = await runSync({ ...scene.engine, openSource }, { sync, actor, signal, onProgress: () => undefined });
    assert.deepEqual([run.result, run.counts.create], ["succeeded", USERS.length]);
    assert.deepEqual((await namesInPortal()).toSorted(), USERS.map(({ displayName }) => displayName).toSorted());
  });
});

/** Each page holds its records a second time; the first form of each is an older one. */
async function* doubled(pages: ReturnType<Source["read"]>): ReturnType<Source["read"]> & AsyncGenerator {
  for await (const page of pages) {
    const older = page.records.map((record) => ({
      ...record,
      attributes: { ...record.attributes, displayName: "Older" },
    }));
    yield { ...page, records: [...older, ...page.records] };
  }
}
