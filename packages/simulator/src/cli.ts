import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { GRAPH_PERMISSIONS } from "./applications/catalogue.ts";
import { ended, guarded, number } from "./command-line.ts";
import { FAULT_SYNTAX, parseFaults } from "./faults/parse.ts";
import type { FaultPlan } from "./faults/rules.ts";
import { fileFault } from "./file-words.ts";
import { runFreshchat } from "./freshchat/cli.ts";
import { nearest } from "./nearest.ts";
import { CLOUDS, type CloudName } from "./signin/clouds.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
import { readTenantFile } from "./tenant/load.ts";

interface Flags {
  readonly people: number;
  readonly groups: number;
  readonly seed: number;
  readonly tenants: number;
  readonly replication: number;
  readonly memberships?: number;
  readonly contacts: number;
  readonly port: number;
  readonly host: string;
  readonly latency: number;
  readonly throttle: "published" | "off";
  readonly cloud: CloudName;
  readonly faults?: FaultPlan;
  readonly churn: number;
  readonly roles?: readonly string[];
  readonly tenant?: string;
  readonly state?: string;
  readonly tls?: true;
  readonly ca?: string;
  readonly json?: true;
}

/** Runs the command line until a signal ends it; sets the exit code: 0, 1 on failure, 2 on wrong usage. */
export function main(argv: readonly string[]): Promise<void> {
  return guarded(async () => {
    if (argv[2] === "freshchat") return runFreshchat(argv.slice(3));
    const command = program();
    command.parse([...argv]);
    const flags = command.opts<Flags>();
    if (flags.ca !== undefined && flags.tls !== true) {
      command.error("error: --ca needs --tls; without it there is no certificate authority to write.");
    }
    await run(flags);
  });
}

function program(): Command {
  return new Command("entrain-simulator")
    .description("A simulated Microsoft Entra tenant: sign-in and Microsoft Graph v1.0 on one local port.")
    .addOption(number("--people <count>", "people in the generated tenant", 1000))
    .addOption(number("--groups <count>", "groups in the generated tenant", 50))
    .addOption(number("--memberships <count>", "at most so many direct memberships in the generated tenant"))
    .addOption(number("--contacts <count>", "organizational contacts in the generated tenant", 0))
    .addOption(number("--seed <number>", "the same seed gives the same tenant, ids and secret", 1))
    .addOption(number("--tenants <count>", "tenants of this size, each with its own people and administrators", 1, 100))
    .addOption(number("--replication <ms>", "milliseconds until a granted or removed permission shows in tokens", 0))
    .addOption(number("--port <port>", "port to listen on; 0 takes a free one", 7421, 65_535))
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .addOption(number("--latency <ms>", "milliseconds that every answer waits", 0))
    .addOption(
      new Option("--throttle <limits>", "throttling limits").choices(["published", "off"]).default("published"),
    )
    .addOption(new Option("--cloud <name>", "cloud whose tokens it issues").choices([...CLOUDS]).default("global"))
    .option("--faults <rules>", "faults to make; see below", faultsIn)
    .addOption(number("--churn <changes>", "changes a minute that people make by themselves", 0))
    .option("--roles <list>", "application permissions in tokens, separated by commas", rolesIn)
    .option("--tenant <file>", "serve this tenant (JSON with users and groups as Graph shows them)")
    .option(
      "--state <file>",
      "keep the tenant, its applications with their permissions, and its delta tokens in this file across restarts",
    )
    .option("--tls", "serve HTTPS with a certificate made for localhost")
    .option("--ca <file>", "with --tls, write the certificate authority here (PEM)")
    .option("--json", "print one line of JSON when ready")
    .allowExcessArguments(false)
    .exitOverride()
    .addHelpText(
      "after",
      `\n${FAULT_SYNTAX}\n\nentrain-simulator freshchat simulates a Freshchat account; entrain-simulator freshchat --help tells how.\n`,
    );
}

function faultsIn(text: string): FaultPlan {
  try {
    return parseFaults(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function rolesIn(text: string): readonly string[] {
  const roles = text
    .split(",")
    .map((role) => role.trim())
    .filter((role) => role !== "");
  const known = GRAPH_PERMISSIONS.filter(({ kind }) => kind === "Role").map(({ value }) => value);
  const unknown = roles.find((role) => !known.includes(role));
  if (unknown === undefined) return roles;
  const near = nearest(unknown, known);
  const hint = near === null ? `there are ${known.slice(0, 3).join(", ")} and others` : `do you mean ${near}?`;
  throw new InvalidArgumentError(
    `"${unknown}" is no application permission of Microsoft Graph that the simulator knows; ${hint}`,
  );
}

async function run(flags: Flags): Promise<void> {
  const options: SimulatorOptions = {
    port: flags.port,
    host: flags.host,
    tls: flags.tls === true,
    people: flags.people,
    groups: flags.groups,
    memberships: flags.memberships,
    contacts: flags.contacts,
    seed: flags.seed,
    tenants: flags.tenants,
    replicationMs: flags.replication,
    latencyMs: flags.latency,
    throttle: flags.throttle,
    cloud: flags.cloud,
    faults: flags.faults,
    churnPerMinute: flags.churn,
    roles: flags.roles,
    stateFile: flags.state,
    tenant: flags.tenant === undefined ? undefined : await readTenantFile(flags.tenant),
  };
  const simulator = await startSimulator(options);
  try {
    const ca = await writeAuthority(simulator, flags.ca);
    // Before the announcement: whoever reads it may send the signal at once.
    const end = ended();
    announce(simulator, ca, flags.json === true);
    await end;
  } finally {
    await simulator.close();
  }
}

/** Where clients find the authority to trust; null without TLS. */
async function writeAuthority(simulator: Simulator, wanted: string | undefined): Promise<string | null> {
  if (simulator.ca === null) return null;
  const path = wanted ?? join(process.cwd(), "entrain-simulator-ca.pem");
  await writeFile(path, simulator.ca).catch((cause: unknown) => {
    const reason = fileFault(cause, "its folder does not exist");
    throw new Error(`The certificate authority ${path} cannot be written: ${reason}; give another file with --ca.`, {
      cause,
    });
  });
  return path;
}

function announce(simulator: Simulator, ca: string | null, json: boolean): void {
  const { login, graph, tenant, client, secret, roles, tenants } = simulator;
  const more = { ...(ca === null ? {} : { ca }), ...(tenants.length === 1 ? {} : { tenants }) };
  const trust = ca === null ? "" : ` ca ${ca}`;
  const others = tenants.length === 1 ? "" : ` tenants ${tenants.join(",")}`;
  process.stdout.write(
    json
      ? `${JSON.stringify({ login, graph, tenant, client, secret, roles, ...more })}\n`
      : `Simulated tenant ready: login ${login} graph ${graph} tenant ${tenant} client ${client} secret ${secret}${trust}${others}\n`,
  );
}
