import assert from "node:assert/strict";
import { type ExecFileException, execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

/** A bundler of one line: it leaves a mark of every build. */
const BUNDLER = `const fs = require("node:fs"); fs.mkdirSync("dist", { recursive: true }); fs.appendFileSync("dist/built", "x");`;

describe("the bootstrap", () => {
  let root = "";
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const run = (
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }> =>
    new Promise((done) => {
      const finished = (error: ExecFileException | null, out: string, err: string): void =>
        done({ code: typeof error?.code === "number" ? error.code : 0, out, err });
      const inherited = { ...process.env, npm_lifecycle_event: undefined, npm_execpath: undefined, ...env };
      execFile(process.execPath, [join(root, "tools/bootstrap.mjs")], { env: inherited }, finished);
    });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "entrain clone "));
    write("package.json", `{ "name": "clone", "private": true }`);
    write("package-lock.json", `{ "name": "clone", "lockfileVersion": 3, "packages": { "": { "name": "clone" } } }`);
    write("node_modules/.package-lock.json", `{ "packages": {} }`);
    mkdirSync(join(root, "node_modules/.bin"));
    symlinkSync(process.execPath, join(root, "node_modules/.bin/node"));
    mkdirSync(join(root, "tools"));
    cpSync(join(import.meta.dirname, "bootstrap.mjs"), join(root, "tools/bootstrap.mjs"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("installs nothing where everything is there, whoever installed it", async () => {
    assert.deepEqual(await run(), { code: 0, out: "", err: "" });
    assert.ok(existsSync(join(root, "node_modules/.entrain-lock")));
    assert.deepEqual(await run(), { code: 0, out: "", err: "" });
  });

  it("says what is wrong and what to do when the registry is out of reach", async () => {
    const lock = { "": { dependencies: { absent: "1.0.0" } }, "node_modules/absent": { version: "1.0.0" } };
    write("package.json", `{ "name": "clone", "private": true, "dependencies": { "absent": "1.0.0" } }`);
    write("package-lock.json", JSON.stringify({ name: "clone", lockfileVersion: 3, packages: lock }));
    // Port 1 is closed, so the connection is refused at once; the cache must not know the package either.
    const offline = {
      npm_config_registry: "http://127.0.0.1:1/",
      npm_config_fetch_retries: "0",
      npm_config_cache: join(root, "cache"),
    };
    const { code, out, err } = await run(offline);
    assert.equal(code, 1);
    assert.match(out, /installing the dependencies/);
    assert.match(
      err,
      /^entrain: the dependencies could not be installed: npm does not reach its registry\. Check the network/,
    );
    assert.doesNotMatch(err, /bootstrap\.mjs:\d+/);
  });

  it("builds the console once, and again when its sources change", async () => {
    write("packages/console/package.json", `{ "name": "console" }`);
    write("packages/console/index.html", "<p>one</p>");
    write("node_modules/vite/package.json", `{ "name": "vite", "version": "8.0.0" }`);
    write("node_modules/vite/bin/vite.js", BUNDLER);
    const built = (): string => readFileSync(join(root, "packages/console/dist/built"), "utf8");
    assert.match((await run()).out, /building the console/);
    assert.deepEqual([await run(), built()], [{ code: 0, out: "", err: "" }, "x"]);
    write("packages/console/index.html", "<p>two</p>");
    assert.match((await run()).out, /building the console/);
    assert.equal(built(), "xx");
  });

  it("shows why the console could not be built", async () => {
    write("packages/console/package.json", `{ "name": "console" }`);
    write("packages/console/index.html", "");
    write("node_modules/vite/package.json", `{ "name": "vite" }`);
    write("node_modules/vite/bin/vite.js", `console.error("main.tsx: unexpected token"); process.exit(1);`);
    const { code, err } = await run();
    assert.deepEqual([code, err.includes("the console could not be built:\nmain.tsx: unexpected token")], [1, true]);
  });

  it("refuses to go on when npm scripts would run an older Node than ours", async () => {
    const other = mkdtempSync(join(tmpdir(), "entrain-old-node-"));
    writeFileSync(join(other, "node"), "#!/bin/sh\necho v20.1.0\n", { mode: 0o755 });
    const PATH = `${other}${delimiter}${process.env.PATH ?? ""}`;
    const { code, err } = await run({ npm_lifecycle_event: "prestart", PATH });
    rmSync(other, { recursive: true });
    assert.equal(code, 1);
    assert.match(err, /npm scripts would run .*node \(v20\.1\.0\), not Node 24 from .*node_modules\/\.bin\/node/);
  });
});
