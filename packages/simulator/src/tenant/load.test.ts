import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parseTenantFile, readTenantFile, TenantFileError } from "./load.ts";
import type { Json } from "./types.ts";

type JsonObject = { readonly [name: string]: Json };

const anna = { id: "a", displayName: "Anna", userPrincipalName: "anna@contoso.example" };
const bert = { id: "b", displayName: "Bert", userPrincipalName: "bert@contoso.example" };
const team = { id: "t", displayName: "Team", groupTypes: [], mailEnabled: false, securityEnabled: true };
const sales = { ...team, id: "s", displayName: "Sales" };

const load = (document: Json): ReturnType<typeof parseTenantFile> => parseTenantFile(JSON.stringify(document));
const problemsOf = (document: Json): readonly string[] => {
  try {
    load(document);
  } catch (error) {
    assert.ok(error instanceof TenantFileError);
    return error.problems;
  }
  return [];
};

test("reads memberships and managers as edges", () => {
  const tenant = load({
    users: [anna, bert],
    groups: [team, sales],
    memberships: [
      { group: "t", member: "a" },
      { group: "t", member: "s" },
    ],
    managers: [{ user: "a", manager: "b" }],
  });
  assert.deepEqual(tenant.memberships, [
    { group: "t", member: "a" },
    { group: "t", member: "s" },
  ]);
  assert.deepEqual(tenant.managers, [{ user: "a", manager: "b" }]);
});

test("reads memberships and managers as records", () => {
  const tenant = load({ users: [anna, bert], groups: [team], memberships: { t: ["a", "b"] }, managers: { a: "b" } });
  assert.deepEqual(tenant.memberships, [
    { group: "t", member: "a" },
    { group: "t", member: "b" },
  ]);
  assert.deepEqual(tenant.managers, [{ user: "a", manager: "b" }]);
});

test("takes managers and members out of the records in which Graph's $expand puts them", () => {
  const tenant = load({
    users: [
      { ...anna, manager: { "@odata.type": "#microsoft.graph.user", id: "b" } },
      { ...bert, manager: null },
    ],
    groups: [
      { ...team, members: [{ id: "a" }] },
      { ...sales, "members@delta": [{ "@odata.type": "#microsoft.graph.user", id: "b" }] },
    ],
  });
  assert.deepEqual(tenant.managers, [{ user: "a", manager: "b" }]);
  assert.deepEqual(tenant.memberships, [
    { group: "t", member: "a" },
    { group: "s", member: "b" },
  ]);
  assert.deepEqual([...tenant.users], [anna, bert]);
  assert.deepEqual([...tenant.groups], [team, sales]);
});

test("keeps every property as given, also those it does not know, and null", () => {
  const user = {
    ...anna,
    extension_4d40_skypeId: "x",
    onPremisesExtensionAttributes: { extensionAttribute1: "1" },
    mail: null,
  };
  assert.deepEqual([...load({ users: [user], groups: [] }).users], [user]);
});

test("gives a record without id one of its own, which its inline references then bear", () => {
  const { id: _, ...nameless } = anna;
  const tenant = load({
    users: [{ ...nameless, manager: { id: "b" } }, bert],
    groups: [{ displayName: "Team", members: [{ id: "b" }] }],
  });
  const [made] = [...tenant.users].map(({ id }) => id);
  const [group] = [...tenant.groups].map(({ id }) => id);
  assert.match(`${made} ${group}`, /^[0-9a-f-]{36} [0-9a-f-]{36}$/);
  assert.deepEqual([...tenant.users], [{ id: made, ...nameless }, bert]);
  assert.deepEqual(tenant.managers, [{ user: made, manager: "b" }]);
  assert.deepEqual(tenant.memberships, [{ group, member: "b" }]);
});

test("makes up the same id for the same record wherever it stands, and two for two that are alike", () => {
  const idsOf = (users: readonly Json[]): readonly (string | undefined)[] =>
    [...load({ users, groups: [] }).users].map(({ id }) => id);
  const [one, two] = [{ displayName: "Adele Vance" }, { mail: "x@contoso.example" }];
  assert.deepEqual(idsOf([one, two]), idsOf([two, one]).toReversed());
  assert.equal(new Set(idsOf([one, one, two, {}, {}])).size, 5);
});

test("reads a document that begins with a byte order mark", () => {
  assert.deepEqual([...parseTenantFile('\uFEFF{"users":[],"groups":[]}').users], []);
});

const refused: readonly (readonly [claim: string, document: Json, problem: string])[] = [
  ["no users", { groups: [] }, "users is missing"],
  ["users of the wrong type", { users: {}, groups: [] }, "users is not an array"],
  ["something else than an object", [], "the whole is not an object with users and groups"],
  [
    "a misspelt part",
    { users: [], groups: [], membership: [] },
    "membership is not a part of a tenant; those are organization, users, groups, memberships, managers",
  ],
  ["an id that is null", { users: [{ id: null, displayName: "X" }], groups: [] }, "users[0].id is not a string"],
  ["an id that is a number", { users: [anna, { id: 3 }], groups: [] }, "users[1].id is not a string"],
  ["an empty id", { users: [], groups: [{ id: "" }] }, "groups[0].id is empty"],
  ["a user that is a string", { users: ["a"], groups: [] }, "users[0] is not an object"],
  [
    "a flag that is a string",
    { users: [{ ...anna, accountEnabled: "True" }], groups: [] },
    "users[0].accountEnabled is not true or false",
  ],
  [
    "phones that are a string",
    { users: [{ ...anna, businessPhones: "+1" }], groups: [] },
    "users[0].businessPhones is not an array of strings",
  ],
  [
    "group types of the wrong type",
    { users: [], groups: [{ ...team, groupTypes: [1] }] },
    "groups[0].groupTypes is not an array of strings",
  ],
  ["two users with one id", { users: [anna, { ...bert, id: "a" }], groups: [] }, "users[1] has the id 'a' of users[0]"],
  [
    "a group with the id of a user",
    { users: [anna], groups: [{ ...team, id: "a" }] },
    "groups[0] has the id 'a' of users[0]",
  ],
  [
    "two users with one sign-in name in another case",
    { users: [anna, { ...bert, userPrincipalName: "ANNA@contoso.example" }], groups: [] },
    "users[1] has the userPrincipalName 'ANNA@contoso.example' of users[0]",
  ],
  [
    "a member who is not there",
    { users: [], groups: [team], memberships: { t: ["zoe"] } },
    "memberships['t'][0] names the member 'zoe', which is not in the document",
  ],
  [
    "a group that is not there",
    { users: [anna], groups: [], memberships: [{ group: "g", member: "a" }] },
    "memberships[0] names the group 'g', which is not in the document",
  ],
  [
    "a group as manager",
    { users: [anna], groups: [team], managers: { a: "t" } },
    "managers['a'] names the manager 't', which is not in the document",
  ],
  [
    "an inline manager who is not there",
    { users: [{ ...anna, manager: { id: "zoe" } }], groups: [] },
    "users[0].manager names the manager 'zoe', which is not in the document",
  ],
  [
    "an inline member without id",
    { users: [], groups: [{ ...team, members: [{ displayName: "X" }] }] },
    "groups[0].members[0] has no member id that is a string",
  ],
  [
    "a membership said twice",
    { users: [anna], groups: [{ ...team, members: [{ id: "a" }] }], memberships: { t: ["a"] } },
    "memberships['t'][0] says a second time that 'a' is a member of 't'",
  ],
  [
    "two managers of one user",
    {
      users: [anna, bert],
      groups: [],
      managers: [
        { user: "a", manager: "b" },
        { user: "a", manager: "b" },
      ],
    },
    "managers[1] gives the user 'a' a second manager",
  ],
  [
    "an edge that is a string",
    { users: [], groups: [], memberships: ["x"] },
    "memberships[0] is not an object with group and member",
  ],
  [
    "members that are a string",
    { users: [], groups: [team], memberships: { t: "a" } },
    "memberships['t'] is not an array of member ids",
  ],
  [
    "memberships that are a number",
    { users: [], groups: [], memberships: 3 },
    "memberships is neither an array of {group, member} nor an object",
  ],
  [
    "a domain without name",
    { organization: { verifiedDomains: [{}] }, users: [], groups: [] },
    "organization.verifiedDomains[0].name is not a string",
  ],
];

for (const [claim, document, problem] of refused) {
  test(`refuses ${claim}`, () => assert.deepEqual(problemsOf(document), [problem]));
}

test("names ten problems and counts the others", () => {
  const users = Array.from({ length: 13 }, () => ({ id: "" }));
  assert.throws(
    () => load({ users, groups: [] }),
    (error: Error) => {
      assert.match(error.message, /^The document cannot be loaded as a tenant:\n {2}users\[0\]\.id is empty\n/);
      assert.match(error.message, /users\[9\]\.id is empty\n {2}and 3 more$/);
      return true;
    },
  );
});

test("says where text stops being JSON", () => {
  assert.throws(
    () => parseTenantFile('{"users": [}'),
    /The document cannot be loaded as a tenant:\n {2}it is not JSON: Unexpected token '}'/,
  );
});

test("reads a file and names it in errors", async () => {
  const folder = await mkdtemp(join(tmpdir(), "entrain-tenant-"));
  try {
    const path = join(folder, "tenant.json");
    await writeFile(path, JSON.stringify({ users: [anna], groups: [] }));
    assert.deepEqual([...(await readTenantFile(path)).users], [anna]);
    await writeFile(path, "<html>");
    await assert.rejects(readTenantFile(path), { message: new RegExp(`The file ${path} cannot be loaded`) });
    await assert.rejects(
      readTenantFile(join(folder, "absent.json")),
      /There is no file .*absent\.json; give --tenant a JSON file with users and groups\./,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

const examples = join(
  process.env.ENTRAIN_SHARED ?? resolve(import.meta.dirname, "../../../../../shared"),
  "graph/examples",
);
const absent =
  existsSync(examples) || process.env.CI === "true"
    ? false
    : `there is no folder ${examples}; name its parent's parent in ENTRAIN_SHARED`;

test("loads every user and group that Microsoft documents as an answer", { skip: absent }, async () => {
  const documented = await readDocumented();
  assert.ok(documented.length >= 25, `only ${documented.length} documented records were found`);
  for (const { file, section, record } of documented) {
    const document = { users: [], groups: [], [section]: [record], ...stubsFor(record, section) };
    const tenant = load(document);
    const { manager, members, "members@delta": changed, ...kept } = record;
    const [loaded] = [...tenant[section]];
    assert.deepEqual(loaded, { id: loaded?.id, ...kept }, file);
    const edges = [...(Array.isArray(members) ? members : []), ...(Array.isArray(changed) ? changed : [])];
    assert.equal([...(tenant.memberships as Iterable<unknown>)].length, edges.length, file);
    assert.equal([...(tenant.managers as Iterable<unknown>)].length, manager === undefined ? 0 : 1, file);
  }
});

interface Documented {
  readonly file: string;
  readonly section: "users" | "groups";
  readonly record: JsonObject;
}

/** What the pages about users, groups and delta show as answers, told apart by the address that was asked. */
async function readDocumented(): Promise<readonly Documented[]> {
  const found: Documented[] = [];
  const names = (await readdir(examples)).filter(
    (name) => /^(user|group|concept-delta-query)-/.test(name) && name.endsWith(".json"),
  );
  for (const file of names.sort()) {
    const { request, response } = JSON.parse(await readFile(join(examples, file), "utf8")) as {
      readonly request?: { readonly url: string };
      readonly response?: { readonly body?: Json } | null;
    };
    const section = sectionOf(request?.url ?? "");
    if (section === null || !isObject(response?.body)) continue;
    const { value } = response.body;
    for (const record of Array.isArray(value) ? value : [response.body]) {
      if (
        isObject(record) &&
        (record.displayName !== undefined || record.id !== undefined) &&
        record.error === undefined
      ) {
        const { "@odata.context": _, ...rest } = record;
        found.push({ file, section, record: rest });
      }
    }
  }
  return found;
}

function sectionOf(url: string): Documented["section"] | null {
  const path = url.replace(/^.*\/v1\.0\//, "").replace(/\?.*$/, "");
  if (
    /^(users(\/delta|\/\{[^}]*\}(\/manager)?)?|me|groups\/\{[^}]*\}\/(transitiveM|m)embers|me\/directReports)$/.test(
      path,
    )
  )
    return "users";
  if (
    /^(groups(\/delta|\/[^/]*)?|users\/\{[^}]*\}\/(memberOf|transitiveMemberOf)(\/microsoft\.graph\.group)?)$/.test(
      path,
    )
  )
    return "groups";
  return null;
}

/** Empty users for everyone whom a record refers to, because an example shows one object out of a tenant. */
function stubsFor(record: JsonObject, section: Documented["section"]): { readonly users?: readonly Json[] } {
  const referred = [record.manager, record.members, record["members@delta"]].flat().filter((entry) => isObject(entry));
  const stubs = referred.map(({ id }) => ({ id: id ?? "" }));
  return section === "users" ? { users: [record, ...stubs] } : { users: stubs };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
