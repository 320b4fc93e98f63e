import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { addEntry } from "../config/add.ts";
import { changeConfiguration } from "../config/apply.ts";
import { credentialsOf } from "../config/connector-credentials.ts";
import { setupClient, signInByCode } from "../setup/testing.ts";
import { type Answer, type Client, NAMES, startTestServer, type TestServer } from "./testing.ts";

const DEVICE_CODES = "/api/v1/setup/device-codes";

describe("the guide to registering an application", () => {
  let server: TestServer;
  let client: Client;
  before(async () => {
    server = await startTestServer({ simulator: { people: 5, groups: 1 } });
    client = await server.signIn();
  });
  after(async () => await server.close());

  it("tells the features, the least permissions of those chosen, steps with links and roles, and three scripts", async () => {
    const query = "name=fabrikam&tenant=fabrikam.com&features=contacts,notifications&credential=secret&days=90";
    const { status, body } = await client.get(`/api/v1/setup?${query}`);
    assert.equal(status, 200);
    assert.deepEqual(body.permissions, ["User.Read.All", "Group.Read.All", "OrgContact.Read.All"]);
    assert.ok(body.features.length > 10);
    const people = body.features.find(({ name }: { name: string }) => name === "people");
    assert.deepEqual([people.always, people.permission], [true, "User.Read.All"]);
    assert.match(body.steps[0].link, /^https:\/\/entra\.microsoft\.com\/#view\//);
    assert.match(body.steps[2].role, /Privileged Role Administrator/);
    assert.deepEqual(
      body.scripts.map(({ kind, file }: { kind: string; file: string }) => [kind, file]),
      [
        ["azure-cli", "entrain-setup.sh"],
        ["powershell", "entrain-setup.ps1"],
        ["terraform", "entrain-setup.tf"],
      ],
    );
    for (const { text } of body.scripts) {
      assert.match(text, /OrgContact\.Read\.All/);
      assert.match(text, /entrain connection add fabrikam --tenant fabrikam\.com/);
    }
  });

  it("leaves the Azure CLI script out where it would speak to another cloud's Graph, and refuses plain http", async () => {
    const { body } = await client.get("/api/v1/setup?cloud=usgov-dod");
    assert.deepEqual(
      body.scripts.map(({ kind }: { kind: string }) => kind),
      ["powershell", "terraform"],
    );
    const far = await client.get("/api/v1/setup?cloud=custom&login=http://169.254.169.254&graph=https://graph.example");
    assert.equal(far.status, 400);
    assert.match(far.body.detail, /not encrypted/);
  });

  it("registers the address that administrators come back to: this machine by its name, or the one given", async () => {
    const { port } = new URL(server.url);
    const own = await client.get("/api/v1/setup");
    assert.deepEqual(own.body.redirectUris, [`http://localhost:${port}/connect/consent`]);
    const given = await client.get("/api/v1/setup?publicUrl=https://entrain.contoso.com");
    assert.deepEqual(given.body.redirectUris, ["https://entrain.contoso.com/connect/consent"]);
    const { body } = await client.get(`/api/v1/connections/${NAMES.connection}`);
    assert.equal(body.redirectUri, `http://localhost:${port}/connect/consent`);
    const link = await client.send("POST", `/api/v1/connections/${NAMES.connection}/consent`);
    assert.equal(link.body.redirectUri, body.redirectUri);
  });

  it("refuses texts that could be more than themselves in a script", async () => {
    for (const query of [
      "name=a%20b",
      "displayName=%24(id)",
      "tenant=x",
      "client=1",
      "features=people,everything",
      "publicUrl=https://a%24(id)b",
      "publicUrl=https://a.example/path",
      "publicUrl=http://a.example",
      "cloud=custom",
      "cloud=custom&login=https://a/%24(id)&graph=https://b",
      "cloud=moon",
      "days=0",
    ]) {
      const { status, body } = await client.get(`/api/v1/setup?${query}`);
      assert.equal(status, 400, query);
      assert.ok(body.detail && body.fix, query);
    }
  });
});

describe("registering by device code", () => {
  let server: TestServer;
  let client: Client;
  before(async () => {
    server = await startTestServer({ simulator: { people: 5, groups: 1, replicationMs: 300 } });
    client = await server.signIn();
    // A tenant has one connection.
    const { store, keyring, types, demo } = server.installation;
    const actor = { kind: "command", id: "test" };
    await changeConfiguration({ store, keyring, types, demo, actor, prune: true }, (current) => ({
      ...current,
      connections: new Map(),
      syncs: new Map(),
    }));
  });
  after(async () => await server.close());

  const wish = (more: object = {}): object => {
    const { login, graph, tenant } = server.simulator;
    return {
      name: "fabrikam",
      tenant,
      cloud: "custom",
      login,
      graph,
      setupClient: setupClient(server.simulator),
      ...more,
    };
  };
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await server.installation.store.clock.sleep(50, new AbortController().signal);
  };
  const ended = async (id: string): Promise<Answer["body"]> => {
    let found: Answer["body"] = null;
    await until(async () => {
      const { status, body } = await client.get(`${DEVICE_CODES}/${id}`);
      assert.equal(status, 200);
      found = body;
      return body.state === "done" || body.state === "failed";
    });
    return found;
  };
  const registered = (): number =>
    server.simulator.identity.apps().filter(({ displayName }) => displayName === "Entrain").length;

  it("tells the code to its operator alone, and refuses a second one", async () => {
    const begun = await client.put("POST", DEVICE_CODES, wish());
    assert.equal(begun.status, 202);
    const { id, code, state, steps } = begun.body;
    assert.equal(state, "waiting");
    assert.match(code.userCode, /^\S{4,}$/);
    assert.match(code.verificationUri, /^http/);
    assert.deepEqual(
      steps.map((step: { name: string; state: string }) => [step.name, step.state]),
      ["application", "principal", "consent", "credential"].map((name) => [name, "due"]),
    );
    const other = await server.signIn("oscar");
    assert.equal((await other.get(`${DEVICE_CODES}/${id}`)).status, 404);
    assert.equal((await other.send("DELETE", `${DEVICE_CODES}/${id}`)).status, 404);
    assert.deepEqual((await other.get(DEVICE_CODES)).body.items, []);
    const second = await client.put("POST", DEVICE_CODES, wish({ name: "other" }));
    assert.deepEqual([second.status, second.body.code], [409, "device_setup_open"]);
    const mine = await client.get(DEVICE_CODES);
    assert.deepEqual(
      mine.body.items.map((one: { id: string }) => one.id),
      [id],
    );
    assert.equal((await client.send("DELETE", `${DEVICE_CODES}/${id}`)).status, 200);
    assert.deepEqual((await client.get(DEVICE_CODES)).body.items, []);
    assert.equal(registered(), 0);
  });

  it("keeps nothing when the operator has signed out before the administrator signed in", async () => {
    const leaver = await server.signIn();
    const { body } = await leaver.put("POST", DEVICE_CODES, wish());
    await leaver.send("DELETE", "/api/v1/session");
    await signInByCode(server.simulator, body.code.userCode, server.simulator.identity.administrator());
    const { state, error } = await ended(body.id);
    assert.equal(state, "failed");
    assert.match(error.message, /not signed in to Entrain any more\. Nothing was made/);
    assert.equal(registered(), 0);
  });

  it("takes back what it began where the administrator may not grant permissions", async () => {
    const { body } = await client.put("POST", DEVICE_CODES, wish());
    const account = server.simulator.identity.administrator("Cloud Application Administrator");
    await signInByCode(server.simulator, body.code.userCode, account);
    const { state, error, account: shown } = await ended(body.id);
    assert.equal(state, "failed");
    assert.equal(shown, account.userPrincipalName);
    assert.ok(error.message && error.fix);
    assert.equal(registered(), 0);
  });

  it("takes back what it began when it is cancelled on the way, and when the store refuses it in the end", async () => {
    server.simulator.faults.set([{ method: "POST", path: "/servicePrincipals", action: { type: "slow", ms: 60_000 } }]);
    const cancelled = await client.put("POST", DEVICE_CODES, wish());
    await signInByCode(server.simulator, cancelled.body.code.userCode, server.simulator.identity.administrator());
    await until(async () => registered() === 1);
    const { body } = await client.get(`${DEVICE_CODES}/${cancelled.body.id}`);
    assert.equal(body.state, "registering");
    assert.equal(body.code, null);
    const answer = await client.send("DELETE", `${DEVICE_CODES}/${cancelled.body.id}`);
    assert.deepEqual([answer.status, answer.body.state], [200, "failed"]);
    assert.equal(registered(), 0);
    server.simulator.faults.clear();

    const begun = await client.put("POST", DEVICE_CODES, wish());
    const { store, keyring, types, demo } = server.installation;
    const entry = {
      section: "connections",
      name: "fabrikam",
      value: {
        tenant: "11111111-2222-4333-8444-555555555555",
        client: "11111111-2222-4333-8444-555555555555",
        credential: { kind: "managed-identity" },
      },
    } as const;
    const adding = { store, keyring, types, demo, actor: { kind: "command", id: "test" } };
    await addEntry(adding, entry);
    await signInByCode(server.simulator, begun.body.code.userCode, server.simulator.identity.administrator());
    const { state, error } = await ended(begun.body.id);
    assert.deepEqual([state, error.code], ["failed", "exists"]);
    assert.equal(registered(), 0);
    await changeConfiguration({ ...adding, prune: true }, (current) => ({ ...current, connections: new Map() }));
  });

  it("registers, grants, and keeps the secret sealed: it stands in no answer and no line of the log", async () => {
    const begun = await client.put("POST", DEVICE_CODES, wish({ credential: "secret", features: "contacts" }));
    const { password } = await signInByCode(
      server.simulator,
      begun.body.code.userCode,
      server.simulator.identity.administrator(),
    );
    const done = await ended(begun.body.id);
    assert.equal(done.state, "done", JSON.stringify(done.error));
    assert.equal(done.code, null);
    assert.deepEqual(done.connection.permissions, ["User.Read.All", "GroupMember.Read.All", "OrgContact.Read.All"]);
    assert.ok(done.steps.every((step: { state: string }) => step.state === "done"));
    const connection = await client.get("/api/v1/connections/fabrikam");
    assert.deepEqual(connection.body.features, ["people", "groups", "contacts"]);
    assert.deepEqual(
      connection.body.credentials.map((one: { kind: string }) => one.kind),
      ["secret"],
    );
    const { store, keyring } = server.installation;
    const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
    const [kept] = credentialsOf(store, keyring, row);
    assert.ok(kept?.kind === "secret");
    const secret = kept.secret();
    assert.ok(secret.length > 10 && !row.credential.includes(secret));
    const told = `${JSON.stringify(done)}${connection.text}${(await client.get(DEVICE_CODES)).text}${server.log()}`;
    for (const one of [secret, password ?? "-", "refresh_token", begun.body.code.userCode]) {
      assert.ok(!told.includes(one));
    }
    const again = await client.put("POST", DEVICE_CODES, wish());
    assert.deepEqual([again.status, again.body.code], [409, "exists"]);
    const sameTenant = await client.put("POST", DEVICE_CODES, wish({ name: "other" }));
    assert.deepEqual([sameTenant.status, sameTenant.body.code], [409, "exists"]);
    assert.match(sameTenant.body.detail, /a tenant has one connection/);
  });
});

describe("an application's permissions", () => {
  let server: TestServer;
  let client: Client;
  const path = `/api/v1/connections/${NAMES.connection}`;
  before(async () => {
    server = await startTestServer({ simulator: { people: 5, groups: 1 } });
    client = await server.signIn();
  });
  after(async () => await server.close());

  const states = async (): Promise<Readonly<Record<string, string>>> => {
    const { body } = await client.send("POST", `${path}/inspect`);
    const all: readonly { permission: string; state: string; note: string | null }[] = body.permissions;
    return Object.fromEntries(all.map(({ permission, state, note }) => [permission, `${state} ${note ?? ""}`.trim()]));
  };

  it("stand as needed, missing or in excess, until somebody accepts the excess with a note", async () => {
    server.simulator.setRoles(["User.Read.All", "Mail.Send"]);
    assert.deepEqual(await states(), {
      "User.Read.All": "needed",
      "GroupMember.Read.All": "missing",
      "Mail.Send": "excess",
    });
    const accepted = await client.put("PUT", `${path}/accepted/Mail.Send`, { note: " welcome mails " });
    assert.equal(accepted.status, 204);
    assert.equal((await states())["Mail.Send"], "accepted welcome mails");
    const { body } = await client.send("POST", `${path}/verify`);
    assert.equal(body.mayMend, true);
    assert.ok(body.checks.some(({ detail }: { detail: string }) => detail.includes("welcome mails")));
    assert.equal((await client.send("DELETE", `${path}/accepted/Mail.Send`)).status, 204);
    assert.equal((await states())["Mail.Send"], "excess");
    for (const note of ["", "   ", "a\nb", "x".repeat(201)]) {
      assert.equal((await client.put("PUT", `${path}/accepted/Mail.Send`, { note })).status, 400);
    }
    assert.equal((await client.put("PUT", `${path}/accepted/..`, { note: "x" })).status, 404);
    assert.equal((await client.put("PUT", "/api/v1/connections/none/accepted/Mail.Send", { note: "x" })).status, 404);
  });

  it("are not known where the sign-in is refused, which says what to do", async () => {
    server.simulator.identity.changeApp(server.simulator.client, { enabled: false });
    const { status, body } = await client.send("POST", `${path}/inspect`);
    assert.equal(status, 200);
    assert.equal(body.permissions, null);
    assert.equal(body.error.code, "sign_in_refused");
    assert.ok(body.error.fix);
  });

  it("of a credential only the kind and the end are told, which the look keeps", async () => {
    const { body } = await client.get(path);
    assert.deepEqual(Object.keys(body.credentials[0]).sort(), ["checkedAt", "endsAt", "kind", "toldBy"]);
    assert.equal(body.credentials[0].kind, "secret");
    assert.ok(body.credentials[0].checkedAt > 0);
    assert.deepEqual(body.consent, { waitingUntil: null, last: null });
  });
});
