import { fileURLToPath } from "node:url";
import { ConnectorError } from "@entrain/core";
import type { FastifyInstance } from "fastify";
import { deliverAlerts } from "./alerts/deliver.ts";
import { Background } from "./api/background.ts";
import { createApi } from "./api/server.ts";
import { DEFAULT_ADDRESS } from "./cli/address.ts";
import type { Installation, ServeOptions, World } from "./cli/world.ts";
import { watchExpiry } from "./expiry/watch.ts";
import { createLogger } from "./logging.ts";
import { Watch } from "./notifications/watch.ts";
import { isForRedirects } from "./origin.ts";
import { watchHistory } from "./runs/history.ts";
import type { RunOptions, RunSummary } from "./runs/run.ts";
import { runSchedule } from "./schedule/schedule.ts";
import { createConsoleLink } from "./store/operators.ts";

const CONSOLE_FOLDER = fileURLToPath(new URL("../../console/dist", import.meta.url));

/**
 * Serves console, API and schedule until the signal aborts, and closes all of it. The port is taken before anything else
 * is begun. @throws ConnectorError `port_taken`, and what opening an installation throws
 */
export async function serve(world: World, options: ServeOptions): Promise<void> {
  const { demo, json } = options;
  const say = (text: string): void => void (json || world.stdout.write(text));
  const installation = await world.openInstallation({ demo, create: true });
  const closing: (() => Promise<void>)[] = [() => installation.close()];
  try {
    const log = createLogger(world.stderr, world.clock, demo ? "plain" : "json");
    const { engine } = installation;
    const background = new Background(engine, log);
    const run = (given: RunOptions): Promise<RunSummary> => background.follow(given);
    const watch = new Watch(installation, log, world.signal);
    const api = await createApi({
      inbox: watch.inbox,
      store: installation.store,
      engine,
      setup: installation,
      clock: world.clock,
      // Who tries the demo reads what it prints, so only what went wrong is told there.
      logger: demo ? log.child({}, { level: "warn" }) : log,
      background,
      consoleFolder: CONSOLE_FOLDER,
      demo,
      version: world.version,
      ...(options.publicOrigin === null ? {} : { publicOrigin: options.publicOrigin }),
    });
    closing.push(() => api.close());
    const address = await listen(api, options);
    if (demo) {
      const { openDemo } = await import("./demo/demo.ts");
      const opened = await openDemo({ world, installation, run, say, quiet: json });
      closing.push(() => opened.close());
    }
    if (!world.signal.aborted)
      await announce(world, installation, { address, publicOrigin: options.publicOrigin, json });
    const unreachable = unreachableInWords(options.publicOrigin);
    if (unreachable !== null && json) log.warn({}, unreachable);
    else if (unreachable !== null) say(`${unreachable}\n`);
    // The demo's tenant is on this machine, and reaches this address as Microsoft reaches a public one.
    const origin = unreachable === null ? (options.publicOrigin ?? (demo ? address : null)) : null;
    const watching = Promise.all([
      watch.keep(origin),
      watchExpiry(installation, log, world.signal),
      deliverAlerts(installation, log, world.signal),
      watchHistory({
        store: installation.store,
        keepMs: options.keepHistoryMs,
        keepDirectoryMs: options.keepDirectoryMs,
        log,
        signal: world.signal,
      }),
    ]);
    await runSchedule({ engine, run, log, signal: world.signal, wakes: watch.wakes });
    await watching;
    if (demo) say("Stopped; everything is saved. Start again with npm start.\n");
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function listen(api: FastifyInstance, { host, port }: ServeOptions): Promise<string> {
  try {
    return await api.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const say = (text: string): ConnectorError =>
      new ConnectorError("port_taken", text, { stops: "run", retry: "never", cause: error });
    if (code === "EADDRINUSE") throw say(`Port ${port} on ${host} is in use, perhaps by another Entrain.`);
    if (code === "EACCES") throw say(`This user may not listen on port ${port}.`);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      const message = `${host} is not an address of this machine; give one with --host.`;
      throw new ConnectorError("usage", message, { stops: "run", retry: "never", cause: error });
    }
    throw error;
  }
}

/** Why Microsoft does not reach a public origin; null when it may, and where there is none. */
function unreachableInWords(origin: string | null): string | null {
  if (origin === null || isForRedirects(origin)) return null;
  return `${origin} is not https: Microsoft can neither send administrators back there nor notify there, so changes are polled.`;
}

/** Where the console is. The link is the one secret that is ever printed: good once, for ten minutes. */
async function announce(
  { stdout }: World,
  { store, demo }: Installation,
  {
    address,
    publicOrigin,
    json,
  }: { readonly address: string; readonly publicOrigin: string | null; readonly json: boolean },
): Promise<void> {
  const token = demo ? await createConsoleLink(store, { operator: "demo" }) : null;
  if (json) {
    const link = token === null ? {} : { link: signInLink(address, token) };
    stdout.write(`${JSON.stringify({ address, ...link })}\n`);
    return;
  }
  if (token === null) {
    const reached = publicOrigin ?? address;
    const link = `entrain operator link${reached === DEFAULT_ADDRESS ? "" : ` --address ${reached}`}`;
    stdout.write(`Entrain is at ${address} (sign in with a link from: ${link}). Ctrl-C stops it.\n`);
    return;
  }
  const another = `npx entrain operator link --demo${address === DEFAULT_ADDRESS ? "" : ` --address ${address}`}`;
  stdout.write(
    `\nConsole      ${address}\nSign in      ${signInLink(address, token)}\n             (works once, for ten minutes; another one: ${another})\n\n` +
      "The simulated tenant keeps changing a little; the syncs run every minute. Ctrl-C stops and saves everything.\n",
  );
}

/** The page that redeems a console link. */
function signInLink(address: string, token: string): string {
  return `${address}/sign-in?token=${token}`;
}
