import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createTransport, type HttpAnswer, TransportFault } from "./http.ts";

const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(
  listener: RequestListener,
  make: (listener: RequestListener) => Server = createServer,
): Promise<number> {
  const server = make(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

type Options = Parameters<typeof createTransport>[0];

async function get(url: string, options: Options = {}, signal = new AbortController().signal): Promise<HttpAnswer> {
  const transport = createTransport(options);
  try {
    return await transport.send({ method: "GET", url: new URL(url), headers: {} }, signal);
  } finally {
    await transport.close();
  }
}

async function faultOf(answer: Promise<HttpAnswer>): Promise<TransportFault> {
  const fault: unknown = await answer.catch((error: unknown) => error);
  assert.ok(fault instanceof TransportFault, String(fault));
  return fault;
}

test("decompresses answers of any size, and says nothing of encodings that it was not asked for", async () => {
  const text = "ÆØÅ 漢字 ".repeat(200_000);
  const port = await serve((request, response) => {
    assert.equal(request.headers["accept-encoding"], "gzip");
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(request.url === "/empty" ? "" : text));
  });
  assert.equal((await get(`http://127.0.0.1:${port}/`)).text, text);
  assert.equal((await get(`http://127.0.0.1:${port}/empty`)).text, "");
  const brotli = await serve((_request, response) => response.writeHead(200, { "content-encoding": "br" }).end("x"));
  assert.equal((await faultOf(get(`http://127.0.0.1:${brotli}/`))).kind, "invalid");
});

test("takes a damaged or shortened compressed answer for broken", async () => {
  const whole = gzipSync("x".repeat(10_000));
  for (const bytes of [whole.subarray(0, whole.length - 4), Buffer.from("no gzip at all")]) {
    const port = await serve((_request, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bytes),
    );
    assert.equal((await faultOf(get(`http://127.0.0.1:${port}/`))).kind, "broken");
  }
});

test("tells a connection cut before the answer from one cut inside it", async () => {
  const before = await serve((request) => request.socket.destroy());
  assert.equal((await faultOf(get(`http://127.0.0.1:${before}/`))).kind, "unreachable");
  const inside = await serve((_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  });
  assert.equal((await faultOf(get(`http://127.0.0.1:${inside}/`))).kind, "broken");
});

test("bounds the whole request, and puts the caller's abort before it", async () => {
  const port = await serve((_request, response) => void response.write("never the end"));
  const url = `http://127.0.0.1:${port}/`;
  assert.equal((await faultOf(get(url, { timeouts: { total: 30 } }))).kind, "timeout");
  const controller = new AbortController();
  const reason = new Error("Ctrl-C");
  const answer = get(url, {}, controller.signal);
  setImmediate(() => controller.abort(reason));
  await assert.rejects(answer, reason);
  await assert.rejects(get(url, {}, AbortSignal.abort(reason)), reason);
});

test("tells an image byte by byte, as far as it is no larger than asked for, and refusals as text", async () => {
  const image = Buffer.from(Array.from({ length: 512 }, (_, at) => at % 256));
  const port = await serve((request, response) => {
    if (request.url === "/none") response.writeHead(404).end("nö");
    else response.end(image);
  });
  const transport = createTransport({});
  after(() => transport.close());
  const ask = (path: string, bytesAtMost: number): Promise<HttpAnswer> => {
    const url = new URL(`http://127.0.0.1:${port}${path}`);
    return transport.send({ method: "GET", url, headers: {}, bytesAtMost }, new AbortController().signal);
  };
  assert.deepEqual(Buffer.from((await ask("/", 512)).text, "latin1"), image);
  const fault = await faultOf(ask("/", 511));
  assert.deepEqual([fault.kind, /larger than 511 bytes/.test(fault.message)], ["invalid", true]);
  assert.equal((await ask("/none", 1)).text, "nö");
});

test("names a host whose name is not known without repeating path or query", async () => {
  const fault = await faultOf(get("http://nowhere.invalid/path?secret=1"));
  assert.match(fault.message, /^nowhere\.invalid could not be reached: /);
  assert.doesNotMatch(fault.message, /secret|path/);
});

const TOOL = "openssl";
const openssl = hasOpenssl();

test("trusts a host's own authority only where it was given", {
  skip: openssl ? false : "needs openssl: apt-get install openssl",
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "entrain-tls-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  execFileSync(TOOL, ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, ...subject], {
    stdio: "ignore",
  });
  const ca = readFileSync(cert, "utf8");
  const port = await serve(
    (_request, response) => response.end("secure"),
    (listener) => createTlsServer({ key: readFileSync(key), cert: ca }, listener),
  );
  assert.equal((await get(`https://127.0.0.1:${port}/`, { ca })).text, "secure");
  const fault = await faultOf(get(`https://127.0.0.1:${port}/`));
  assert.match(fault.message, /certificate is self-signed and its authority was not given/);
});

function hasOpenssl(): boolean {
  try {
    execFileSync(TOOL, ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("what is on its way when the transport is closed on this side is told so, and nothing goes out behind it", async () => {
  const transport = createTransport({});
  let seen = 0;
  const arrived = Promise.withResolvers<void>();
  const port = await serve(() => {
    seen += 1;
    arrived.resolve();
  });
  const send = (): Promise<HttpAnswer> =>
    transport.send(
      { method: "GET", url: new URL(`http://127.0.0.1:${port}/`), headers: {} },
      new AbortController().signal,
    );
  const fault = faultOf(send());
  await arrived.promise;
  await transport.close();
  for (const one of [await fault, await faultOf(send())]) {
    assert.equal(one.kind, "invalid");
    assert.match(one.message, /was closed on this side/);
  }
  assert.equal(seen, 1);
});
