import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { inspect, promisify } from "node:util";
import { ConnectorError } from "@entrain/core";
import { sql } from "kysely";
import { systemClock } from "../clock.ts";
import { openStore } from "./open.ts";
import type { Cell, InsertInto, Location, Store } from "./store.ts";
import { eachEngine } from "./testing.ts";

const HERE = JSON.stringify(import.meta.dirname);
const LEASES: InsertInto = {
  table: "leases",
  columns: [
    { name: "name", type: "text" },
    { name: "owner", type: "text" },
    { name: "fence", type: "int8" },
    { name: "expires_at", type: "int8" },
  ],
};

function failsWith(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConnectorError, inspect(error));
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };
}

async function put(store: Store, rows: readonly (readonly Cell[])[], conflict?: string): Promise<void> {
  const into = conflict === undefined ? LEASES : { ...LEASES, conflict };
  await store.transaction((tx) => store.insertMany(tx, into, rows));
}

async function names(store: Store): Promise<readonly string[]> {
  const rows = await store.db.selectFrom("leases").select("name").orderBy("name").execute();
  return rows.map((row) => row.name);
}

/** Opens the store of a place in another process, `times` at once, and answers what each printed. */
function openElsewhere(location: Location, times: number): Promise<readonly string[]> {
  const script = `
    const { openStore } = await import(${HERE} + "/open.ts");
    const { systemClock } = await import(${HERE} + "/../clock.ts");
    const store = await openStore({ location: ${JSON.stringify(location)}, clock: systemClock, stamp: "real", create: true });
    const row = await store.db.selectFrom("meta").select("value").where("key", "=", "id").executeTakeFirstOrThrow();
    console.log(row.value);
    await store.close();`;
  const run = async (): Promise<string> =>
    (await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script])).stdout.trim();
  return Promise.all(Array.from({ length: times }, run));
}

eachEngine((engine) => {
  describe("opening", () => {
    it("creates a store from nothing, and opens it again without changing it", async () => {
      const location = await engine.place();
      const first = await engine.open({ location });
      const facts = await first.db.selectFrom("meta").selectAll().orderBy("key").execute();
      await first.close();
      const second = await engine.open({ location, create: false });
      assert.deepEqual(await second.db.selectFrom("meta").selectAll().orderBy("key").execute(), facts);
      assert.deepEqual(
        facts.map((row) => row.key),
        ["created_at", "id", "stamp"],
      );
    });

    it("lets three processes create the same store at once", async () => {
      const ids = await openElsewhere(await engine.place(), 3);
      assert.equal(new Set(ids).size, 1);
      assert.match(ids[0] ?? "", /^store_/);
    });

    it("finds no store where there is none, and makes none", async () => {
      const location = await engine.place();
      await assert.rejects(engine.open({ location, create: false }), failsWith("store_failed", /There is no store/));
      if (location.kind === "sqlite") assert.equal(existsSync(location.folder), false);
    });

    it("refuses the demo's store to the rest, and the rest's to the demo", async () => {
      const location = await engine.place();
      await (await engine.open({ location, stamp: "demo" })).close();
      await assert.rejects(engine.open({ location, stamp: "real" }), failsWith("store_demo", /demo/));
      await assert.rejects(
        engine.open({ stamp: "demo", location: await realPlace() }),
        failsWith("store_real", /real/),
      );

      async function realPlace(): Promise<Location> {
        const real = await engine.place();
        await (await engine.open({ location: real })).close();
        return real;
      }
    });

    it("refuses a store that a newer version wrote", async () => {
      const location = await engine.place();
      const store = await engine.open({ location });
      await store.transaction((tx) =>
        sql`insert into kysely_migration (name, timestamp) values ('9999_later', '2031-01-01T00:00:00.000Z')`.execute(
          tx,
        ),
      );
      await store.close();
      await assert.rejects(engine.open({ location }), failsWith("store_failed", /newer version of Entrain/));
    });
  });

  describe("transactions", () => {
    it("commit together or not at all", async () => {
      const store = await engine.open();
      const failure = new Error("half way");
      await assert.rejects(
        store.transaction(async (tx) => {
          await store.insertMany(tx, LEASES, [["a", "", 1, 1]]);
          throw failure;
        }),
        failure,
      );
      assert.deepEqual(await names(store), []);
      await put(store, [["b", "", 1, 1]]);
      assert.deepEqual(await names(store), ["b"]);
    });

    it("do not delay a reader, who sees only what was committed", async () => {
      const store = await engine.open();
      const before = await store.transaction(async (tx) => {
        await store.insertMany(tx, LEASES, [["a", "", 1, 1]]);
        return names(store);
      });
      assert.deepEqual(before, []);
      assert.deepEqual(await names(store), ["a"]);
    });

    it("queue behind each other and lose no update", async () => {
      const store = await engine.open();
      await put(store, [["counter", "", 0, 0]]);
      const add = (): Promise<unknown> =>
        store.transaction((tx) =>
          tx.updateTable("leases").set({ fence: sql`fence + 1` }).where("name", "=", "counter").execute(),
        );
      await Promise.all(Array.from({ length: 20 }, add));
      const row = await store.db.selectFrom("leases").select("fence").executeTakeFirst();
      assert.deepEqual(row, { fence: 20 });
    });

    it("refuse one inside another, and writing outside of any", async () => {
      const store = await engine.open();
      await assert.rejects(
        store.transaction(() => store.transaction(async () => {})),
        /inside another one/,
      );
      await assert.rejects(
        store.db.insertInto("leases").values({ name: "a", owner: "", fence: 1, expires_at: 1 }).execute(),
        failsWith("store_failed", /read-only/),
      );
    });

    it("give other work its turn while many rows are written", async () => {
      const store = await engine.open();
      let turns = 0;
      const count = setInterval(() => (turns += 1), 1);
      await put(
        store,
        Array.from({ length: 100_000 }, (_, i) => [`row ${i}`, "", i, i]),
      );
      clearInterval(count);
      assert.ok(turns > 1, `${turns} turns`);
    });
  });

  describe("insertMany", () => {
    const upsert = "on conflict (name) do update set fence = excluded.fence where leases.fence < excluded.fence";

    it("updates, keeps or ignores rows that exist, a later row meeting the earlier ones", async () => {
      const store = await engine.open();
      await put(store, [
        ["a", "first", 5, 0],
        ["b", "first", 5, 0],
      ]);
      await put(
        store,
        [
          ["a", "second", 6, 0],
          ["b", "second", 4, 0],
          ["c", "x", 1, 0],
          ["c", "y", 3, 0],
          ["c", "z", 2, 0],
        ],
        upsert,
      );
      await put(
        store,
        [
          ["a", "third", 9, 0],
          ["d", "third", 9, 0],
          ["d", "fourth", 9, 0],
        ],
        "on conflict (name) do nothing",
      );
      const rows = await store.db.selectFrom("leases").select(["name", "owner", "fence"]).orderBy("name").execute();
      assert.deepEqual(
        rows.map((row) => `${row.name} ${row.owner} ${row.fence}`),
        ["a first 6", "b first 5", "c x 3", "d third 9"],
      );
    });

    it("keeps nulls, quotes, braces, backslashes and every script as they are", async () => {
      const store = await engine.open();
      const texts = ["", "O'Brien", '"quoted"', "{a,b}", "back\\slash", "NULL", "a,b\nc\td", "Łukasz 李 🦊 \u202eabc"];
      await put(
        store,
        texts.map((text, i) => [`${i}`, text, i, 0]),
      );
      const rows = await store.db.selectFrom("leases").select("owner").orderBy("fence").execute();
      assert.deepEqual(
        rows.map((row) => row.owner),
        texts,
      );
      const meta: InsertInto = {
        table: "console_links",
        columns: [
          { name: "token_hash", type: "text" },
          { name: "operator", type: "text" },
          { name: "expires_at", type: "int8" },
          { name: "used_at", type: "int8" },
        ],
      };
      await store.transaction((tx) => store.insertMany(tx, meta, [["x", "y", 1, null]]));
      const link = await store.db.selectFrom("console_links").select("used_at").executeTakeFirst();
      assert.deepEqual(link, { used_at: null });
    });

    it("takes more rows than one statement", async () => {
      const store = await engine.open();
      function* rows(): Generator<readonly Cell[]> {
        for (let i = 0; i < 12_345; i += 1) yield [`${i % 12_000}`, "", i, 0];
      }
      await store.transaction((tx) => store.insertMany(tx, { ...LEASES, conflict: upsert }, rows()));
      const { count } = await store.db
        .selectFrom("leases")
        .select((expression) => expression.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      assert.equal(count, 12_000);
    });

    it("refuses U+0000, fractions and rows of another width, and writes nothing then", async () => {
      const store = await engine.open();
      const nul = failsWith("store_failed", /U\+0000/);
      await assert.rejects(
        put(store, [
          ["a", "", 1, 1],
          ["b\0", "", 1, 1],
        ]),
        nul,
      );
      await assert.rejects(
        put(store, [
          ["a", "", 1, 1],
          ["b", "", 1.5, 1],
        ]),
        /whole numbers/,
      );
      await assert.rejects(put(store, [["a", "", 1]]), /3 values instead of 4/);
      await assert.rejects(
        store.transaction((tx) => tx.insertInto("meta").values({ key: "k", value: "v\0w" }).execute()),
        nul,
      );
      assert.deepEqual(await names(store), []);
    });
  });

  describe("values", () => {
    it("order text by code point, whatever the engine's locale", async () => {
      const store = await engine.open();
      const texts = ["b", "B", "a", "Ä", "ä", "é", "z", "_", "-", "ｚ", "😀", "1", "10", "2", ""];
      await put(
        store,
        texts.map((text) => [text, "", 0, 0]),
      );
      const expected = texts.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(await names(store), expected);
      const beyond = await store.db
        .selectFrom("leases")
        .select("name")
        .where("name", ">", "z")
        .orderBy("name")
        .execute();
      assert.deepEqual(
        beyond.map((row) => row.name),
        expected.slice(expected.indexOf("z") + 1),
      );
    });

    it("are whole numbers up to 2^53, and never silently rounded beyond", async () => {
      const store = await engine.open();
      await put(store, [["max", "", Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]]);
      assert.deepEqual(await store.db.selectFrom("leases").selectAll().executeTakeFirst(), {
        name: "max",
        owner: "",
        fence: Number.MAX_SAFE_INTEGER,
        expires_at: -Number.MAX_SAFE_INTEGER,
        stop: null,
      });
      await put(store, [["two", "", 1, 2]]);
      const total = await store.db
        .selectFrom("leases")
        .select((expression) => expression.fn.sum<number>("expires_at").as("sum"))
        .where("name", "=", "two")
        .executeTakeFirst();
      assert.deepEqual(total, { sum: 2 });
      await assert.rejects(sql`select cast('9007199254740993' as bigint) as big`.execute(store.db), /too large/);
    });
  });

  if (engine.name === "postgres") {
    it("keeps every text column in code point order", async () => {
      const store = await engine.open();
      const found = await sql<{ column: string }>`
        select table_name || '.' || column_name as column from information_schema.columns
        where table_schema = 'public' and table_name not like 'kysely%' and data_type = 'text'
          and collation_name is distinct from 'C'`.execute(store.db);
      assert.deepEqual(found.rows, []);
    });

    it("gives a table that grew its statistics at once", async () => {
      const store = await engine.open();
      await put(
        store,
        Array.from({ length: 6_000 }, (_, i) => [`${i}`, "", 1, 1]),
      );
      const found = await sql<{ rows: number }>`
        select reltuples::int8 as rows from pg_class where relname = 'leases'`.execute(store.db);
      assert.deepEqual(found.rows, [{ rows: 6_000 }]);
    });

    it("tries a transaction that deadlocked again when told that it is repeatable", async () => {
      const store = await engine.open();
      await put(store, [
        ["a", "", 0, 0],
        ["b", "", 0, 0],
      ]);
      const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const cross = async (mine: number, order: readonly string[]): Promise<void> => {
        await store.transaction(
          async (tx) => {
            for (const name of order) {
              await tx.updateTable("leases").set({ fence: sql`fence + 1` }).where("name", "=", name).execute();
              arrived[mine]?.resolve();
              await Promise.all(arrived.map((each) => each.promise));
            }
          },
          { repeatable: true },
        );
      };
      await Promise.all([cross(0, ["a", "b"]), cross(1, ["b", "a"])]);
      const rows = await store.db.selectFrom("leases").select("fence").execute();
      assert.deepEqual(rows, [{ fence: 2 }, { fence: 2 }]);
    });

    it("says in one sentence why it cannot be opened, without the password", async () => {
      const location = await engine.place();
      assert.ok(location.kind === "postgres");
      const cases: readonly (readonly [(url: URL) => void, RegExp])[] = [
        [(url) => (url.port = "1"), /could not be reached: the connection was refused/],
        [(url) => (url.pathname = "/absent"), /no database of that name/],
        [(url) => (url.username = "stranger"), /refused the sign-in/],
      ];
      for (const [change, text] of cases) {
        const url = new URL(location.url);
        url.password = "hunter2-canary";
        change(url);
        await assert.rejects(engine.open({ location: { kind: "postgres", url: url.href } }), (error) => {
          assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /hunter2/);
          return failsWith("store_failed", text)(error);
        });
      }
      const malformed = openStore({
        location: { kind: "postgres", url: "postgres://user:hunter2-canary@host:port/x" },
        clock: systemClock,
        stamp: "real",
        create: true,
      });
      await assert.rejects(malformed, (error) => {
        assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /hunter2/);
        return failsWith("store_failed", /not of the form/)(error);
      });
    });
  }
});

describe("a store in a folder", () => {
  const root = mkdtempSync(join(tmpdir(), "entrain-folder-"));
  const open = (folder: string): Promise<Store> =>
    openStore({ location: { kind: "sqlite", folder }, clock: systemClock, stamp: "real", create: true });
  after(() => rmSync(root, { recursive: true, force: true }));

  it("is readable by its owner alone", async () => {
    const folder = join(root, "deep", "data");
    const store = await open(folder);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of ["entrain.sqlite", "entrain.sqlite-wal", "entrain.sqlite-shm"])
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    await store.close();
  });

  it("says in one sentence why a folder cannot be used", async () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    await assert.rejects(open(file), failsWith("store_failed", /is a file/));
    await assert.rejects(open(join(file, "data")), failsWith("store_failed", /part of its path is a file/));
    const there = openStore({
      location: { kind: "sqlite", folder: file },
      clock: systemClock,
      stamp: "real",
      create: false,
    });
    await assert.rejects(there, failsWith("store_failed", /is a file/));
    if (existsSync("/proc/self"))
      await assert.rejects(open("/proc/entrain/data"), failsWith("store_failed", /cannot be created there/));
  });

  it("leaves another program's file as it was", async () => {
    const text = join(root, "text");
    await (await open(text)).close();
    writeFileSync(join(text, "entrain.sqlite"), "Dear diary, ".repeat(100));
    await assert.rejects(open(text), failsWith("store_failed", /not a database/));
    assert.match(readFileSync(join(text, "entrain.sqlite"), "utf8"), /^Dear diary/);

    const other = join(root, "other");
    await (await open(other)).close();
    rmSync(join(other, "entrain.sqlite"));
    const foreign = new DatabaseSync(join(other, "entrain.sqlite"));
    foreign.exec("create table recipes (name text)");
    foreign.close();
    await assert.rejects(open(other), failsWith("store_failed", /another program's database/));
  });

  it("goes on after a full disk", async () => {
    const store = await open(join(root, "full"));
    const pages = await sql<{ page_count: number }>`pragma page_count`.execute(store.db);
    const fill = store.transaction(async (tx) => {
      await sql.raw(`pragma max_page_count = ${(pages.rows[0]?.page_count ?? 0) + 2}`).execute(tx);
      await store.insertMany(
        tx,
        LEASES,
        Array.from({ length: 5_000 }, (_, i) => [`${i}`, "x".repeat(100), 1, 1]),
      );
    });
    await assert.rejects(fill, failsWith("store_failed", /disk is full/));
    assert.deepEqual(await names(store), []);
    await put(store, [["a", "", 1, 1]]);
    assert.deepEqual(await names(store), ["a"]);
    await store.close();
  });

  it("is opened behind another process's transaction, by waiting as the clock says and without blocking this one", async () => {
    const folder = join(root, "busy-from-the-start");
    await (await open(folder)).close();
    const other = new DatabaseSync(join(folder, "entrain.sqlite"));
    other.exec("begin immediate");
    let waits = 0;
    const sleep = async (): Promise<void> => {
      waits += 1;
      if (waits === 3) other.exec("rollback");
    };
    const clock = { ...systemClock, sleep };
    const store = await openStore({ location: { kind: "sqlite", folder }, clock, stamp: "real", create: false });
    assert.equal(waits, 3);
    await store.close();
    other.close();
  });

  it("waits for another process's transaction without blocking this one", async () => {
    const folder = join(root, "busy");
    const store = await open(folder);
    const script = `
      import { DatabaseSync } from "node:sqlite";
      const file = new DatabaseSync(${JSON.stringify(join(folder, "entrain.sqlite"))});
      file.exec("begin immediate");
      file.exec("insert into meta values ('other', 'process')");
      console.log("locked");
      process.stdin.once("data", () => { file.exec("commit"); process.exit(); });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const written = store.transaction((tx) => tx.insertInto("meta").values({ key: "mine", value: "" }).execute());
    const other = () => store.db.selectFrom("meta").select("value").where("key", "=", "other").executeTakeFirst();
    assert.equal(await other(), undefined);
    child.stdin.write("go\n");
    await written;
    assert.deepEqual(await other(), { value: "process" });
    await store.close();
  });
});
