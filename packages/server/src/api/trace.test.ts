import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfiguration } from "../config/current.ts";
import { runSync } from "../runs/run.ts";
import { tracePerson } from "../runs/trace-person.ts";
import { NAMES, startTestServer } from "./testing.ts";

test("the trace of a person over HTTP is the engine's own, with every field of it", async (context) => {
  const server = await startTestServer();
  context.after(() => server.close());
  const { engine, store } = server.installation;
  const { signal } = new AbortController();
  const sync = (await loadConfiguration(store)).rows.syncs.get(NAMES.people)?.id ?? "";
  const actor = { kind: "command", id: "test" } as const;
  const client = await server.signIn();

  await runSync(engine, { sync, actor, signal, onProgress: () => undefined });
  const id: string = (await client.get("/api/v1/people?search=e&limit=1")).body.items[0].id;
  for (const query of ["", `?sync=${NAMES.people}`]) {
    const { status, body } = await client.get(`/api/v1/people/${id}/trace${query}`);
    assert.equal(status, 200);
    const [traced] = body.items;
    const expected = await tracePerson(engine, { person: id, sync: query === "" ? null : NAMES.people, signal });
    assert.deepEqual(body.items, JSON.parse(JSON.stringify(expected)));
    assert.equal(traced.id, id);
    assert.ok(traced.syncs[0].fields.length > 15);
    assert.deepEqual(traced.syncs[0].record.state, "created");
  }

  const nobody = await client.get("/api/v1/people/nobody@contoso.com/trace");
  assert.deepEqual([nobody.status, nobody.body.code], [404, "not_found"]);
  const unknown = await client.get(`/api/v1/people/${id}/trace?sync=poeple`);
  assert.deepEqual([unknown.status, unknown.body.code], [404, "not_found"]);
});
