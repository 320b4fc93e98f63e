import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { SourcePage } from "@entrain/core";
import { type Simulator, type SimulatorOptions, startSimulator } from "@entrain/simulator";
import { type FakeTenant, graphCalls, readAll, rigFor, sourceOf, startTenant } from "./testing.ts";

const ROLES = ["User.Read.All", "GroupMember.Read.All", "OrgContact.Read.All"];
const closing: { close(): Promise<void> }[] = [];
after(() => Promise.all(closing.map((one) => one.close())));

async function simulated(options: SimulatorOptions = {}) {
  const simulator: Simulator = await startSimulator({
    people: 12,
    groups: 3,
    contacts: 30,
    seed: 5,
    throttle: "off",
    roles: ROLES,
    ...options,
  });
  const source = sourceOf(simulator);
  closing.push(source, simulator);
  return { simulator, source };
}

function marked(pages: readonly SourcePage[]) {
  const last = pages.at(-1);
  assert.ok(last !== undefined);
  return last.watermark;
}

test("reads all contacts whole, then follows what is made, changed and removed by delta", async () => {
  const { simulator, source } = await simulated();
  const { contacts } = simulator;
  const pages = await readAll(source, "contact");
  const records = pages.flatMap((page) => page.records);
  assert.equal(records.length, 30);
  assert.deepEqual([pages[0]?.begins, pages[0]?.round, pages[0]?.expected], [true, "full", 30]);
  const [first] = records;
  assert.ok(first !== undefined);
  assert.deepEqual([first.kind, first.form], ["contact", "whole"]);
  assert.equal(typeof first.attributes.mail, "string");
  assert.ok(Array.isArray(first.attributes.phones));
  assert.equal(simulator.requests.list("/contacts?").length, 1);
  const made = contacts.create({ displayName: "Zoe Zimmer", mail: "zoe@litware.com" });
  contacts.update(first.id, { jobTitle: "Auditor" });
  contacts.remove(records[1]?.id ?? "");
  const changes = (await readAll(source, "contact", marked(pages))).flatMap((page) => page.records);
  assert.deepEqual(
    changes.map(({ id, kind, form, removed }) => [id, kind, form, removed]).sort(),
    [
      [made, "contact", "partial", undefined],
      [first.id, "contact", "partial", undefined],
      [records[1]?.id, "contact", "partial", "hard"],
    ].sort(),
  );
  assert.equal(changes.find(({ id }) => id === first.id)?.attributes.jobTitle, "Auditor");
});

test("goes on in the middle of a full round, and begins anew when the token has expired", async () => {
  const { simulator, source } = await simulated({ contacts: 1200 });
  const [begun] = await readAll(source, "contact", null, 1);
  assert.ok(begun !== undefined && !begun.complete);
  const rest = await readAll(source, "contact", begun.watermark);
  const ids = new Set([begun, ...rest].flatMap((page) => page.records.map(({ id }) => id)));
  assert.equal(ids.size, 1200);
  assert.equal(
    rest.some((page) => page.begins),
    false,
  );
  simulator.expireDeltaTokens();
  const again = await readAll(source, "contact", marked(rest));
  assert.deepEqual([again[0]?.begins, again[0]?.round], [true, "full"]);
});

test("says that a contact is there, or gone for good: there is no deleted item to restore", async () => {
  const { simulator, source } = await simulated();
  const [page] = await readAll(source, "contact", null, 1);
  const [kept = "", gone = ""] = page?.records.map(({ id }) => id) ?? [];
  simulator.contacts.remove(gone);
  const found = await source.presence("contact", [kept, gone], new AbortController().signal);
  assert.deepEqual(Object.fromEntries(found), { [kept]: "present", [gone]: "hard" });
});

test("a lost permission ends the read and moves nothing; without it the refusal names OrgContact.Read.All", async () => {
  const { simulator, source } = await simulated();
  const pages = await readAll(source, "contact");
  simulator.setRoles(["User.Read.All"]);
  // A token may live on; another source signs in anew.
  const other = sourceOf(simulator);
  closing.push(other);
  const [lost] = await readAll(other, "contact", marked(pages));
  assert.deepEqual([lost?.incomplete?.code, lost?.records], ["permission_lost", []]);
  await assert.rejects(readAll(other, "contact"), /OrgContact\.Read\.All/);
});

test("asks for the contact's attributes alone, 999 to a page, from the latest delta token on", async () => {
  const tenant: FakeTenant = await startTenant((call, origin) => {
    if (call.path.endsWith("/$count")) return { body: "1" };
    const deltaLink = `${origin}/v1.0/contacts/delta?$deltatoken=next`;
    if (call.path.endsWith("/delta")) return { body: { "@odata.deltaLink": deltaLink, value: [] } };
    return { body: { value: [{ id: "c1", displayName: "Ada", mail: null }] } };
  });
  closing.push(tenant);
  tenant.roles = ROLES;
  const { source } = rigFor(tenant.origin, { contactAttributes: ["mail", "displayName"] });
  closing.push(source);
  const pages = await readAll(source, "contact");
  assert.deepEqual(pages[0]?.records, [
    { kind: "contact", id: "c1", form: "whole", attributes: { displayName: "Ada", mail: null } },
  ]);
  assert.deepEqual(graphCalls(tenant).toSorted(), [
    "GET /contacts/$count",
    "GET /contacts/delta?$deltatoken=latest&$select=id,displayName,mail",
    "GET /contacts/delta?$deltatoken=next",
    "GET /contacts?$top=999&$select=id,displayName,mail",
  ]);
});
