import { execFileSync, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { accessSync, chownSync, constants, existsSync, mkdtempSync, readdirSync, realpathSync } from "node:fs";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

/** What a test may need from the machine beyond the npm packages. */
export type Need = "postgres" | "chromium" | "libreoffice" | "shared";

/** `install` is the line, or the advice, that provides what is missing. */
interface Missing {
  readonly available: false;
  readonly reason: string;
  readonly install: string;
}

/** `bin` is the folder that holds `initdb` and `postgres`. */
export type PostgresStatus = { readonly available: true; readonly bin: string } | Missing;
/** `executable` is the browser's full path, as playwright-core's `executablePath` takes it. */
export type ChromiumStatus = { readonly available: true; readonly executable: string } | Missing;
/** `executable` is the full path of the program that opens documents without a window. */
export type LibreOfficeStatus = { readonly available: true; readonly executable: string } | Missing;
/** `path` is the folder with the reference data: `graph/`, `facts/`. */
export type SharedStatus = { readonly available: true; readonly path: string } | Missing;

/** A PostgreSQL of one test's own. `url` names a superuser on an empty database; `stop` ends it and removes its data. */
export interface Postgres {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Looks in the PATH, then where Debian and Red Hat put what they do not link into the PATH; the newest version wins. */
export function postgresAvailable(): PostgresStatus {
  const folders = [...searchPath(), ...versions("/usr/lib/postgresql", "bin"), ...versions("/usr", "bin", "pgsql-")];
  for (const folder of folders) {
    if (isExecutable(join(folder, "initdb")) && isExecutable(join(folder, "postgres"))) {
      return { available: true, bin: dirname(realpathSync(join(folder, "postgres"))) };
    }
  }
  return { available: false, reason: "PostgreSQL is not installed", install: installLine("postgresql") };
}

/** Looks for Chromium under the names that distributions give it, then for Chrome on macOS. */
export function chromiumAvailable(): ChromiumStatus {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const candidates = ["/usr/bin", ...searchPath()].flatMap((folder) => names.map((name) => join(folder, name)));
  candidates.push("/Applications/Chromium.app/Contents/MacOS/Chromium");
  candidates.push("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
  const executable = candidates.find(isExecutable);
  if (executable !== undefined) return { available: true, executable };
  return { available: false, reason: "Chromium is not installed", install: installLine("chromium") };
}

/** Looks for LibreOffice, in which a test opens what operators open in their spreadsheets. */
export function libreOfficeAvailable(): LibreOfficeStatus {
  const candidates = ["/usr/bin", ...searchPath()].flatMap((folder) => [
    join(folder, "soffice"),
    join(folder, "libreoffice"),
  ]);
  candidates.push("/Applications/LibreOffice.app/Contents/MacOS/soffice");
  const executable = candidates.find(isExecutable);
  if (executable !== undefined) return { available: true, executable };
  return { available: false, reason: "LibreOffice is not installed", install: installLine("libreoffice-calc-nogui") };
}

/** Finds the reference data (Microsoft's documented requests and answers), which the project reads but does not carry. */
export function sharedFolder(): SharedStatus {
  const told = process.env.ENTRAIN_SHARED;
  const path = told ?? resolve(import.meta.dirname, "../../shared");
  if (existsSync(join(path, "graph"))) return { available: true, path };
  const install = "put the reference data beside the clone as ../shared, or name its folder in ENTRAIN_SHARED";
  return { available: false, reason: `no reference data in ${path}`, install };
}

/**
 * The value for node:test's `skip` option: false when the server is there, else a sentence with its name and install line.
 * ENTRAIN_REQUIRE_SERVERS=1 (and, for the reference data, CI=true) lets the test run and fail instead.
 */
export function skipUnless(need: Need): false | string {
  const look = {
    postgres: postgresAvailable,
    chromium: chromiumAvailable,
    libreoffice: libreOfficeAvailable,
    shared: sharedFolder,
  };
  const status = look[need]();
  if (status.available || isRequired(need)) return false;
  const missing = need === "libreoffice" ? MISSING_PROGRAM : MISSING_SERVER;
  return `${missing}${status.reason}; to run this test: ${status.install}`;
}

/** Begins the reason for a program of hundreds of megabytes that one test opens a file in: it is installed by whoever wants it. */
const MISSING_PROGRAM = "missing program: ";

/** Begins every reason that `skipUnless` gives, so that the test runner can tell them from other skips. */
export const MISSING_SERVER = "missing server: ";

/**
 * Starts an empty PostgreSQL in a temporary folder on a free loopback port; takes about a second.
 * It dies, and its folder goes, with `stop` and with this process, however this process ends.
 * Its default collation is not "C", so that a column that forgot `COLLATE "C"` shows.
 * @throws Error with the install line when PostgreSQL is missing, or with its own output when it does not start.
 */
export async function startPostgres(): Promise<Postgres> {
  const status = postgresAvailable();
  if (!status.available) throw new Error(`${status.reason}; install it with: ${status.install}`);
  const folder = mkdtempSync(join(tmpdir(), "entrain-postgres-"));
  const owner = unprivilegedUser();
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const port = await freePort();
  const child = spawn("/bin/sh", ["-c", KEEPER, "keeper", status.bin, folder, String(port)], {
    cwd: folder,
    detached: true, // Its own process group: a Ctrl-C at the tests must not reach it before its clean-up does.
    env: { ...process.env, LC_ALL: "C" },
    stdio: ["pipe", "ignore", "pipe"],
    ...owner,
  });
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  await whenReady(child.stderr, ended);
  child.unref();
  for (const stream of [child.stdin, child.stderr]) if (stream instanceof Socket) stream.unref();
  const stop = async (): Promise<void> => {
    child.ref();
    child.stdin.end();
    await ended;
  };
  return { url: `postgresql://postgres@127.0.0.1:${port}/postgres`, stop };
}

/** Runs the server for as long as its own standard input stays open: the pipe closes even when its holder is killed. */
const KEEPER = `
trap 'rm -rf "$2"' EXIT
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --locale-provider=icu --icu-locale=en --no-sync \\
  </dev/null >"$2/initdb.log" 2>&1 || { cat "$2/initdb.log" >&2; exit 1; }
exec 3<&0
"$1/postgres" -D "$2/data" -p "$3" -h 127.0.0.1 -k "" -c fsync=off -c synchronous_commit=off \\
  -c full_page_writes=off </dev/null 3<&- &
server=$!
(cat <&3 >/dev/null; kill -INT "$server" 2>/dev/null) &
wait "$server"
`;

const START_LIMIT_MS = 60_000;
const LOG_LIMIT = 20_000;

function whenReady(output: NodeJS.ReadableStream, ended: Promise<void>): Promise<void> {
  let log = "";
  return new Promise((ready, fail) => {
    const failed = (why: string): void => fail(new Error(`PostgreSQL ${why}:\n${log}`));
    const limit = setTimeout(() => failed(`was not ready after ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS);
    output.setEncoding("utf8");
    output.on("data", (text: string) => {
      log = (log + text).slice(-LOG_LIMIT);
      if (!log.includes("ready to accept connections")) return;
      clearTimeout(limit);
      ready();
    });
    void ended.then(() => {
      clearTimeout(limit);
      failed("ended before it was ready");
    });
  });
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ["postgres", "nobody"]) {
    try {
      const number = (flag: string): number => Number(execFileSync("id", [flag, name], { stdio: "pipe" }).toString());
      return { uid: number("-u"), gid: number("-g") };
    } catch {
      // Not every machine has both; the next name may exist.
    }
  }
  throw new Error("PostgreSQL refuses to run as root, and there is no user 'postgres' or 'nobody' to run it as");
}

/** Below the range that the system hands to outgoing connections, so that none takes the port before the server does. */
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    const free = await new Promise<boolean>((answer) => {
      server.once("error", () => answer(false));
      server.listen(port, "127.0.0.1", () => answer(true));
    });
    if (!free) continue;
    await new Promise<void>((done) => server.close(() => done()));
    return port;
  }
  throw new Error("no free port between 20000 and 32000 on 127.0.0.1");
}

function isRequired(need: Need): boolean {
  if (process.env.ENTRAIN_REQUIRE_SERVERS === "1" && (need === "postgres" || need === "chromium")) return true;
  return need === "shared" && process.env.CI === "true";
}

function searchPath(): readonly string[] {
  return (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
}

function versions(parent: string, inner: string, prefix = ""): readonly string[] {
  if (!existsSync(parent)) return [];
  const names = readdirSync(parent).filter(
    (name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)),
  );
  const newestFirst = names.sort((a, b) => Number(b.slice(prefix.length)) - Number(a.slice(prefix.length)));
  return newestFirst.map((name) => join(parent, name, inner));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const BREW = { postgresql: "postgresql", chromium: "--cask chromium", "libreoffice-calc-nogui": "--cask libreoffice" };

function installLine(name: keyof typeof BREW): string {
  if (process.platform === "darwin") return `brew install ${BREW[name]}`;
  if (existsSync("/etc/debian_version")) return `sudo apt-get install --no-install-recommends ${name}`;
  return `install ${name} with this system's package manager`;
}
