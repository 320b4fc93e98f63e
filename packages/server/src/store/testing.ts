import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import pg from "pg";
import { type Postgres, skipUnless, startPostgres } from "../../../../test/servers.ts";
import { systemClock } from "../clock.ts";
import { type OpenOptions, openStore } from "./open.ts";
import type { Location, Store } from "./store.ts";

/** One engine under test. What it made is closed and removed after each test. */
export interface TestEngine {
  readonly name: Store["engine"];
  /** An empty place: a folder that does not exist yet, or an empty database of a real PostgreSQL. */
  place(): Promise<Location>;
  /** Opens a store in a place of its own, or as told. */
  open(options?: Partial<OpenOptions>): Promise<Store>;
}

/** Runs the same tests on SQLite and on a real PostgreSQL, which is skipped with its install line where it is missing. */
export function eachEngine(tests: (engine: TestEngine) => void): void {
  describe("on SQLite", () => {
    const folders: string[] = [];
    const place = async (): Promise<Location> => {
      const folder = mkdtempSync(join(tmpdir(), "entrain-store-"));
      folders.push(folder);
      return { kind: "sqlite", folder: join(folder, "data") };
    };
    tests(engineAt("sqlite", place));
    after(() => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    });
  });
  describe("on PostgreSQL", { skip: skipUnless("postgres") }, () => {
    let server: Postgres | null = null;
    let databases = 0;
    before(async () => {
      server = await startPostgres();
    });
    after(async () => server?.stop());
    const place = async (): Promise<Location> => {
      if (server === null) throw new Error("a place was asked for before the tests began");
      const url = new URL(server.url);
      databases += 1;
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      await client.query(`create database test_${databases}`);
      await client.end();
      url.pathname = `/test_${databases}`;
      return { kind: "postgres", url: url.href };
    };
    tests(engineAt("postgres", place));
  });
}

function engineAt(name: Store["engine"], place: () => Promise<Location>): TestEngine {
  let stores: Store[] = [];
  afterEach(async () => {
    const open = stores;
    stores = [];
    await Promise.all(open.map((store) => store.close()));
  });
  const open = async (options: Partial<OpenOptions> = {}): Promise<Store> => {
    const location = options.location ?? (await place());
    const store = await openStore({ clock: systemClock, stamp: "real", create: true, ...options, location });
    stores.push(store);
    return store;
  };
  return { name, place, open };
}
