import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { AddressRefused, checkLiteral, guardedLookup, type Reach, type Resolve } from "./addresses.ts";
import { createTransport, TransportFault } from "./http.ts";

const NONE = new AbortController().signal;

/** A resolver that answers one list after the other, and counts. */
function resolver(...answers: readonly (readonly string[])[]): Resolve & { readonly asked: () => number } {
  let asked = 0;
  const resolve: Resolve = async () => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked: () => asked });
}

function looked(addresses: readonly string[], reach: Reach): Promise<readonly string[]> {
  return new Promise((done, fail) => {
    guardedLookup(reach, resolver(addresses))("desk.example", { all: true }, (error, found) => {
      if (error !== null) fail(error);
      else done(typeof found === "string" ? [found] : found.map(({ address }) => address));
    });
  });
}

const PUBLIC = ["203.0.114.7", "8.8.8.8", "2001:4860:4860::8888"];
const PRIVATE = [
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.254",
  "192.168.1.1",
  "100.64.0.1",
  "fd12:3456::1",
  "::ffff:10.1.2.3",
];
const OWN = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"];
const NEVER = [
  "0.0.0.0",
  "::",
  "169.254.169.254",
  "::ffff:169.254.169.254",
  "fe80::1",
  "fd00:ec2::254",
  "100.100.100.200",
  "224.0.0.1",
  "255.255.255.255",
  "ff02::1",
  "64:ff9b::a9fe:a9fe",
];

test("a name may lead to public addresses, to private ones where that is allowed, and to none that no server has", async () => {
  for (const address of PUBLIC) assert.deepEqual(await looked([address], "public"), [address]);
  for (const address of [...PRIVATE, ...OWN]) {
    await assert.rejects(looked([address], "public"), AddressRefused, address);
    assert.deepEqual(await looked([address], "private"), [address]);
  }
  for (const address of NEVER) await assert.rejects(looked([address], "private"), AddressRefused, address);
  for (const address of OWN) await assert.rejects(looked([address], "network"), AddressRefused, address);
  for (const address of PRIVATE) assert.deepEqual(await looked([address], "network"), [address]);
});

test("of several addresses of a name only those that are allowed are connected to", async () => {
  assert.deepEqual(await looked(["10.1.2.3", "203.0.114.7", "127.0.0.1"], "public"), ["203.0.114.7"]);
  await assert.rejects(looked(["10.1.2.3", "127.0.0.1"], "public"), (error: unknown) => {
    assert.ok(error instanceof AddressRefused);
    assert.match(error.message, /desk\.example leads to 10\.1\.2\.3, an address of a private network/);
    return true;
  });
});

test("an address that is typed is one that is meant, but for those that no server has", () => {
  for (const host of ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "[fd12:3456::1]", "desk.example"])
    checkLiteral(host);
  for (const host of ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:a9fe:a9fe]"]) {
    assert.throws(() => checkLiteral(host), AddressRefused, host);
  }
});

test("what was checked is what is connected to, whatever the name says a moment later", async (context) => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end("reached");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  context.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const send = async (resolve: Resolve, reach: Reach): Promise<string> => {
    const transport = createTransport({ resolve, timeouts: { connect: 300 } });
    const url = new URL(`http://desk.example:${port}/`);
    const answer = await transport
      .send({ method: "GET", url, headers: {}, reach }, NONE)
      .finally(() => transport.close());
    return answer.text;
  };
  const honest = resolver(["127.0.0.1"]);
  assert.equal(await send(honest, "private"), "reached");
  assert.equal(honest.asked(), 1);
  // Nobody listens at the name's first answer, and its second one is never asked for.
  const turning = resolver(["127.0.0.2"], ["127.0.0.1"]);
  await assert.rejects(send(turning, "private"), TransportFault);
  assert.equal(turning.asked(), 1);
  await assert.rejects(send(resolver(["127.0.0.1"]), "public"), (error: unknown) => {
    assert.ok(error instanceof TransportFault);
    assert.equal(error.kind, "refused");
    assert.match(error.message, /desk\.example leads to 127\.0\.0\.1, this machine/);
    return true;
  });
  assert.equal(requests, 1);
});
