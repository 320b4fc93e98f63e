import { spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { chromiumAvailable, postgresAvailable } from "../test/servers.ts";

/** Debian's packages start their service on installation unless this program forbids it (Debian Policy, invoke-rc.d(8)). */
const POLICY = "/usr/sbin/policy-rc.d";

/** Installs with apt where that is ours to do, and otherwise says what to type. Missing servers alone are not a failure. */
async function installServers(): Promise<number> {
  const needs = [
    { name: "PostgreSQL", debian: "postgresql", status: postgresAvailable() },
    { name: "Chromium", debian: "chromium", status: chromiumAvailable() },
  ];
  const missing = needs.filter((need) => !need.status.available);
  if (missing.length === 0) return 0;
  if (!mayInstall()) {
    for (const { name, status } of missing) {
      if (!status.available)
        console.log(`entrain: ${name} is missing; its tests are skipped. To run them: ${status.install}`);
    }
    return 0;
  }
  const packages = missing.map((need) => need.debian);
  console.log(
    `entrain: installing what the tests need with apt-get: ${packages.join(", ")} (ENTRAIN_NO_INSTALL=1 prevents it) …`,
  );
  const failure = await aptInstall(packages);
  if (failure === null) return 0;
  console.error(`entrain: apt-get could not install ${packages.join(", ")}:\n${failure}`);
  return process.env.ENTRAIN_REQUIRE_SERVERS === "1" ? 1 : 0;
}

function mayInstall(): boolean {
  const refused = (process.env.ENTRAIN_NO_INSTALL ?? "") !== "";
  return !refused && process.getuid?.() === 0 && existsSync("/etc/debian_version");
}

/** Null on success, else the end of apt's output. No service is started, and nothing is left behind that forbids it later. */
async function aptInstall(packages: readonly string[]): Promise<string | null> {
  const ours = !existsSync(POLICY);
  const restore = (): void => {
    if (ours) rmSync(POLICY, { force: true });
  };
  process.once("exit", restore);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  if (ours) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  const patience = "DPkg::Lock::Timeout=120";
  const update = await run("apt-get", ["-qq", "-o", patience, "update"]);
  // A repository that does not answer need not be the one that has our packages.
  const install = await run("apt-get", [
    "-qq",
    "-o",
    patience,
    "install",
    "-y",
    "--no-install-recommends",
    ...packages,
  ]);
  restore();
  return install.ok ? null : `${update.ok ? "" : update.output}${install.output}`;
}

function run(command: string, args: readonly string[]): Promise<{ readonly ok: boolean; readonly output: string }> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-4000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return new Promise((done) => {
    child.once("error", (error) => done({ ok: false, output: `${error.message}\n` }));
    child.once("close", (code) => done({ ok: code === 0, output }));
  });
}

if (import.meta.main) process.exitCode = await installServers();
