import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, watch } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { MISSING_SERVER, sharedFolder, skipUnless, startPostgres } from "./servers.ts";

describe("a test's own PostgreSQL", { skip: skipUnless("postgres") }, () => {
  it("answers on loopback until it is stopped", async () => {
    const postgres = await startPostgres();
    const { hostname, port } = new URL(postgres.url);
    assert.equal(hostname, "127.0.0.1");
    assert.equal(await accepts(Number(port)), true);
    await postgres.stop();
    assert.equal(await accepts(Number(port)), false);
  });

  it("goes, with its folder, when the process that started it is killed", async () => {
    const scratch = mkdtempSync(join(tmpdir(), "entrain killed "));
    chmodSync(scratch, 0o1777); // A server that root starts runs as another user.
    const script = `import { startPostgres } from ${JSON.stringify(import.meta.resolve("./servers.ts"))};
      process.stdout.write((await startPostgres()).url); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
      env: { ...process.env, TMPDIR: scratch },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const url = await new Promise<string>((started) =>
      child.stdout.once("data", (text: Buffer) => started(text.toString())),
    );
    const port = Number(new URL(url).port);
    assert.deepEqual([readdirSync(scratch).length, await accepts(port)], [1, true]);
    const emptied = whenEmpty(scratch);
    child.kill("SIGKILL");
    await emptied;
    assert.equal(await accepts(port), false);
    rmSync(scratch, { recursive: true });
  });
});

describe("a test whose need is missing", () => {
  const before = { ...process.env };
  afterEach(() => {
    for (const name of ["CI", "ENTRAIN_SHARED", "PATH"]) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  it("is skipped with the name of what is missing and how to get it", () => {
    process.env.ENTRAIN_SHARED = "/nowhere";
    delete process.env.CI;
    const reason = skipUnless("shared");
    assert.ok(typeof reason === "string" && reason.startsWith(MISSING_SERVER), String(reason));
    assert.match(reason, /no reference data in \/nowhere.*ENTRAIN_SHARED/);
  });

  it("runs, and so fails, without the reference data in CI", () => {
    process.env.ENTRAIN_SHARED = "/nowhere";
    process.env.CI = "true";
    assert.equal(skipUnless("shared"), false);
    assert.equal(sharedFolder().available, false);
  });
});

function accepts(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => answer(false));
    socket.once("connect", () => {
      socket.destroy();
      answer(true);
    });
  });
}

function whenEmpty(folder: string): Promise<void> {
  return new Promise((done) => {
    const watcher = watch(folder, () => {
      if (readdirSync(folder).length > 0) return;
      watcher.close();
      done();
    });
  });
}
