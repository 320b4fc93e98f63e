import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SMTPServer } from "smtp-server";
import { Webhook } from "standardwebhooks";
import { assertClean, errorOf, run, runJson, temporaryFolder } from "./testing.ts";

const SECRET = `whsec_${Buffer.alloc(32, 42).toString("base64")}`;

interface Receiver {
  readonly url: string;
  readonly bodies: unknown[];
  answer: (response: ServerResponse) => void;
}

async function receive(context: TestContext): Promise<Receiver> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    receiver.bodies.push(new Webhook(SECRET).verify(body, headers));
    receiver.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?team=7`;
  const receiver: Receiver = { url, bodies: [], answer: (response) => response.writeHead(204).end() };
  return receiver;
}

test("adds, tests, shows, exports and removes a channel, and never prints its secret", async (context) => {
  const cwd = await temporaryFolder(context);
  const receiver = await receive(context);
  const options = { cwd, env: { ENTRAIN_DATA: join(cwd, "data") } };
  const all: { readonly stdout: string; readonly stderr: string; readonly code: number | null }[] = [];
  const say = async (args: readonly string[], input?: string) => {
    const ran = await run(args, input === undefined ? options : { ...options, input });
    all.push(ran);
    return ran;
  };
  const added = await say(["channel", "add", "desk", "--url", receiver.url, "--secret-stdin"], `${SECRET}\n`);
  assert.equal(added.code, 0, added.stderr);
  const exported = await say(["config", "export"]);
  assert.match(exported.stdout, /desk:\n {4}type: webhook\n {4}url: http:.*\n {4}secret: \{ sealed: true \}/);
  const file = join(cwd, "entrain.yaml");
  await writeFile(file, exported.stdout);
  assert.match((await say(["config", "apply", file, "--prune"])).stdout, /Nothing had to be changed/);

  const told = await runJson<{ readonly ok: boolean; readonly id: string }>(["channel", "test", "desk"], options);
  assert.equal(told.ok, true);
  const [body] = receiver.bodies as { readonly type: string; readonly data: unknown }[];
  assert.equal(body?.type, "test");
  assert.deepEqual(body.data, {
    channel: "desk",
    detail: "Somebody tried whether alerts reach the channel desk. They do.",
  });

  receiver.answer = (response) => response.writeHead(410).end();
  const gone = await say(["channel", "test", "desk"]);
  assert.equal(gone.code, 1);
  assert.match(gone.stdout, /answered 410/);
  assert.match(
    (await say(["channel", "list"])).stdout,
    /desk +webhook +disabled +0 +never +http:\/\/127\.0\.0\.1:\d+\n/,
  );
  assert.match((await say(["channel", "list"])).stdout, /WAITING +LAST ALERT +WHERE/, "a test counts for none");
  assert.match((await say(["channel", "show", "desk"])).stdout, /last alert +never/);
  assert.match((await say(["channel", "show", "desk"])).stdout, /state +disabled since .*410/);
  assert.match((await say(["doctor"])).stdout, /FAILED +Channel desk: It is disabled\. .*410.*\n.*channel test desk/);
  receiver.answer = (response) => response.writeHead(200).end();
  assert.match((await say(["channel", "test", "desk"])).stdout, /enabled again/);
  assert.match((await say(["doctor"])).stdout, /ok +Channel desk: No alert was due there yet\./);
  const shown = await runJson<{ readonly disabledAt: number | null; readonly configuration: unknown }>(
    ["channel", "show", "desk"],
    options,
  );
  assert.equal(shown.disabledAt, null);
  assert.deepEqual(shown.configuration, { type: "webhook", url: receiver.url, secret: { sealed: true } });

  assert.equal((await say(["channel", "remove", "desk"])).code, 0);
  assert.deepEqual(await runJson(["channel", "list"], options), []);
  for (const ran of all) assertClean({ ...ran }, [SECRET, SECRET.slice(6)]);
});

test("says what is wrong with a channel before anything is kept", async (context) => {
  const cwd = await temporaryFolder(context);
  const options = { cwd, env: { ENTRAIN_DATA: join(cwd, "data") } };
  const add = ["channel", "add", "desk", "--json", "--url"];
  const url = "https://hooks.example.com/entrain";
  const short = await run([...add, url, "--secret-stdin"], { ...options, input: "whsec_dG9vIHNob3J0" });
  assert.match(errorOf(short).message, /24 to 64 bytes/);
  assertClean(short, ["dG9vIHNob3J0"]);
  await writeFile(join(cwd, "hook.secret"), "foo\n");
  const wrong = await run([...add, url, "--secret-file", "hook.secret"], options);
  assert.equal(wrong.code, 1, wrong.stdout);
  assert.match(errorOf(wrong).message, /24 to 64 bytes/);
  const set = { ...options, env: { ...options.env, HOOK: "foo" } };
  assert.match(errorOf(await run([...add, url, "--secret-env", "HOOK"], set)).message, /24 to 64 bytes/);
  const far = await run([...add, "http://hooks.example.com/", "--secret-env", "HOOK"], options);
  assert.match(errorOf(far).message, /channels\.desk\.url: .*must begin with https/);
  assert.match(errorOf(await run([...add, url], options)).message, /--secret-stdin/);
  const inside = [...add, "https://desk.internal/hooks", "--allow-private", "--secret-env", "HOOK"];
  assert.equal((await run(inside, options)).code, 0);
  const { channels } = await runJson<{ readonly channels: unknown }>(["config", "export"], options);
  const secret = { env: "HOOK" };
  const kept = { desk: { type: "webhook", url: "https://desk.internal/hooks", allowPrivate: true, secret } };
  assert.deepEqual(channels, kept);
  const unset = await runJson<{ readonly detail: string }>(["channel", "test", "desk"], options, 1);
  assert.match(unset.detail, /environment variable HOOK/);
  await runJson(["channel", "remove", "desk"], options);
  const none = await run(["channel", "test", "desk", "--json"], options);
  assert.equal(none.code, 1);
  const file = join(cwd, "entrain.yaml");
  await writeFile(file, `channels:\n  desk: { type: webhook, url: "${url}", secret: whsec_plain }\n`);
  const plain = await run(["config", "apply", file, "--json"], options);
  assert.match(errorOf(plain).message, /channels\.desk\.secret: a secret does not belong into a document.*\(line 2\)/);
  assertClean(plain, ["whsec_plain"]);
});

test("adds a channel of mail and tries it, and says which options belong to which type", async (context) => {
  const cwd = await temporaryFolder(context);
  const options = { cwd, env: { ENTRAIN_DATA: join(cwd, "data") } };
  const taken: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS", "AUTH"],
    onRcptTo: ({ address }, _session, callback) => {
      if (!address.startsWith("gone")) callback();
      else callback(Object.assign(new Error("No such user"), { responseCode: 550 }));
    },
    onData: (stream, _session, callback) => {
      stream.on("data", (chunk: Buffer) => taken.push(chunk.toString("utf8"))).on("end", () => callback());
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  context.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  const place = ["--host", "127.0.0.1", "--port", String(port), "--from", "entrain@example.com"];
  const to = ["--to", "it@example.com", "--to", "gone@example.com"];
  const add = ["channel", "add", "mail", "--type", "email", ...place];
  assert.match(errorOf(await run([...add, "--json"], options)).message, /type email needs --to/);
  assert.match(
    errorOf(await run([...add, ...to, "--url", "x", "--json"], options)).message,
    /--url belongs to --type webhook/,
  );
  const far = [...add, ...to, "--types", "plan.hold", "--json"];
  assert.match(errorOf(await run(far, options)).message, /types\[0\]: must be one of plan\.held/);
  await runJson([...add, ...to, "--tls", "none", "--types", "plan.held, sync.failing"], options);
  const told = await runJson<{ readonly ok: boolean; readonly detail: string }>(["channel", "test", "mail"], options);
  assert.equal(told.ok, true);
  assert.match(told.detail, /refused gone@example\.com \(550 No such user\)/);
  assert.match(taken.join(""), /^Subject: \[Entrain\] Test of the channel mail\r$/m);
  const [listed] = await runJson<readonly object[]>(["channel", "list"], options);
  const { id, ...view } = listed as { readonly id: string };
  assert.match(id, /^channel_/);
  assert.deepEqual(view, {
    name: "mail",
    type: "email",
    origin: `smtp://127.0.0.1:${port}`,
    types: ["plan.held", "sync.failing"],
    disabledAt: null,
    disabledOf: null,
    waiting: 0,
    acceptedAt: null,
    failure: null,
  });
  const shown = (await run(["channel", "show", "mail"], options)).stdout;
  assert.match(
    shown,
    /server {5}smtp:\/\/127\.0\.0\.1:\d+, without TLS\nfrom {7}entrain@example\.com\nto {9}it@example\.com, gone@example\.com\n/,
  );
  assert.match(shown, /told of {4}plan\.held, sync\.failing/);
});

test("adds chats whose address is a secret, and shows it nowhere", async (context) => {
  const cwd = await temporaryFolder(context);
  const options = { cwd, env: { ENTRAIN_DATA: join(cwd, "data") } };
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    bodies.push(body);
    response.writeHead(request.url === "/services/verysecret" ? 200 : 404).end("no_service");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/verysecret`;
  const all: { readonly stdout: string; readonly stderr: string; readonly code: number | null }[] = [];
  const say = async (args: readonly string[], input?: string) => {
    const ran = await run(args, input === undefined ? options : { ...options, input });
    all.push(ran);
    return ran;
  };
  assert.equal((await say(["channel", "add", "chat", "--type", "slack", "--secret-stdin"], `${url}\n`)).code, 0);
  assert.match((await say(["channel", "test", "chat"])).stdout, /The channel chat accepted alert_/);
  assert.match(bodies[0] ?? "", /"type":"header"/);
  const given = ["channel", "add", "team", "--type", "teams", "--url", "https://example.com", "--json"];
  assert.match(errorOf(await say(given)).message, /The address is the secret: --secret-stdin/);
  const wrong = ["channel", "add", "team", "--type", "teams", "--secret-stdin", "--json"];
  assert.match(errorOf(await say(wrong, "http://hooks.example.com/verysecret")).message, /must begin with https/);
  assert.equal((await say(["channel", "add", "team", "--type", "teams", "--secret-stdin"], `${url}x\n`)).code, 0);
  const refused = await say(["channel", "test", "team"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /Teams answered 404/);
  assert.match((await say(["channel", "list"])).stdout, /chat +slack +enabled +0 +never +\(secret\)\n/);
  assert.match((await say(["channel", "show", "chat"])).stdout, /url {8}secret, encrypted in the store\n/);
  assert.match((await say(["config", "export"])).stdout, /type: slack\n {4}url: \{ sealed: true \}/);
  await say(["doctor"]);
  await say(["channel", "show", "team", "--json"]);
  for (const ran of all) assertClean({ ...ran }, ["verysecret"]);
});

test("keeps the demo's alerts on this machine", async (context) => {
  const cwd = await temporaryFolder(context);
  const ran = await run(
    ["channel", "add", "desk", "--demo", "--json", "--url", "https://hooks.example.com/", "--secret-env", "HOOK"],
    { cwd },
  );
  assert.equal(errorOf(ran).code, "demo_only");
});
