import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConnectorError } from "@entrain/core";
import { runProgram, tellFault } from "./cli/program.ts";
import type { World } from "./cli/world.ts";
import { systemClock } from "./clock.ts";
import { readPaths } from "./config.ts";
import { boundHeap } from "./memory.ts";

const LOOK_FOR_NPM_MS = 1000;
/** The program: reads its surroundings, wires its parts, and ends with the exit code of the command that was typed. */
const stop = new AbortController();
let asked = 0;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    asked += 1;
    stop.abort(new Error("The command was stopped."));
    if (asked > 1) process.exit(1); // Whoever asks twice does not want to wait; what was begun is found by the next run.
  });
}
// npm passes signals on. Killed outright it passes on nothing, and what it started would go on and hold its port.
if (process.env.npm_lifecycle_event === "start" && process.env.npm_package_name === "entrain-workspace") {
  const npm = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== npm) stop.abort(new Error("npm, which started the program, is gone."));
  }, LOOK_FOR_NPM_MS);
  watch.unref();
}
// A reader that went away, as `head` does, ends the program quietly; output that was lost, as on a full disk, does not.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  const message = `What the command printed could not be written (${error.code ?? error.message}); it is incomplete.`;
  const fault = new ConnectorError("store_failed", message, { stops: "run", retry: "never", cause: error });
  void tellFault(fault, process.argv, world).finally(() => process.exit(1));
});
process.stderr.on("error", () => undefined);

const world: World = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  clock: systemClock,
  user: userName(),
  version: packageVersion(),
  signal: stop.signal,
  targetTypes: async () => (await import("./target-types.ts")).TARGET_TYPES,
  openInstallation: async ({ demo, create }) => {
    const { openInstallation } = await import("./wiring.ts");
    boundHeap();
    const paths = readPaths(process.env, process.cwd(), demo);
    return openInstallation({ paths, environment: process.env, clock: systemClock, create });
  },
  serve: async (options) => {
    const { serve } = await import("./serve.ts");
    await serve(world, options);
  },
};

for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (fault: unknown) => {
    void tellFault(fault, process.argv, world).finally(() => process.exit(1));
  });
}

process.exitCode = await runProgram(process.argv.slice(2), world);
process.stdin.destroy();

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`; // A container may run a user that has no name.
  }
}

function packageVersion(): string {
  const path = join(dirname(dirname(fileURLToPath(import.meta.url))), "package.json");
  if (!existsSync(path)) return "0.0.0";
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
}
