import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { TargetChange } from "@entrain/core";
import { createScimTarget, type ScimTargetOptions } from "./index.ts";
import { type ScriptedRequest, startScriptedServer } from "./testing/scripted-server.ts";

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

/** What is sent to carry changes out: method, path and body of each write. */
async function sent(changes: readonly Partial<TargetChange>[], options: Partial<ScimTargetOptions>): Promise<unknown> {
  const requests: ScriptedRequest[] = [];
  const server = await startScriptedServer((request) => {
    if (request.method !== "GET") requests.push(request);
    const created = { id: "g1", displayName: "Staff", userName: "ada@example.org" };
    if (request.method === "POST") return { status: 201, body: created };
    return request.method === "GET" ? { status: 200, body: { totalResults: 0, Resources: [] } } : { status: 204 };
  });
  const clock = { now: () => 0, random: () => 0.5, sleep: async () => {} };
  const target = createScimTarget({ baseUrl: server.baseUrl, token: () => "t", clock, ...options });
  closing.push(target.close, server.close);
  for (const change of changes) {
    const whole = { ordinal: 0, kind: "user", action: "update", recordId: "u1", set: {}, ...change } as TargetChange;
    const [outcome] = await target.apply([whole], new AbortController().signal);
    assert.equal(outcome?.status, "applied", JSON.stringify(outcome));
  }
  return requests.map(({ body }) => {
    const { Operations, ...rest } = (typeof body === "string" ? JSON.parse(body) : body) as { Operations?: unknown };
    return Operations ?? rest;
  });
}

const CHANGES: readonly Partial<TargetChange>[] = [
  { action: "disable", active: false },
  { action: "enable", active: true },
  { set: { 'emails[type eq "work"].value': "a@b.c", "name.familyName": "Byron" } },
  { set: { title: null } },
  { kind: "group", action: "members", recordId: "g1", remove: ["u1", "u2"], add: ["u3"] },
];

// "Known issues and resolutions with SCIM 2.0 protocol compliance", and "Develop and plan provisioning for a SCIM endpoint".
test("the dialect of Entra's own client says what that client says", async () => {
  const member = (value: string) => [{ $ref: null, value }];
  assert.deepEqual(await sent(CHANGES, { dialect: "entra" }), [
    [{ op: "Replace", path: "active", value: "False" }],
    [{ op: "Replace", path: "active", value: "True" }],
    [
      { op: "Replace", path: 'emails[type eq "work"].value', value: "a@b.c" },
      { op: "Replace", path: "name.familyName", value: "Byron" },
    ],
    [{ op: "Remove", path: "title" }],
    [
      { op: "Remove", path: "members", value: member("u1") },
      { op: "Remove", path: "members", value: member("u2") },
    ],
    [{ op: "Add", path: "members", value: member("u3") }],
  ]);
  const created = await sent(
    [
      { action: "create", recordId: null, set: { userName: "ada@example.org", title: null } },
      { kind: "group", action: "create", recordId: null, set: { displayName: "Staff" } },
    ],
    { dialect: "entra" },
  );
  assert.deepEqual(created, [
    {
      schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
      active: true,
      userName: "ada@example.org",
      meta: { resourceType: "User" },
    },
    {
      schemas: [
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
      ],
      displayName: "Staff",
      meta: { resourceType: "Group" },
    },
  ]);
});

test("without a dialect the words are those of the RFC", async () => {
  const [disabled, , , , removed, added] = (await sent(CHANGES, {})) as unknown[];
  assert.deepEqual(disabled, [{ op: "replace", path: "active", value: false }]);
  assert.deepEqual(removed, [
    { op: "remove", path: 'members[value eq "u1"]' },
    { op: "remove", path: 'members[value eq "u2"]' },
  ]);
  assert.deepEqual(added, [{ op: "add", path: "members", value: [{ value: "u3" }] }]);
});
