import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import type { Attributes, Target, TargetChange, TargetRecord } from "@entrain/core";
import { type KindSample, targetConformance } from "@entrain/core/conformance";
import { type CsvTargetOptions, createCsvTarget } from "./index.ts";

const signal = new AbortController().signal;
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

function counting(): { bytes(count: number): Uint8Array } {
  let next = 0;
  return {
    bytes: (count) => {
      const bytes = new Uint8Array(count);
      new DataView(bytes.buffer).setUint32(0, ++next);
      return bytes;
    },
  };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-csv-"));
  folders.push(folder);
  return folder;
}

function open(path: string, options: Partial<CsvTargetOptions> = {}): Target {
  return createCsvTarget({ path, clock: counting(), ...options });
}

const user: KindSample = {
  kind: "user",
  attributes: (n) => ({
    externalId: `Key-${n}`,
    userPrincipalName: `Ada.${n}@example.org`,
    mail: `Mail.${n}@example.org`,
    employeeId: `E${n}`,
    displayName: `Ada ${n}`,
    department: "Engines",
    jobTitle: `Title ${n}`,
  }),
  text: "jobTitle",
  matching: "userPrincipalName",
  matchingText: "mail",
  reference: "manager",
};
const group: KindSample = {
  kind: "group",
  attributes: (n) => ({ externalId: `Key-${n}`, displayName: `Group ${n}`, description: `About ${n}` }),
  text: "description",
  matching: "displayName",
  matchingText: "displayName",
};

for (const delimiter of [",", ";"] as const) {
  const openFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), "entrain-csv-"));
    const close = () => rm(folder, { recursive: true });
    return { target: open(folder, { delimiter }), close, independentRead: readIndependently(folder, delimiter) };
  };
  targetConformance({ name: `csv with ${delimiter}`, open: openFolder, kinds: [user, group] });
}

/** Reads the files by a regular expression, as a stranger's script would. */
function readIndependently(folder: string, delimiter: string): (kind: string) => Promise<readonly TargetRecord[]> {
  const read = async (name: string): Promise<readonly { readonly [column: string]: string }[]> => {
    const text = await readFile(join(folder, `${name}.csv`), "utf8").catch(() => "");
    const field = new RegExp(`("(?:[^"]|"")*"|[^"${delimiter}\\r\\n]*)(${delimiter}|\\r\\n)`, "g");
    const rows: string[][] = [[]];
    for (const [, value = "", end] of text.matchAll(field)) {
      const plain = value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value;
      rows.at(-1)?.push(plain.replace(/^'/, ""));
      if (end !== delimiter) rows.push([]);
    }
    const [header = [], ...lines] = rows.slice(0, -1);
    return lines.map((line) => Object.fromEntries(header.map((column, index) => [column, line[index] ?? ""])));
  };
  return async (kind) => {
    const edges = await read("group-members");
    return (await read(kind)).map(({ id = "", active = "true", ...values }) => ({
      kind,
      id,
      attributes: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "")),
      active: active === "true",
      ...(kind === "group" && { members: edges.filter((edge) => edge.group === id).map((edge) => edge.member ?? "") }),
    }));
  };
}

const creation = (set: Attributes, kind = "user"): TargetChange => ({
  ordinal: 0,
  kind,
  action: "create",
  recordId: null,
  set,
});
const listAll = async (target: Target, kind = "user"): Promise<readonly TargetRecord[]> => {
  const records: TargetRecord[] = [];
  for await (const page of target.list(kind, { members: true }, signal)) records.push(...page);
  return records;
};

test("writes files that a person can read: one line per record, one per membership", async () => {
  const folder = await newFolder();
  const target = open(folder, { columns: { user: ["costCenter"] } });
  const [ada, team] = await target.apply(
    [
      creation({ externalId: "a", displayName: "Ada", jobTitle: "=Countess", costCenter: "4, 5" }),
      creation({ externalId: "t", displayName: "Team" }, "group"),
    ],
    signal,
  );
  assert.ok(ada?.status === "applied" && team?.status === "applied");
  const membership = {
    ordinal: 0,
    kind: "group",
    action: "members",
    recordId: team.recordId,
    set: {},
    add: [ada.recordId],
  } as const;
  await target.apply([membership], signal);
  const read = (name: string) => readFile(join(folder, name), "utf8");
  assert.match(
    await read("user.csv"),
    /^id,active,externalId,userPrincipalName,.*,costCenter,manager\r\n00000001-0000-4000-8000-000000000000,true,a,,Ada,,,,'=Countess,.*,"4, 5",\r\n$/,
  );
  assert.equal(await read("group.csv"), `id,externalId,displayName,description,mail\r\n${team.recordId},t,Team,,\r\n`);
  assert.equal(await read("group-members.csv"), `group,member\r\n${team.recordId},${ada.recordId}\r\n`);
  assert.deepEqual((await readdir(folder)).toSorted(), ["group-members.csv", "group.csv", "user.csv"]);
});

test("keeps a new file to its owner, and a file's rights as they are set", async () => {
  const folder = await newFolder();
  const target = open(folder);
  const mode = async () => (await stat(join(folder, "user.csv"))).mode & 0o777;
  await target.apply([creation({ externalId: "a" })], signal);
  assert.equal(await mode(), 0o600);
  await chmod(join(folder, "user.csv"), 0o664);
  await target.apply([creation({ externalId: "b" })], signal);
  assert.equal(await mode(), 0o664);
});

test("keeps columns that are not ours, and reads a file that Excel saved", async () => {
  const folder = await newFolder();
  await writeFile(
    join(folder, "user.csv"),
    '\uFEFFid,active,externalId,Remark\r\nx1,TRUE,a,=keep\r\nx2,FALSE,b,"me, too"\r\n',
  );
  const target = open(folder);
  await target.apply([{ ...creation({ displayName: "Ada" }), action: "update", recordId: "x1" }], signal);
  const [header = "", first = "", second = ""] = (await readFile(join(folder, "user.csv"), "utf8")).split("\r\n");
  assert.match(header, /^id,active,externalId,Remark,userPrincipalName,displayName,/);
  assert.match(first, /^x1,TRUE,a,=keep,,Ada,/);
  assert.match(second, /^x2,FALSE,b,"me, too",,,/);
  assert.deepEqual(
    (await listAll(target)).map(({ id, active, attributes }) => [id, active, attributes.displayName]),
    [
      ["x1", true, "Ada"],
      ["x2", false, null],
    ],
  );
});

const HEADER = "id,active,externalId\r\n";
for (const [what, content] of Object.entries({
  "is another table": "Name,Amount\r\nAda,5\r\n",
  "is empty": "",
  "has a line with a field too few": `${HEADER}x1,true,a\r\nx2,true\r\n`,
  "was cut off inside quotes": `${HEADER}x1,true,"a`,
  "was cut off inside a line": `${HEADER}x1,true,a\r\nx2,tr`,
  "has a line without an id": `${HEADER},true,a\r\n`,
  "does not say whether someone is enabled": `${HEADER}x1,,a\r\n`,
  "has a column twice": "id,active,externalId,id\r\n",
  "is not UTF-8": Buffer.concat([Buffer.from(`${HEADER}x1,true,`), Buffer.from([0xe9, 0x0d, 0x0a])]),
} satisfies { [what: string]: string | Buffer })) {
  test(`reads nothing from a file that ${what}, and never overwrites it`, async () => {
    const folder = await newFolder();
    const file = join(folder, "user.csv");
    await writeFile(file, content);
    const target = open(folder);
    await assert.rejects(listAll(target), { name: "ConnectorError", code: "file_invalid" });
    const change = { ...creation({ externalId: "new", displayName: "x" }), action: "update", recordId: "x1" } as const;
    if (what !== "does not say whether someone is enabled") {
      await assert.rejects(target.apply([change, creation({ externalId: "z" })], signal), { code: "file_invalid" });
    }
    const checks = await target.verify(signal);
    assert.deepEqual(
      checks.filter(({ ok }) => !ok).map(({ name }) => name),
      ["user.csv"],
    );
    if (what !== "does not say whether someone is enabled") {
      assert.deepEqual(await readFile(file), Buffer.from(content));
    }
    assert.deepEqual(await readdir(folder), ["user.csv"]);
  });
}

test("writes nothing over a file that someone changed meanwhile", async () => {
  const folder = await newFolder();
  const file = join(folder, "user.csv");
  const target = open(folder);
  await target.apply([creation({ externalId: "a" })], signal);
  const theirs = `${HEADER}x9,true,theirs\r\n`;
  const meddling = open(folder, {
    clock: {
      bytes: (count) => {
        writeFileSync(file, theirs);
        return new Uint8Array(count);
      },
    },
  });
  await assert.rejects(meddling.apply([creation({ externalId: "b" })], signal), { code: "conflict", retry: "now" });
  assert.equal(await readFile(file, "utf8"), theirs);
  assert.deepEqual(await readdir(folder), ["user.csv"]);
});

test("takes a folder that is gone for a failed read, never for an empty target", async () => {
  const target = open(join(await newFolder(), "gone"));
  await assert.rejects(listAll(target), { code: "file_failed" });
  await assert.rejects(target.apply([creation({ externalId: "a" })], signal), { code: "file_failed" });
  const [check] = await target.verify(signal);
  assert.deepEqual([check?.ok, check?.fix?.startsWith("Create it: mkdir -p ")], [false, true]);
});

test("leaves the file as it was when it is stopped while writing", async () => {
  const folder = await newFolder();
  const target = open(folder);
  await target.apply([creation({ externalId: "a" })], signal);
  const before = await readFile(join(folder, "user.csv"), "utf8");
  const stop = new AbortController();
  const stopping = open(folder, {
    clock: {
      bytes: (count) => {
        stop.abort(new Error("stop"));
        return new Uint8Array(count).fill(7);
      },
    },
  });
  await assert.rejects(stopping.apply([creation({ externalId: "b" })], stop.signal), /stop/);
  assert.equal(await readFile(join(folder, "user.csv"), "utf8"), before);
  assert.deepEqual(await readdir(folder), ["user.csv"]);
});

test("takes over from a process that died while writing", async () => {
  const folder = await newFolder();
  for (const pid of ["999999999", String(process.pid)]) {
    await writeFile(join(folder, ".entrain.lock"), pid);
    await writeFile(join(folder, "user.csv.tmp"), "half of a fi");
    await open(folder).apply([creation({ externalId: pid })], signal);
    assert.deepEqual(await readdir(folder), ["user.csv"]);
  }
});

test("writes nothing while another process does, and says what to do when none does", async () => {
  const folder = await newFolder();
  for (const content of [String(process.ppid), ""]) {
    await writeFile(join(folder, ".entrain.lock"), content);
    await assert.rejects(open(folder).apply([creation({ externalId: "a" })], signal), {
      code: "conflict",
      message: /Another process is writing .* remove .*\.entrain\.lock\./,
    });
    assert.deepEqual(await readdir(folder), [".entrain.lock"]);
  }
});

test("lets all targets of one folder take turns", async () => {
  const folder = await newFolder();
  const ids = Array.from({ length: 8 }, (_, index) => `k${index}`);
  const clock = counting();
  await Promise.all(ids.map((externalId) => open(folder, { clock }).apply([creation({ externalId })], signal)));
  const records = await listAll(open(folder));
  assert.deepEqual(records.map(({ attributes }) => attributes.externalId).toSorted(), ids);
});

test("refuses a value that would not come back as it was, and a record without its key", async () => {
  const target = open(await newFolder());
  const outcomes = await target.apply(
    [
      creation({ externalId: "a", displayName: "half \ud83d" }),
      creation({ externalId: "b", displayName: "zero \u0000" }),
      creation({ displayName: "no key" }),
      creation({ externalId: "d" }),
    ],
    signal,
  );
  assert.deepEqual(
    outcomes.map((outcome) => ("code" in outcome ? outcome.code : outcome.status)),
    ["value_invalid", "value_invalid", "value_missing", "applied"],
  );
});

test("ends the memberships of a deleted record with it", async () => {
  const target = open(await newFolder());
  const created = await target.apply(
    [
      creation({ externalId: "a" }),
      creation({ externalId: "b" }),
      creation({ externalId: "t" }, "group"),
      creation({ externalId: "s" }, "group"),
    ],
    signal,
  );
  const [a = "", b = "", t = "", s = ""] = created.map((outcome) => ("recordId" in outcome ? outcome.recordId : ""));
  const members = (recordId: string, add: readonly string[]) =>
    ({ ordinal: 0, kind: "group", action: "members", recordId, set: {}, add }) as const;
  await target.apply([members(t, [a, b]), members(s, [t, a])], signal);
  await target.apply(
    [
      { ...creation({}), action: "delete", recordId: a },
      { ...creation({}, "group"), action: "delete", recordId: t },
    ],
    signal,
  );
  assert.deepEqual(
    (await listAll(target, "group")).map(({ id, members }) => [id, members]),
    [[s, []]],
  );
});
