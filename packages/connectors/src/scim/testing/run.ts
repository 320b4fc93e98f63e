/**
 * A SCIM server as a process of its own, for tests that kill the other side:
 * `node run.ts [--port N] [--log FILE] [--delay-before-commit MS] [--delay-before-answer MS]`.
 * Takes its bearer token from SCIM_TOKEN, prints `{"baseUrl": …}` when ready, and appends to the log one JSON line per
 * event: `{event: received | committed | answered, ordinal, method, path, bytes, status, receivedAt, committedAt}`.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startScimServer } from "./scimmy-server.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      log: { type: "string" },
      "delay-before-commit": { type: "string", default: "0" },
      "delay-before-answer": { type: "string", default: "0" },
    },
  });
  const server = await startScimServer({
    token: process.env.SCIM_TOKEN ?? "test-token",
    now: () => Date.now(),
    port: Number(values.port),
    beforeCommit: () => sleep(Number(values["delay-before-commit"])),
    beforeAnswer: () => sleep(Number(values["delay-before-answer"])),
    onEvent: (event, request) => {
      if (values.log !== undefined) appendFileSync(values.log, `${JSON.stringify({ event, ...request })}\n`);
    },
  });
  console.log(JSON.stringify({ baseUrl: server.baseUrl }));
}

if (import.meta.main) await main();
