import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { makeLoopbackCertificate } from "@entrain/simulator";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { Alert } from "../store/alerts.ts";
import { type Mail, sendMail } from "./mail.ts";
import type { SendReply } from "./reply.ts";

const PASSWORD = "correct horse battery staple";
const USER = "entrain";
const NOW = Date.now();
const CERTIFICATE = makeLoopbackCertificate(NOW);
const SIGNAL = new AbortController().signal;
const ALERT: Alert = {
  id: "alert_1",
  type: "sync.failing",
  at: Date.UTC(2031, 2, 3, 8),
  data: {
    sync: "contoso-desk",
    connection: "contoso",
    failures: 3,
    since: "2031-03-03T06:00:00.000Z",
    detail: "The last 3 runs failed: <desk> & co could not be reached.",
    fix: "Check the address.",
  },
};

/** What a server took. */
interface Taken {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string | null;
  readonly text: string;
}

interface Place {
  readonly port: number;
  readonly taken: readonly Taken[];
}

async function serve(context: TestContext, options: SMTPServerOptions): Promise<Place> {
  const taken: Taken[] = [];
  const server = new SMTPServer({
    key: CERTIFICATE.key,
    cert: CERTIFICATE.cert,
    onAuth: ({ username, password }, _session, callback) => {
      if (username === USER && password === PASSWORD) callback(null, { user: username });
      else callback(Object.assign(new Error(`no ${password}`), { responseCode: 535 }));
    },
    onData: (stream, session, callback) => {
      let text = "";
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
      });
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false || mailFrom === undefined ? "" : mailFrom.address;
        const { secure, user } = session;
        taken.push({
          from,
          to: rcptTo.map(({ address }) => address),
          secure,
          user: user === undefined ? null : String(user),
          text,
        });
        callback();
      });
    },
    ...options,
  });
  // What a client does that breaks off is no fault of the server's.
  server.on("error", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  context.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, taken };
}

type Channel = Mail["channel"];

async function send(
  port: number,
  channel: Partial<Channel> = {},
  mail: Partial<Omit<Mail, "channel">> = {},
  alert: Alert = ALERT,
): Promise<SendReply> {
  const from = "Entrain <entrain@example.com>";
  const base = { allowPrivate: false, host: "127.0.0.1", port, tls: "starttls", from, to: ["it@example.com"] } as const;
  const given = { name: "desk", password: null, ca: CERTIFICATE.ca, timeoutMs: 5_000, ...mail };
  return await sendMail({ ...given, channel: { ...base, ...channel } }, alert, SIGNAL);
}

const LOGIN = { user: USER } as const;
const KNOWN = { password: () => PASSWORD } as const;

function failedWith(reply: SendReply): string {
  assert.ok(reply.kind === "failed", JSON.stringify(reply));
  const said = `${reply.detail} ${reply.fix}`;
  for (const secret of [PASSWORD, Buffer.from(PASSWORD).toString("base64")]) assert.ok(!said.includes(secret), said);
  return said;
}

test("sends one mail to everybody by STARTTLS, signed in, as text and as HTML", async (context) => {
  const { port, taken } = await serve(context, {});
  const to = ["it@example.com", "boss@example.com"];
  assert.deepEqual(await send(port, { ...LOGIN, to }, KNOWN), { kind: "accepted", status: 250 });
  const [mail, ...others] = taken;
  assert.ok(mail !== undefined && others.length === 0);
  assert.deepEqual([mail.from, mail.to, mail.secure, mail.user], ["entrain@example.com", to, true, USER]);
  assert.match(mail.text, /^Subject: \[Entrain\] contoso-desk keeps failing\r$/m);
  assert.match(mail.text, /^From: Entrain <entrain@example.com>\r$/m);
  assert.match(mail.text, /^Message-ID: <alert_1@example.com>\r$/m);
  assert.match(mail.text, /^Date: Mon, 03 Mar 2031 08:00:00 \+0000\r$/m);
  assert.match(mail.text, /^Auto-Submitted: auto-generated\r$/m);
  assert.match(mail.text, /Content-Type: text\/plain; charset=utf-8/);
  // Quoted-printable: an equals sign at the end of a line joins it with the next.
  const body = mail.text.replaceAll("=\r\n", "");
  assert.match(body, /The last 3 runs failed: <desk> & co could not be reached\./);
  assert.match(mail.text, /Content-Type: text\/html; charset=utf-8/);
  assert.match(body, /&lt;desk&gt; &amp; co/);
});

test("speaks TLS from the first byte, and none at all where that was asked for", async (context) => {
  const implicit = await serve(context, { secure: true });
  assert.equal((await send(implicit.port, { ...LOGIN, tls: "implicit" }, KNOWN)).kind, "accepted");
  assert.equal(implicit.taken[0]?.secure, true);
  const plain = await serve(context, { disabledCommands: ["STARTTLS", "AUTH"] });
  assert.equal((await send(plain.port, { tls: "none" })).kind, "accepted");
  assert.deepEqual([plain.taken[0]?.secure, plain.taken[0]?.user], [false, null]);
});

test("sends nothing without TLS where TLS was to be spoken", async (context) => {
  const plain = await serve(context, { disabledCommands: ["STARTTLS"], allowInsecureAuth: true });
  assert.match(
    failedWith(await send(plain.port, LOGIN, KNOWN)),
    /does not offer STARTTLS, and nothing is sent without/,
  );
  assert.match(failedWith(await send(plain.port, { tls: "implicit" })), /it does not speak TLS there/);
  assert.deepEqual(plain.taken, []);
});

test("says what is wrong with a certificate", async (context) => {
  const { port, taken } = await serve(context, {});
  const stranger = makeLoopbackCertificate(NOW).ca;
  assert.match(failedWith(await send(port, {}, { ca: stranger })), /unknown authority \(NODE_EXTRA_CA_CERTS/);
  const implicit = await serve(context, { secure: true });
  assert.match(failedWith(await send(implicit.port, { tls: "implicit" }, { ca: stranger })), /unknown authority/);
  const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
  const named = { host: "mail.example.com", allowPrivate: true };
  assert.match(failedWith(await send(port, named, { resolve })), /its certificate is for another name/);
  const old = makeLoopbackCertificate(NOW - 1_000 * 86_400_000);
  const expired = await serve(context, { key: old.key, cert: old.cert });
  assert.match(failedWith(await send(expired.port, {}, { ca: old.ca })), /its certificate has expired/);
  assert.deepEqual(taken, []);
});

test("says that the user was not let in, and repeats nothing of what the server said to that", async (context) => {
  const { port, taken } = await serve(context, {});
  const wrong = "wrong horse";
  const reply = await send(port, LOGIN, { password: () => wrong });
  assert.match(failedWith(reply), /did not let the channel's user in \(535\)/);
  assert.ok(!JSON.stringify(reply).includes(wrong));
  const without = await serve(context, { disabledCommands: ["AUTH"] });
  assert.match(failedWith(await send(without.port, LOGIN, KNOWN)), /did not let the channel's user in/);
  assert.deepEqual([taken, without.taken], [[], []]);
});

test("tells of recipients that were refused: all of them, or some of them", async (context) => {
  const { port, taken } = await serve(context, {
    authOptional: true,
    onRcptTo: ({ address }, _session, callback) => {
      if (address.startsWith("it@")) callback();
      else callback(Object.assign(new Error(`No such user here ${PASSWORD}`), { responseCode: 550 }));
    },
  });
  const all = failedWith(await send(port, { ...LOGIN, to: ["gone@example.com"] }, KNOWN));
  assert.match(all, /refused everybody: gone@example\.com \(550 No such user here \[secret\]\)/);
  const some = await send(port, { ...LOGIN, to: ["it@example.com", "gone@example.com"] }, KNOWN);
  assert.ok(some.kind === "accepted" && some.note !== undefined, JSON.stringify(some));
  assert.match(some.note, /refused gone@example\.com \(550 No such user here \[secret\]\)/);
  assert.deepEqual(taken[0]?.to, ["it@example.com"]);
});

test("tells of a sender that was refused, and of a mail that was", async (context) => {
  const refuse = (what: string): Error => Object.assign(new Error(what), { responseCode: 553 });
  const sender = await serve(context, {
    authOptional: true,
    onMailFrom: (_address, _session, callback) => callback(refuse("not yours")),
  });
  assert.match(failedWith(await send(sender.port)), /refused the sender: 553 not yours\./);
  const content = await serve(context, {
    authOptional: true,
    onData: (stream, _session, callback) => {
      stream.on("end", () => callback(refuse("looks like spam"))).resume();
    },
  });
  assert.match(failedWith(await send(content.port)), /refused the mail: 553 looks like spam\./);
});

test("waits no longer than it was told for a server that says nothing", async (context) => {
  const silent = createServer((socket) => socket.on("error", () => undefined));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  context.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const said = failedWith(await send(port, {}, { timeoutMs: 50 }));
  assert.match(said, /127\.0\.0\.1:\d+ did not answer within 50 ms\. .* tls: implicit/);
  const stopping = new AbortController();
  const channel = {
    allowPrivate: false,
    host: "127.0.0.1",
    port,
    tls: "starttls",
    from: "a@b.example",
    to: ["c@d.example"],
  } as const;
  const sending = sendMail({ name: "desk", channel, password: null }, ALERT, stopping.signal);
  stopping.abort(new Error("Ctrl-C"));
  await assert.rejects(sending, /Ctrl-C/);
});

test("says that nobody listens, and reaches private networks only where that is allowed", async () => {
  assert.match(failedWith(await send(9)), /127\.0\.0\.1:9 could not be reached: nothing listens there/);
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254"]) {
    const resolve = async () => [{ address, family: 4 }];
    const said = failedWith(await send(25, { host: "mail.example.com" }, { resolve }));
    assert.match(said, /^mail\.example\.com leads to .* allowPrivate/);
  }
});

test("lets nothing in an alert become a header, or another mail", async (context) => {
  const { port, taken } = await serve(context, { authOptional: true });
  const sync = "desk\r\nBcc: victim@example.com\r\n\r\nHello";
  const people = ["山田\r\n.\r\nMAIL FROM:<x@example.com>"];
  const data = { ...ALERT.data, sync, people, detail: "a\r\n.\r\nQUIT\r\n" };
  const held: Alert = { ...ALERT, data };
  assert.equal((await send(port, {}, {}, held)).kind, "accepted");
  assert.equal(taken.length, 1);
  assert.deepEqual(taken[0]?.to, ["it@example.com"]);
  const [headers = ""] = taken[0]?.text.split("\r\n\r\n") ?? [];
  assert.doesNotMatch(headers, /^Bcc:/m);
  assert.match(headers, /^Subject: \[Entrain\] desk Bcc: victim@example\.com Hello keeps failing/m);
});

test("writes a subject in any script", async (context) => {
  const { port, taken } = await serve(context, { authOptional: true });
  await send(port, {}, {}, { ...ALERT, data: { ...ALERT.data, sync: "東京-デスク" } });
  const folded = /^Subject: ((?:.*\r\n[ \t])*.*)\r$/m.exec(taken[0]?.text ?? "")?.[1] ?? "";
  // RFC 2047, 4.2.
  const words = [...folded.matchAll(/=\?UTF-8\?Q\?(.*?)\?=/g)].map(([, text = ""]) => text);
  const decoded = words.map((text) => decodeURIComponent(text.replaceAll("_", " ").replaceAll("=", "%")));
  assert.equal(decoded.join(""), "[Entrain] 東京-デスク keeps failing");
});
