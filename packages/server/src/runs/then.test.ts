import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConnectorError, type SyncDefinition } from "@entrain/core";
import { removeEntry } from "../config/remove.ts";
import { eachEngine } from "../store/testing.ts";
import type { ConnectionRow } from "./context.ts";
import { trimHistory } from "./history.ts";
import { journalPage } from "./journal-views.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { group, person } from "./testing/tenant.ts";
import { type TestClock, testClock } from "./testing/time.ts";
import { findGroups, findPeopleAt, membersAt, momentIn, personAt } from "./then.ts";

const DAY = 86_400_000;
const [ana, bo] = [person("Ana", { jobTitle: "Clerk" }), person("Bo")];
const [outer, inner] = [group("Outer"), group("Inner")];
const PAGE = { since: null, until: null, before: null, limit: 100 };

eachEngine((engine) => {
  let scene: Scene;
  let clock: TestClock;
  let connection: ConnectionRow;
  afterEach(async () => await scene.close());

  async function open(): Promise<string> {
    clock = testClock();
    scene = await openScene({
      clock,
      location: await engine.place(),
      simulator: {
        tenant: {
          users: [ana, bo],
          groups: [outer, inner],
          memberships: { [outer.id]: [ana.id], [inner.id]: [bo.id] },
        },
      },
    });
    connection = await scene.store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
    await scene.addSync("people", "portal", { records: "requester" });
    const sync = await scene.addSync("groups", "portal", { records: "group" });
    await scene.run(sync);
    return sync;
  }

  async function names(at: number | null, of: { readonly id: string; readonly transitive?: boolean } = outer) {
    const sequence = await momentIn(scene.store, connection, at);
    const transitive = "transitive" in of && of.transitive === true;
    const found = await membersAt(scene.store, { connection: connection.id, sequence, group: of.id, transitive });
    return found.map(({ displayName }) => displayName).sort();
  }

  const join = (to: { readonly id: string }, who: { readonly id: string }) =>
    scene.graph("POST", `/groups/${to.id}/members/$ref`, {
      "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${who.id}`,
    });

  test("who was in a group on a day is told, whoever came, left and came back since", async () => {
    const sync = await open();
    const first = clock.now();
    clock.advance(DAY);
    await scene.graph("DELETE", `/groups/${outer.id}/members/${ana.id}/$ref`);
    await join(outer, bo);
    await scene.run(sync);
    const second = clock.now();
    clock.advance(DAY);
    await scene.graph("DELETE", `/groups/${outer.id}/members/${bo.id}/$ref`);
    await join(outer, ana);
    await scene.run(sync);
    assert.deepEqual(await names(null), ["Ana"]);
    assert.deepEqual(await names(second), ["Bo"]);
    assert.deepEqual(await names(second + DAY / 2), ["Bo"]);
    assert.deepEqual(await names(first), ["Ana"]);
    await assert.rejects(
      () => names(first - DAY),
      (error) => error instanceof ConnectorError && /is not known: it is remembered since/.test(error.message),
    );
  });

  test("nested groups are told as they were nested, and members who came later are not", async () => {
    const sync = await open();
    clock.advance(DAY);
    const flat = clock.now();
    clock.advance(DAY);
    await join(outer, inner);
    const cy = (await scene.graph("POST", "/users", {
      ...person("Cy"),
      id: undefined,
      passwordProfile: { password: "Not-a-secret-1" },
    })) as { readonly id: string };
    await join(inner, cy);
    await scene.run(sync);
    assert.deepEqual(await names(null, { id: outer.id, transitive: true }), ["Ana", "Bo", "Cy", "Inner"]);
    assert.deepEqual(await names(flat, { id: outer.id, transitive: true }), ["Ana"]);
    assert.deepEqual(await names(flat, inner), ["Bo"]);
  });

  test("a person is told as they were, with their title, groups and whether they were there", async () => {
    const sync = await open();
    clock.advance(DAY);
    const before = clock.now();
    clock.advance(DAY);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Chief", displayName: "Ana Chief" });
    await scene.run(sync);
    const between = clock.now();
    clock.advance(DAY);
    await scene.graph("DELETE", `/users/${ana.id}`);
    await scene.run(sync);
    const at = async (moment: number | null) =>
      await personAt(scene.store, connection, {
        id: ana.id,
        sequence: await momentIn(scene.store, connection, moment),
      });
    const [then, later, now] = [await at(before), await at(between), await at(null)];
    assert.deepEqual([then?.attributes.jobTitle, then?.attributes.displayName, then?.removed], ["Clerk", "Ana", null]);
    assert.deepEqual(
      then?.groups.map(({ displayName }) => displayName),
      ["Outer"],
    );
    assert.deepEqual([later?.attributes.jobTitle, later?.removed], ["Chief", null]);
    assert.equal(now?.removed, "soft");
    const [found] = await findGroups(scene.store, { group: "outer", connection: null });
    assert.equal(found?.id, outer.id);
  });

  test("what was renamed or deleted since is found by its name of then, and by that of now", async () => {
    const sync = await open();
    const first = clock.now();
    clock.advance(DAY);
    await scene.graph("PATCH", `/groups/${outer.id}`, { displayName: "Renamed" });
    await scene.graph("PATCH", `/users/${ana.id}`, { userPrincipalName: "anna@contoso.com" });
    await scene.graph("DELETE", `/users/${bo.id}`);
    await scene.run(sync);
    const second = clock.now();
    const groups = async (name: string, at: number) =>
      (await findGroups(scene.store, { group: name, connection: null, at })).map((one) => [one.id, one.displayName]);
    assert.deepEqual(await groups("OUTER", first), [[outer.id, "Outer"]]);
    assert.deepEqual(await groups("Renamed", first), [[outer.id, "Outer"]]);
    assert.deepEqual(await groups("Renamed", second), [[outer.id, "Renamed"]]);
    assert.deepEqual(await groups("Outer", second), []);
    assert.deepEqual(await groups(ana.id, first), []);
    const people = async (idOrName: string, at: number) =>
      (await findPeopleAt(scene.store, { idOrName, at })).map(({ objectId }) => objectId);
    for (const name of ["ana@contoso.com", "ANNA@contoso.com", ana.id]) {
      assert.deepEqual(await people(name, first), [ana.id], name);
    }
    assert.deepEqual(await people("bo@contoso.com", first), [bo.id]);
    assert.deepEqual(await people("ana@contoso.com", second), []);
  });

  test("a name that one had then and another has now is refused, with both ids", async () => {
    const sync = await open();
    const first = clock.now();
    clock.advance(DAY);
    await scene.graph("PATCH", `/groups/${outer.id}`, { displayName: "Renamed" });
    await scene.graph("PATCH", `/groups/${inner.id}`, { displayName: "Outer" });
    await scene.graph("PATCH", `/users/${ana.id}`, { userPrincipalName: "anna@contoso.com" });
    await scene.run(sync);
    await scene.graph("PATCH", `/users/${bo.id}`, { userPrincipalName: "ana@contoso.com" });
    await scene.run(sync);
    const groups = await findGroups(scene.store, { group: "Outer", connection: null, at: first });
    assert.deepEqual(groups.map(({ id }) => id).sort(), [outer.id, inner.id].sort());
    await assert.rejects(
      () => findPeopleAt(scene.store, { idOrName: "ana@contoso.com", at: first }),
      ({ code, message }: ConnectorError) => code === "usage" && [ana.id, bo.id].every((id) => message.includes(id)),
    );
  });

  test("a value that is marked sensitive later stands in no reason of the journal either", async () => {
    await open();
    const sync = await scene.addSync("desk", "scim", { records: "user" });
    await scene.run(sync);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Chief" });
    await scene.run(sync);
    const told = async () => JSON.stringify(await journalPage(scene.store, { person: ana.id, sync }, PAGE));
    assert.match(await told(), /Clerk → Chief/);
    const { definition } = await scene.store.db
      .selectFrom("syncs")
      .select("definition")
      .where("id", "=", sync)
      .executeTakeFirstOrThrow();
    const { mapping } = JSON.parse(definition) as SyncDefinition;
    await scene.redefine(sync, { mapping: { ...mapping, title: { direct: "jobTitle", sensitive: true } } });
    assert.doesNotMatch(await told(), /Clerk|Chief/);
  });

  test("nothing is remembered of the directory of a connection that was removed", async () => {
    const sync = await open();
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Chief" });
    await scene.graph("DELETE", `/groups/${outer.id}/members/${ana.id}/$ref`);
    await scene.run(sync);
    await scene.store.transaction((tx) =>
      removeEntry(tx, scene.store, "connections", connection.id, {
        force: false,
        actor: { kind: "command", id: "olga" },
      }),
    );
    for (const table of ["record_versions", "edge_versions", "directory_times", "records", "edges"] as const) {
      assert.deepEqual(await scene.store.db.selectFrom(table).selectAll().execute(), [], table);
    }
  });

  test("what was longer ago than is remembered is forgotten, and what stands stays", async () => {
    const sync = await open();
    clock.advance(DAY);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Chief" });
    await scene.graph("DELETE", `/groups/${outer.id}/members/${ana.id}/$ref`);
    await scene.run(sync);
    const kept = clock.now();
    clock.advance(3 * DAY);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Boss" });
    await scene.run(sync);
    const { signal } = new AbortController();
    const trimmed = await trimHistory({ store: scene.store, keepMs: 90 * DAY, keepDirectoryMs: 2 * DAY, signal });
    assert.equal(trimmed.versions, 2);
    const at = async (moment: number) =>
      await personAt(scene.store, connection, {
        id: ana.id,
        sequence: await momentIn(scene.store, connection, moment),
      });
    assert.equal((await at(kept))?.attributes.jobTitle, "Chief");
    assert.deepEqual(await names(null), []);
    await assert.rejects(() => at(kept - DAY / 2), /is not known/);
  });

  test("a full round that says nothing new keeps no versions", async () => {
    const sync = await open();
    await scene.store.transaction(async (tx) => {
      await tx.updateTable("watermarks").set({ token: null, phase: "reading" }).execute();
    });
    await scene.run(sync);
    for (const table of ["record_versions", "edge_versions"] as const) {
      assert.deepEqual(await scene.store.db.selectFrom(table).selectAll().execute(), []);
    }
  });

  test("the journal is a timeline of a person, of a record, and of a run, newest first, page by page", async () => {
    await open();
    const { id: sync } = await scene.store.db
      .selectFrom("syncs")
      .select("id")
      .where("name", "=", "people")
      .executeTakeFirstOrThrow();
    const made = await scene.run(sync);
    clock.advance(DAY);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Chief" });
    const changed = await scene.run(sync);
    const ofAna = await journalPage(scene.store, { person: ana.id }, PAGE);
    assert.deepEqual(
      ofAna.map(({ type, action, run }) => [type, action, run]),
      [
        ["outcome", "update", changed.run],
        ["intent", "update", changed.run],
        ["outcome", "create", made.run],
        ["intent", "create", made.run],
      ],
    );
    const recordId = ofAna[0]?.recordId ?? "";
    const ofRecord = await journalPage(scene.store, { record: { target: "t_portal", id: recordId } }, PAGE);
    assert.deepEqual(ofRecord, ofAna);
    assert.deepEqual(
      (await journalPage(scene.store, { run: changed.run }, PAGE)).map(({ type, objectId }) => [type, objectId]),
      // A day later the full round is repeated, and the journal says so under the same run.
      [
        ["outcome", ana.id],
        ["intent", ana.id],
        ["reconciled", null],
      ],
    );
    const pages = [];
    for (let before = null as typeof PAGE.before; ; ) {
      const page = await journalPage(scene.store, { sync }, { ...PAGE, before, limit: 3 });
      const last = page.at(-1);
      if (last === undefined) break;
      pages.push(...page);
      before = last as never;
    }
    assert.deepEqual(pages, await journalPage(scene.store, { sync }, PAGE));
    const lately = await journalPage(scene.store, { person: ana.id }, { ...PAGE, since: clock.now() - DAY / 2 });
    assert.deepEqual(
      lately.map(({ run }) => run),
      [changed.run, changed.run],
    );
  });
});
