import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { ask, startTestServer, type TestServer } from "./testing.ts";

describe("the console's files", () => {
  let folder: string;
  let server: TestServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "entrain-console-"));
    await mkdir(join(folder, "assets"));
    await writeFile(
      join(folder, "index.html"),
      '<meta property="csp-nonce" nonce="ENTRAIN_CSP_NONCE"><title>Entrain</title>',
    );
    await writeFile(join(folder, "assets", "index-abc.js"), "export {};");
    await writeFile(join(folder, "assets", "index-abc.js.gz"), gzipSync("export {};"));
    await writeFile(join(folder, "secret.txt"), "not to be served");
    server = await startTestServer({ api: { consoleFolder: folder }, simulator: { people: 5, groups: 1 } });
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("gives the page with a nonce that is new each time, and a policy that allows nothing inline beside it", async () => {
    const nonces = [];
    for (const { status, headers, text } of [await ask(server.url), await ask(server.url)]) {
      assert.equal(status, 200);
      const policy = headers.get("content-security-policy") ?? "";
      const [, nonce = ""] = /'nonce-([\w+/=]+)'/.exec(policy) ?? [];
      assert.ok(text.includes(`nonce="${nonce}"`));
      assert.match(policy, /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/);
      assert.equal(policy.includes("unsafe"), false);
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
      assert.equal(headers.get("access-control-allow-origin"), null);
      nonces.push(nonce);
    }
    assert.equal(nonces[0]?.length, 24);
    assert.notEqual(nonces[0], nonces[1]);
  });

  it("lets files whose names carry a hash be kept for good, compressed where the browser can", async () => {
    const { status, headers, text } = await ask(`${server.url}/assets/index-abc.js`);
    assert.equal(status, 200);
    assert.equal(text, "export {};");
    assert.equal(headers.get("content-encoding"), "gzip");
    assert.equal(headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.match(headers.get("content-type") ?? "", /javascript/);
  });

  it("serves nothing else of the folder, nor of the machine", async () => {
    for (const path of [
      "/assets/../secret.txt",
      "/assets/..%2fsecret.txt",
      "/assets/%2e%2e/secret.txt",
      "/secret.txt",
      "/assets/",
    ]) {
      const { status, text } = await ask(`${server.url}${path}`);
      assert.ok(status === 404 || status === 403 || status === 400, `${path}: ${status}`);
      assert.equal(text.includes("not to be served"), false);
    }
  });

  it("shows a page to browsers and a problem to programs where there is nothing", async () => {
    const page = await ask(`${server.url}/nowhere`, { headers: { accept: "text/html" } });
    assert.equal(page.status, 404);
    assert.match(page.text, /There is no such page/);
    const problem = await ask(`${server.url}/nowhere`);
    assert.equal(problem.body.code, "not_found");
  });

  it("says how to build the console while it is not built", async () => {
    const one = await startTestServer({ simulator: { people: 5, groups: 1 } });
    try {
      const { status, text } = await ask(one.url);
      assert.equal(status, 503);
      assert.match(text, /npm run build -w packages\/console/);
      assert.doesNotMatch(one.log(), /must exist/);
    } finally {
      await one.close();
    }
  });
});
