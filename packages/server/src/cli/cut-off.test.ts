import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { Writable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { NAMES, startTestServer } from "../api/testing.ts";
import { runProgram } from "./program.ts";
import { surroundings } from "./testing.ts";
import type { Installation } from "./world.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

for (const [fault, code, sql] of [
  ["whose rows another process drops", "plan_stale", "delete from plan_changes"],
  ["whose store fails", "internal", "alter table plan_issues rename to plan_issues_gone"],
] as const) {
  test(`a plan ${fault} while it is listed ends in exit code 1 and an error, not in half a list`, async (context) => {
    const server = await startTestServer({ simulator: { people: 620, groups: 2 } });
    context.after(() => server.close());
    const { installation } = server;
    let written = "";
    const stdout = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        const first = written === "";
        written += chunk.toString();
        if (!first) return done();
        const { store } = installation;
        const raw = store.transaction((tx) =>
          tx.executeQuery({ sql, parameters: [], query: { kind: "RawNode" } } as never),
        );
        raw.then(() => done(), done);
      },
    });
    const openInstallation = async (): Promise<Installation> => ({ ...installation, close: async () => undefined });
    const { world, err } = surroundings({ stdout, openInstallation });
    assert.equal(await runProgram(["sync", "plan", NAMES.people, "--json"], world), 1);
    const { error } = JSON.parse(err()) as { readonly error: { readonly code: string } };
    assert.ok([code, "store_failed"].includes(error.code), error.code);
    assert.throws(() => JSON.parse(written), "half a list must not read as a whole one");
  });
}

const FULL = "/dev/full";

test("output that a full disk did not take ends in exit code 1 and an error", {
  skip: existsSync(FULL) ? false : `there is no ${FULL} here`,
}, async () => {
  const full = openSync(FULL, "w");
  const child = spawn(process.execPath, [MAIN, "--help"], { stdio: ["ignore", full, "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 1);
  assert.match(said, /could not be written \(ENOSPC\)/);
});
