import assert from "node:assert/strict";
import { test } from "node:test";
import { runCommand } from "../testing/command.ts";
import { openAccount, START } from "./testing/account.ts";

test("another process pulls the levers under /_simulator", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 1 });
  const control = async (line: string, body?: unknown): Promise<{ status: number; told: unknown }> => {
    const [method = "", path = ""] = line.split(" ");
    const url = new URL(`/_simulator${path}`, freshchat.base);
    const response = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, told: text === "" ? null : (JSON.parse(text) as unknown) };
  };
  assert.equal((await control("PUT /switches", { put: "merge", created: "200" })).status, 204);
  assert.deepEqual([freshchat.switches.put, freshchat.switches.created], ["merge", 200]);
  assert.deepEqual((await control("POST /clock", { advanceMs: 5 })).told, { now: START + 5 });
  const id = freshchat.agents.list()[0]?.id;
  const steps = [
    { do: "update", kind: "agents", id, fields: { last_name: "Edited" } },
    { do: "create", kind: "users", fields: { email: "a@x.org" } },
    { do: "remove", kind: "agents", id },
  ];
  const { told } = await control("POST /steps", steps);
  assert.deepEqual([(told as { last_name: string }[])[0]?.last_name, freshchat.agents.list()], ["Edited", []]);
  assert.deepEqual((await control("GET /users")).told, freshchat.users.list());
  await control("PUT /faults", [{ times: 1, action: { type: "status", status: 503 } }]);
  assert.equal((await call("GET", "/agents")).status, 503);
  await control("PUT /rate", { requestsPerMinute: 0 });
  assert.equal((await call("GET", "/agents")).status, 429);
  await control("PUT /rate", { requestsPerMinute: null });
  await control("PUT /token", { token: "next" });
  await control("PUT /seats", { seats: 0 });
  assert.equal((await call("POST", "/agents", { email: "a@x.org" })).status, 403);
  await control("PUT /portal", { portal: true });
  assert.match((await call("GET", "/agents")).text, /^<!DOCTYPE html>/);
  assert.equal((await control("GET /requests")).told !== null, true);
});

test("controls tell what is wrong with what they were sent", async (t) => {
  const { freshchat } = await openAccount(t);
  const wrong: readonly (readonly [string, string, unknown, RegExp])[] = [
    ["PUT", "/switches", { colour: "red" }, /no switch/],
    ["PUT", "/faults", {}, /must be a list/],
    ["POST", "/faults", { action: { type: "boom" } }, /known type/],
    ["POST", "/faults", { action: { type: "cut", at: "once" } }, /headers, answer or body/],
    ["POST", "/faults", { action: { type: "status", status: 99 } }, /between 200 and 599/],
    ["POST", "/faults", { times: -1, action: { type: "truncate" } }, /whole number as times/],
    ["POST", "/steps", [{ do: "update", kind: "agents" }], /needs an id/],
    ["POST", "/steps", [{ do: "remove", kind: "users", id: "nobody" }], /no record nobody/],
    ["POST", "/clock", { advanceMs: "long" }, /advanceMs/],
    ["PUT", "/nothing", {}, /No such control. There are: GET \/switches/],
  ];
  for (const [method, path, body, says] of wrong) {
    const url = new URL(`/_simulator${path}`, freshchat.base);
    const response = await fetch(url, { method, body: JSON.stringify(body) });
    assert.match(((await response.json()) as { error: string }).error, says);
    assert.equal(response.ok, false);
  }
});

test("the command prints one line of JSON when it is ready, serves, and ends with 0 when interrupted", async () => {
  const args = ["freshchat", "--port", "0", "--json", "--agents", "3", "--contacts", "2", "--seed", "7"];
  const switches = ["--switch", "metadata=bare", "order=oldest", "--switch", "created=200"];
  const { code, stdout, stderr } = await runCommand([...args, ...switches], async (line) => {
    const ready = JSON.parse(line) as { base: string; token: string; groups: object[]; roles: object[] };
    assert.deepEqual(Object.keys(ready), ["base", "token", "groups", "roles"]);
    const headers = { authorization: `Bearer ${ready.token}` };
    const agents = (await (await fetch(`${ready.base}/agents`, { headers })).json()) as { role_id: string }[];
    assert.deepEqual(
      agents.map(({ role_id }) => role_id),
      ["ACCOUNT_ADMIN", "AGENT", "AGENT"],
    );
    assert.equal((await fetch(`${ready.base}/users`, { method: "POST", headers, body: "{}" })).status, 200);
    assert.deepEqual([ready.groups.length, ready.roles.length], [4, 4]);
  });
  assert.deepEqual([code, stdout.split("\n").length, stderr], [0, 2, ""]);
});

const WRONG: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [["--switch", "put"], /must be name=value/],
  [["--switch", "put=mix"], /put has no value "mix"/],
  [["--switch", "colour=red"], /no switch "colour"/],
  [["--retry-after"], /--retry-after needs --rate/],
  [["--people", "5"], /unknown option '--people'/],
  [["extra"], /too many arguments/],
];
for (const [args, says] of WRONG) {
  test(`freshchat ${args.join(" ")} exits 2 and says why`, async () => {
    const { code, stderr, stdout } = await runCommand(["freshchat", ...args]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, says);
  });
}
