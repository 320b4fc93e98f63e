import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attributes, Outcome, TargetChange, TargetRecord } from "@entrain/core";
import { type KindSample, targetConformance } from "@entrain/core/conformance";
import { sql } from "kysely";
import { awaitedValues, replaceLookupWaits, waitingFor } from "../store/lookup-waits.ts";
import type { Store } from "../store/store.ts";
import { eachEngine, type TestEngine } from "../store/testing.ts";
import { addPortalValues, portalValues } from "./lookups.ts";
import { createPortalTarget, type PortalTarget } from "./target.ts";

const signal = new AbortController().signal;

const requester: KindSample = {
  kind: "requester",
  attributes: (n) => ({
    userName: `person${n}@example.com`,
    externalId: `Person-${n}-a`,
    mail: `mail${n}@example.com`,
    displayName: `Person ${n}`,
    jobTitle: "Engineer",
    businessPhones: [`+41 44 ${n}`, "+41 79 1"],
  }),
  text: "jobTitle",
  matching: "userName",
  matchingText: "mail",
  reference: "manager",
};

const group: KindSample = {
  kind: "group",
  attributes: (n) => ({ externalId: `Group-${n}-a`, displayName: `Group number ${n}`, description: "All of us" }),
  text: "description",
  matching: "externalId",
  matchingText: "displayName",
};

/** Past the target: plain rows, plain JSON. */
async function independentRead(store: Store, kind: string): Promise<readonly TargetRecord[]> {
  const target = "t_1";
  if (kind === "requester") {
    const rows = await store.db.selectFrom("portal_requesters").selectAll().where("target", "=", target).execute();
    return rows.map((row) => ({
      kind,
      id: row.id,
      attributes: { ...JSON.parse(row.attributes), ...(row.manager !== null && { manager: row.manager }) },
      active: row.active === 1,
    }));
  }
  const rows = await store.db.selectFrom("portal_groups").selectAll().where("target", "=", target).execute();
  const members = await store.db.selectFrom("portal_members").selectAll().where("target", "=", target).execute();
  return rows.map((row) => ({
    kind,
    id: row.id,
    attributes: JSON.parse(row.attributes),
    active: true,
    members: members.filter((each) => each.group_id === row.id).map((each) => each.member_id),
  }));
}

const create = (set: Attributes, kind = "requester"): TargetChange => ({
  ordinal: 1,
  kind,
  action: "create",
  recordId: null,
  set,
});
const update = (recordId: string, set: Attributes): TargetChange => ({
  ordinal: 1,
  kind: "requester",
  action: "update",
  recordId,
  set,
});
const remove = (recordId: string): TargetChange => ({
  ordinal: 1,
  kind: "requester",
  action: "delete",
  recordId,
  set: {},
});

function idOf(outcome: Outcome | undefined): string {
  assert.ok(outcome !== undefined && "recordId" in outcome, JSON.stringify(outcome));
  return outcome.recordId;
}

const told = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.map((outcome) => ("code" in outcome ? `${outcome.status} ${outcome.code}` : outcome.status));

async function open(engine: TestEngine): Promise<{ readonly store: Store; readonly portal: PortalTarget }> {
  const store = await engine.open();
  return { store, portal: createPortalTarget(store, "t_1") };
}

eachEngine((engine) => {
  targetConformance({
    name: `the portal on ${engine.name}`,
    open: async () => {
      const { store, portal } = await open(engine);
      return {
        target: portal,
        close: async () => {},
        independentRead: (kind) => independentRead(store, kind),
      };
    },
    kinds: [requester, group],
  });

  targetConformance({
    name: `the portal with departments and locations on ${engine.name}`,
    open: async () => {
      const store = await engine.open();
      const portal = createPortalTarget(store, "t_1", { departments: "create", locations: "create" });
      return { target: portal, close: async () => {}, independentRead: (kind) => independentRead(store, kind) };
    },
    kinds: [{ ...requester, lookup: "department" }, group],
  });

  describe("the portal's lookups", () => {
    it("are none as long as the settings ask for none", async () => {
      const { portal } = await open(engine);
      assert.deepEqual(portal.lookups?.kinds, []);
      assert.ok(portal.kinds.every(({ attributes }) => attributes.every(({ type }) => type !== "lookup")));
    });

    it("create nothing where only known values are written, and hold a value in each portal by itself", async () => {
      const store = await engine.open();
      const settings = { departments: "known", locations: "create" } as const;
      const portal = createPortalTarget(store, "t_1", settings);
      const { lookups } = portal;
      assert.ok(lookups !== undefined);
      assert.deepEqual(lookups.kinds, [
        { name: "department", creates: false },
        { name: "location", creates: true },
      ]);
      assert.deepEqual(told(await lookups.create("department", ["Sales"], signal)), ["refused request_refused"]);
      const actor = { kind: "operator", id: "ada" };
      const of = { target: "t_1", lookup: "department" };
      const added = await addPortalValues(store, of, { values: ["Sales", "Legal", "sales"], actor });
      assert.deepEqual(told(added), ["applied", "applied", "unchanged"]);
      const held = await portalValues(store, of, { after: "", limit: 5 });
      assert.deepEqual(held.map(({ value }) => value).sort(), ["Legal", "Sales"]);
      const journal = await store.db.selectFrom("journal").select(["actor_id", "action", "object_id"]).execute();
      assert.deepEqual(journal, [{ actor_id: "ada", action: "values", object_id: "t_1" }]);
      assert.deepEqual(told(await lookups.create("location", ["Zürich", "x".repeat(500), "a\0b"], signal)), [
        "applied",
        "refused value_invalid",
        "refused value_invalid",
      ]);
      const other = createPortalTarget(store, "t_2", settings);
      assert.deepEqual(await other.lookups?.find("location", ["zürich"], signal), []);
      assert.deepEqual(await lookups.find("department", ["Zürich"], signal), []);
    });

    it("refuse a requester whose department leads nowhere", async () => {
      const store = await engine.open();
      const portal = createPortalTarget(store, "t_1", { departments: "known" });
      const outcomes = await portal.apply([create({ userName: "a", department: "no-such-id" })], signal);
      assert.deepEqual(told(outcomes), ["refused reference_waiting"]);
    });

    it("keep who waits for a value until it is there, value by value", async () => {
      const store = await engine.open();
      const wait = (object_id: string, value: string) => {
        const key = value.toLowerCase();
        return { sync: "s", object_id, attribute: "department", lookup: "department", key, value, name: object_id };
      };
      const waits = [wait("u1", "Sales"), wait("u2", "SALES"), wait("u3", "Legal")];
      await store.transaction((tx) => replaceLookupWaits(store, tx, { sync: "s", ids: ["u1", "u2", "u3"], waits }));
      await store.transaction((tx) => replaceLookupWaits(store, tx, { sync: "s", ids: ["u3"], waits: [] }));
      assert.deepEqual(await awaitedValues(store.db, "s", { after: null, limit: 5 }), [
        { lookup: "department", key: "sales", value: "SALES", count: 2 },
      ]);
      const of = { sync: "s", lookup: "department", key: "sales" };
      assert.deepEqual(await waitingFor(store.db, of, { after: "u1", limit: 5 }), [{ objectId: "u2", name: "u2" }]);
    });
  });

  describe("the portal", () => {
    it("moves a unique value from one record to another within a batch, in the batch's order", async () => {
      const { portal } = await open(engine);
      const [a, b] = (await portal.apply([create({ userName: "a" }), create({ userName: "b" })], signal)).map(idOf);
      assert.ok(a !== undefined && b !== undefined);
      const outcomes = await portal.apply(
        [
          update(b, { userName: "A" }),
          update(a, { userName: "c" }),
          update(b, { userName: "A" }),
          remove(a),
          create({ userName: "C" }),
        ],
        signal,
      );
      assert.deepEqual(told(outcomes), ["refused exists", "applied", "applied", "applied", "applied"]);
      const found = await portal.find("requester", "userName", ["a", "b", "c"], signal);
      assert.deepEqual(
        new Map(found.map((each) => [each.id, each.attributes.userName])),
        new Map([
          [b, "A"],
          [idOf(outcomes[4]), "C"],
        ]),
      );
    });

    it("keeps the outcome of one transaction with everything else in it", async () => {
      const { store, portal } = await open(engine);
      const half = store.transaction(async (tx) => {
        assert.deepEqual(told(await portal.applyIn(tx, [create({ userName: "a" })])), ["applied"]);
        throw new Error("the process dies here");
      });
      await assert.rejects(half, /dies here/);
      assert.deepEqual(await portal.find("requester", "userName", ["a"], signal), []);
    });

    it("refuses what it cannot hold, record by record, and says what", async () => {
      const { portal } = await open(engine);
      const outcomes = await portal.apply(
        [
          create({ displayName: "No name" }),
          create({ userName: "nul", displayName: "a\0b" }),
          create({ userName: "odd", favouriteColour: "green" }),
          create({ userName: "number", jobTitle: 7 }),
          create({ userName: "phones", businessPhones: "1" }),
          create({ userName: "boss", manager: "req_absent" }),
          create({ userName: "fine" }),
          create({ externalId: "g" }, "group"),
        ],
        signal,
      );
      assert.deepEqual(told(outcomes), [
        "refused value_missing",
        "refused value_invalid",
        "refused value_invalid",
        "refused value_invalid",
        "refused value_invalid",
        "refused reference_waiting",
        "applied",
        "refused value_missing",
      ]);
    });

    it("clears references to a deleted manager and its memberships", async () => {
      const { store, portal } = await open(engine);
      const [boss = ""] = (await portal.apply([create({ userName: "boss" })], signal)).map(idOf);
      const [person = "", team = ""] = (
        await portal.apply([create({ userName: "p", manager: boss }), create({ displayName: "T" }, "group")], signal)
      ).map(idOf);
      await portal.apply(
        [{ ordinal: 1, kind: "group", action: "members", recordId: team, set: {}, add: [boss, person] }],
        signal,
      );
      await portal.apply([update(person, { jobTitle: "x" }), remove(boss)], signal);
      const [record] = await portal.get("requester", [person], { members: false }, signal);
      assert.deepEqual(record?.attributes, { userName: "p", jobTitle: "x" });
      const [left] = await portal.get("group", [team], { members: true }, signal);
      assert.deepEqual(left?.members, [person]);
      assert.deepEqual(await independentRead(store, "requester"), [record]);
    });

    it("keeps targets apart, tells who is privileged, and finds values of any length", async () => {
      const { store, portal } = await open(engine);
      const long = `Long-${"ß".repeat(3_000)}`;
      const id = idOf((await portal.apply([create({ userName: long })], signal))[0]);
      const other = createPortalTarget(store, "t_2");
      assert.deepEqual(told(await other.apply([create({ userName: long })], signal)), ["applied"]);
      assert.deepEqual(told(await portal.apply([create({ userName: long.toUpperCase() })], signal)), [
        "refused exists",
      ]);
      await store.transaction((tx) => sql`update portal_requesters set privileged = 1 where id = ${id}`.execute(tx));
      const found = await portal.find("requester", "userName", [long.toLowerCase(), "\0"], signal);
      assert.deepEqual(
        found.map((record) => [record.id, record.privileged]),
        [[id, true]],
      );
      assert.deepEqual(told(await portal.apply([update(id, { displayName: "x" })], signal)), ["applied"]);
      assert.equal((await portal.get("requester", [id], { members: false }, signal))[0]?.privileged, true);
    });

    it("takes two writers at once without an error", async () => {
      const { portal } = await open(engine);
      const names = Array.from({ length: 50 }, (_, i) => create({ userName: `person ${i}` }));
      const [first = [], second = []] = await Promise.all([
        portal.apply(names, signal),
        portal.apply(names.toReversed(), signal),
      ]);
      assert.equal([...first, ...second].filter((outcome) => outcome.status === "applied").length, 50);
    });
  });
});
