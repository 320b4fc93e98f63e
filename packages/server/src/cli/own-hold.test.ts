import assert from "node:assert/strict";
import { test } from "node:test";
import { openScene } from "../runs/testing/scene.ts";
import { person } from "../runs/testing/tenant.ts";
import { runProgram } from "./program.ts";
import { surroundings } from "./testing.ts";
import type { Installation } from "./world.ts";

test("a held join of a record with rights of its own says why it waits, and every attribute that it would write", async (context) => {
  const titled = { jobTitle: "Clerk", city: "Porto", givenName: "Bo", surname: "Ss", mobilePhone: "+351 1" };
  const scene = await openScene({ simulator: { tenant: { users: [person("Boss", titled)], groups: [] } } });
  context.after(() => scene.close());
  await scene.addSync("people", "portal", { records: "requester" });
  const { store, engine } = scene;
  const key = { external_id: null, external_id_key: null, mail_key: null, manager: null, updated_at: 0 };
  const attributes = JSON.stringify({ userName: "boss@contoso.com", displayName: "Administrator" });
  const names = { user_name: "boss@contoso.com", user_name_key: "boss@contoso.com", display_name: "Administrator" };
  const admin = { id: "admin", target: "t_portal", ...key, ...names, attributes, active: 1, privileged: 1 };
  await store.transaction((tx) => tx.insertInto("portal_requesters").values(admin).execute());
  const installation = { store, engine, types: new Map(), demo: false, folder: "", close: async () => undefined };
  const said = async (code: number, ...args: readonly string[]): Promise<string> => {
    const { world, out, err } = surroundings({ openInstallation: async () => installation as unknown as Installation });
    assert.equal(await runProgram(args, world), code, err());
    return out();
  };
  const ran = await said(3, "sync", "run", "people");
  const held = (await scene.store.db.selectFrom("plans").select("id").where("state", "=", "held").execute())[0]?.id;
  const after = await store.db
    .selectFrom("plan_changes")
    .select("after")
    .where("plan", "=", held ?? "")
    .execute();
  const values = JSON.parse(after[0]?.after ?? "{}") as { readonly [name: string]: unknown };
  const written = Object.keys(values).filter((name) => name !== "userName" && values[name] !== null);
  assert.ok(written.length > 5, written.join());
  for (const shown of [ran, await said(0, "sync", "held", "people"), await said(0, "plan", "show", held ?? "")]) {
    assert.match(
      shown,
      /^ {10}waits for approval \(privileged_join\): the record that it joins has rights of its own/m,
    );
    for (const name of written) assert.match(shown, new RegExp(`^ {10}${name}: .* → .+$`, "m"));
  }
});
