import assert from "node:assert/strict";
import { it, test } from "node:test";
import { eachEngine } from "../store/testing.ts";
import { mailbox } from "./channels.ts";
import { pathText } from "./document.ts";
import { flawsOf } from "./read.ts";
import { install, TYPES } from "./testing.ts";

const EMPTY = { connections: new Map(), targets: new Map(), syncs: new Map(), channels: new Map() };
const MAIL = {
  type: "email",
  host: "mail.example.com",
  from: "Entrain <entrain@example.com>",
  to: ["it@example.com"],
} as const;

function flaws(channel: unknown): readonly string[] {
  const found = flawsOf({ channels: { desk: channel } }, { types: TYPES, current: EMPTY as never });
  return found.map(({ path, detail }) => `${pathText(path)} ${detail}`);
}

function isRefused(channel: unknown, why: RegExp): void {
  const found = flaws(channel).join("\n");
  assert.match(found, why);
}

test("takes a channel of each type", () => {
  assert.deepEqual(flaws({ type: "webhook", url: "https://hooks.example.com/a", secret: { env: "HOOK" } }), []);
  for (const type of ["slack", "teams"]) assert.deepEqual(flaws({ type, url: { file: "/run/secrets/hook" } }), []);
  assert.deepEqual(flaws(MAIL), []);
  const login = { user: "entrain", password: { env: "MAIL" } };
  assert.deepEqual(flaws({ ...MAIL, ...login, tls: "implicit", port: 4650, types: ["plan.held"] }), []);
  for (const host of ["127.0.0.1", "::1", "[::1]", "localhost"]) {
    assert.deepEqual(flaws({ ...MAIL, host, tls: "none" }), [], host);
  }
});

test("takes no address of Slack or Teams that stands in the document, and does not repeat it", () => {
  const found = flaws({ type: "slack", url: "https://hooks.slack.com/services/T0/B0/verysecret" }).join("\n");
  assert.match(found, /channels\.desk\.url a secret does not belong into a document/);
  assert.doesNotMatch(found, /verysecret/);
});

test("says what is wrong with a channel of mail", () => {
  isRefused({ ...MAIL, tls: "none" }, /desk\.tls can be none for a mail server on this machine alone/);
  isRefused({ ...MAIL, tls: "maybe" }, /desk\.tls must be one of implicit, starttls, none/);
  isRefused({ ...MAIL, port: 0 }, /desk\.port must be a number from 1 to 65,535/);
  isRefused({ ...MAIL, host: "mail.example.com:25" }, /desk\.host must be .* without a port/);
  isRefused({ ...MAIL, host: "https://mail.example.com" }, /desk\.host must be the mail server's name/);
  isRefused({ ...MAIL, host: "169.254.169.254" }, /desk\.host must not be used/);
  isRefused({ ...MAIL, user: "entrain" }, /desk\.password must be there beside a user/);
  isRefused({ ...MAIL, password: { env: "MAIL" } }, /desk\.user must be there beside a password/);
  isRefused({ ...MAIL, user: "entrain", password: "plain" }, /desk\.password a secret does not belong/);
  isRefused({ ...MAIL, to: [] }, /desk\.to must hold 1 to 50 mail addresses/);
  isRefused({ ...MAIL, to: ["it@example.com", "nobody"] }, /desk\.to\[1\] must be a mail address alone/);
  isRefused({ ...MAIL, to: ["IT <it@example.com>"] }, /desk\.to\[0\] must be a mail address alone/);
  isRefused({ ...MAIL, from: "nobody" }, /desk\.from must be a mail address/);
  isRefused({ ...MAIL, secret: { env: "HOOK" } }, /there is no "secret" here/);
});

test("says what is wrong with what a channel is told of", () => {
  isRefused({ ...MAIL, types: ["plan.hold"] }, /desk\.types\[0\] must be one of plan\.held, .*plan\.held/);
  isRefused({ ...MAIL, types: [] }, /desk\.types must name a type of alert/);
  isRefused({ ...MAIL, type: "mail" }, /desk\.type must be one of webhook, email, slack, teams/);
});

test("takes no address that could become a header or another recipient", () => {
  assert.deepEqual(mailbox("Entrain <a@b.example>"), { name: "Entrain", address: "a@b.example" });
  assert.deepEqual(mailbox("東京 <a@例え.jp>"), { name: "東京", address: "a@例え.jp" });
  assert.deepEqual(mailbox("a@b.example"), { name: "", address: "a@b.example" });
  for (const text of [
    "a@b.example\r\nBcc: c@d.example",
    "Entrain\r\nBcc: c@d.example <a@b.example>",
    "a@b.example, c@d.example",
    "<a@b.example> <c@d.example>",
    'a" <c@d.example>',
    "a@b@c.example",
    "a b@c.example",
    "@b.example",
    `${"a".repeat(250)}@b.example`,
  ]) {
    assert.equal(mailbox(text), null, text);
  }
});

eachEngine((engine) => {
  it("exports what was applied, and applying that changes nothing", async () => {
    const { apply, exported } = await install(await engine.open());
    await apply(`
channels:
  chat: { type: slack, url: { env: SLACK }, types: [sync.failing, plan.held] }
  hook: { type: webhook, url: "https://hooks.example.com/a", secret: { env: HOOK } }
  mail: { type: email, host: mail.example.com, user: entrain, password: { env: MAIL }, from: a@b.example, to: it@b.example }
  team: { type: teams, url: { file: /run/secrets/teams }, allowPrivate: true }
`);
    const text = await exported();
    assert.match(text, /chat:\n {4}type: slack\n {4}url: \{ env: SLACK \}\n {4}types: \[ plan\.held, sync\.failing \]/);
    assert.match(text, /mail:\n {4}type: email\n {4}host: mail\.example\.com\n/);
    assert.match(text, / {4}port: 587\n {4}tls: starttls\n/);
    assert.match(text, /team:\n {4}type: teams\n {4}url: \{ file: \/run\/secrets\/teams \}\n {4}allowPrivate: true/);
    assert.deepEqual(await apply(text, { prune: true }), []);
    const changed = await apply("channels: { chat: { type: slack, url: { env: SLACK } } }");
    assert.deepEqual(
      changed.map(({ name, fields }) => [name, fields.map(({ place }) => place)]),
      [["chat", ["types"]]],
    );
  });

  it("never turns a channel into one of another type: its secret would go elsewhere", async () => {
    const { apply } = await install(await engine.open());
    await apply("channels: { chat: { type: slack, url: { env: CHAT } } }");
    await assert.rejects(apply("channels: { chat: { type: teams, url: { env: CHAT } } }"), /chat\.type: cannot become/);
  });

  it("keeps the demo's alerts on this machine, whatever their type", async () => {
    const { apply } = await install(await engine.open());
    const demo = { demo: true };
    await assert.rejects(apply("channels: { chat: { type: slack, url: { env: CHAT } } }", demo), /beyond this machine/);
    const mail = (host: string): string =>
      `channels: { mail: { type: email, host: ${host}, tls: starttls, from: a@b.example, to: [c@d.example] } }`;
    await assert.rejects(apply(mail("mail.example.com"), demo), /beyond this machine/);
    assert.equal((await apply(mail("localhost"), demo)).length, 1);
  });
});
