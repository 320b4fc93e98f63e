import { access, constants } from "node:fs/promises";
import { CLOUDS } from "@entrain/connectors/entra";
import { type Check, ConnectorError } from "@entrain/core";
import { type CurrentConfiguration, connectionCloud, loadConfiguration } from "../config/current.ts";
import { type ExpiryWarning, expiryWarnings } from "../expiry/warnings.ts";
import { learnEnds } from "../expiry/watch.ts";
import { heldPlans } from "../runs/queries.ts";
import { deliveryCounts } from "../store/alerts.ts";
import { readLease } from "../store/leases.ts";
import { allOk, printChecks } from "./checks.ts";
import { command, type Invocation, type Register } from "./command.ts";
import { describeFault, saysEnough } from "./output.ts";
import { timeInWords } from "./wording.ts";
import type { Installation } from "./world.ts";

const NODE_WANTED = 24;
const SKEW_MAX_MS = 5 * 60_000;
const ANSWER_MS = 10_000;

export const register: Register = (group, world, ended) => {
  command(group, world, ended, examine);
};

/** Checks everything that a run needs, and goes on after a failed check, so that one visit tells all. */
async function examine(invocation: Invocation): Promise<1 | undefined> {
  const checks: Check[] = [nodeCheck()];
  let warned = false;
  const installation = await attempt(checks, "Store and key", invocation, () => invocation.open());
  if (installation !== null) {
    const { engine, folder, store } = installation;
    checks.push(passed("Store and key", `The ${store.engine} store opens, and its key is the right one.`));
    checks.push(await folderCheck(folder));
    const current = await loadConfiguration(store);
    for (const [name, row] of current.rows.connections) {
      const open = () => engine.openSource(row);
      const found = await verified(invocation, `Connection ${name}`, open);
      checks.push(...found, await clockCheck(invocation, name, row));
      const ends = await learnEnds(installation, row, invocation.signal);
      const warnings = expiryWarnings(ends, store.clock.now());
      warned ||= warnings.length > 0;
      if (!tellsEnds(found)) checks.push(...warnings.map((warning) => expiryCheck(name, warning)));
    }
    for (const [name, row] of current.rows.targets) {
      checks.push(...(await verified(invocation, `Target ${name}`, () => engine.openTarget(row))));
    }
    checks.push(...(await syncChecks(installation, current)));
    for (const [name, row] of current.rows.channels) checks.push(await channelCheck(installation, name, row));
  }
  const ok = allOk(checks);
  await invocation.output.value({ ok, checks });
  await printChecks(invocation.output, checks);
  await invocation.output.say(verdictOf(ok, warned));
  return ok ? undefined : 1;
}

function nodeCheck(): Check {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= NODE_WANTED) return passed("Node", `Node ${process.versions.node}.`);
  return failed("Node", `Node ${process.versions.node} is too old.`, `Use Node ${NODE_WANTED}, as npx entrain does.`);
}

async function folderCheck(folder: string): Promise<Check> {
  try {
    await access(folder, constants.W_OK);
    return passed("Data folder", `${folder} can be written to.`);
  } catch {
    return failed("Data folder", `${folder} cannot be written to.`, "Give this user the folder, or set ENTRAIN_DATA.");
  }
}

interface Verifiable {
  verify(signal: AbortSignal): Promise<readonly Check[]>;
  close(): Promise<void>;
}

async function verified(
  invocation: Invocation,
  what: string,
  open: () => Promise<Verifiable>,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const opened = await attempt(checks, what, invocation, open);
  if (opened === null) return checks;
  const found = await attempt(checks, what, invocation, () => opened.verify(invocation.signal));
  await opened.close();
  return [...checks, ...(found ?? []).map((check) => ({ ...check, name: `${what}, ${check.name}` }))];
}

/** Tokens are refused when clocks differ: Entra allows five minutes ("Configurable token lifetimes", clock skew). */
async function clockCheck(
  { world, signal }: Invocation,
  name: string,
  row: Parameters<typeof connectionCloud>[0],
): Promise<Check> {
  const cloud = connectionCloud(row);
  const login = cloud.kind === "custom" ? cloud.login : CLOUDS[cloud.kind].login;
  const what = `Connection ${name}, clock`;
  try {
    const signals = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    const answer = await fetch(login, { method: "HEAD", redirect: "manual", signal: signals });
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (Number.isNaN(date)) return passed(what, "The sign-in service does not tell its time.");
    const seconds = Math.round(Math.abs(world.clock.now() - date) / 1000);
    if (seconds * 1000 <= SKEW_MAX_MS)
      return passed(what, `This clock and the sign-in service's differ by ${seconds} s.`);
    const fix = "Set this machine's clock, best by NTP: tokens are refused when clocks differ by five minutes.";
    return failed(what, `This clock differs from the sign-in service's by ${seconds} s.`, fix);
  } catch {
    signal.throwIfAborted();
    return failed(what, `${login} did not answer.`, "Check the address, the network and any proxy.");
  }
}

/** Whether verifying got as far as each credential, which it then tells the end of. */
function tellsEnds(found: readonly Check[]): boolean {
  return found.some(({ name }) => /, credential (?:expiry$|\d+:)/.test(name));
}

/** A credential that ends soon; one that has ended fails. */
function expiryCheck(connection: string, { at, threshold, detail, fix }: ExpiryWarning): Check {
  const what = `Connection ${connection}, end of credential ${at + 1}`;
  return threshold === 0 ? failed(what, detail, fix) : passed(what, `Warning: ${detail} ${fix}`);
}

function verdictOf(ok: boolean, warned: boolean): string {
  if (!ok) return "Something needs to be mended: see the lines marked FAILED.";
  return warned ? "Everything works, but a credential ends soon: see the warning above." : "All is well.";
}

/** How the alerts of late fared; nothing is sent. */
async function channelCheck(
  { store }: Installation,
  name: string,
  row: { readonly id: string; readonly disabled_of: string | null },
): Promise<Check> {
  const { acceptedAt, failure } = await deliveryCounts(store, row.id);
  const trouble = row.disabled_of === null ? failure : `It is disabled. ${row.disabled_of}`;
  if (trouble !== null) return failed(`Channel ${name}`, trouble, `Try it: entrain channel test ${name}`);
  const told = acceptedAt === null ? "No alert was due there yet." : `Last told ${timeInWords(acceptedAt)}.`;
  return passed(`Channel ${name}`, told);
}

async function syncChecks({ store }: Installation, current: CurrentConfiguration): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const [name, { id }] of current.rows.syncs) {
    const holder = await readLease(store, `sync:${id}`);
    if (holder !== null) {
      checks.push(passed(`Sync ${name}`, `Process ${holder.heldBy.pid} on ${holder.heldBy.host} runs it now.`));
    }
    for (const { digest, since } of await heldPlans(store, id)) {
      const days = Math.floor((store.clock.now() - since) / 86_400_000);
      const fix = `Look at it: entrain sync status ${name}; then entrain sync approve ${name} --digest ${digest}, or --reject.`;
      checks.push(
        failed(`Sync ${name}`, `A plan waits for approval since ${days === 0 ? "today" : `${days} days`}.`, fix),
      );
    }
  }
  return checks;
}

/** The value, or null after a failed check was noted. */
async function attempt<T>(
  checks: Check[],
  name: string,
  { signal }: Invocation,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    const { code, message, fix } = describeFault(error, signal);
    checks.push({ name, ok: false, detail: message, fix: saysEnough(code, fix) ? null : fix });
    return null;
  }
}

function passed(name: string, detail: string): Check {
  return { name, ok: true, detail, fix: null };
}

function failed(name: string, detail: string, fix: string): Check {
  return { name, ok: false, detail, fix };
}
