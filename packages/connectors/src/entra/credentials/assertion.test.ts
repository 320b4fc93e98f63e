import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ConnectorError } from "@entrain/core";
import { createTransport } from "../../shared/http.ts";
import { HASTY, Sender } from "../sender.ts";
import { fetchAssertion } from "./assertion.ts";

const JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2IifQ.signature";

test("an assertion's name that leads to a private network or this machine is not asked unless that is allowed", async (t) => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end(JWT);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const transport = createTransport({ resolve: async () => [{ address: "127.0.0.1", family: 4 }] });
  t.after(() => transport.close());
  const runtime = { clock: { now: () => 0 }, random: () => 0.5, sleep: async () => assert.fail("tried again") };
  const sender = new Sender("The provider", transport, runtime);
  const attempt = { patience: HASTY, signal: t.signal };
  const url = `https://token.example:${port}/?sig=CANARY`;
  await assert.rejects(fetchAssertion({ url }, sender, attempt), (error: unknown) => {
    assert.ok(error instanceof ConnectorError);
    assert.equal(error.code, "config_invalid");
    assert.match(error.message, /token\.example leads to 127\.0\.0\.1, this machine/);
    assert.match(error.fix, /allowPrivate: true/);
    assert.doesNotMatch(error.message + error.fix, /CANARY/);
    return true;
  });
  assert.equal(requests, 0);
  await assert.rejects(fetchAssertion({ url: "https://169.254.169.254/token" }, sender, attempt), /no server is/);
  // What is typed as this machine is meant; a name that leads there is followed where that is allowed, and meets no TLS here.
  assert.equal(await fetchAssertion({ url: `http://127.0.0.1:${port}/` }, sender, attempt), JWT);
  const impatient = { ...attempt, patience: { ...HASTY, unanswered: 1 } };
  await assert.rejects(fetchAssertion({ url, allowPrivate: true }, sender, impatient), /TLS|connection/);
  assert.equal(requests, 1);
});
