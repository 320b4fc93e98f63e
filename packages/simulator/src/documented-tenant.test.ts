import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Simulator } from "./simulator.ts";
import type { Json } from "./tenant/types.ts";
import { fetchToken } from "./testing/client.ts";
import { runCommand } from "./testing/command.ts";

type Entry = { readonly [name: string]: Json };
const SECTIONS = ["users", "groups"] as const;
type Section = (typeof SECTIONS)[number];
type Tenant = Record<Section, Entry[]>;

const EXAMPLES = join(
  process.env.ENTRAIN_SHARED ?? resolve(import.meta.dirname, "../../../../shared"),
  "graph/examples",
);
const absent =
  existsSync(EXAMPLES) || process.env.CI === "true"
    ? false
    : `there is no folder ${EXAMPLES}; name its parent's parent in ENTRAIN_SHARED`;

test("--tenant serves every entry of every documented list of users and groups, each property unchanged", {
  skip: absent,
}, async (t) => {
  const documented = await readLists();
  assert.ok(documented.length >= 30, `only ${documented.length} entries were found`);
  const { tenant, placeholders } = merge(documented);
  t.diagnostic(
    `${documented.length} entries: ${tenant.users.length} users and ${tenant.groups.length} groups, of which ${placeholders} go without their placeholder id`,
  );
  const folder = await mkdtemp(join(tmpdir(), "entrain-documented-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "tenant.json");
  await writeFile(file, JSON.stringify(tenant));
  const args = ["--tenant", file, "--port", "0", "--throttle", "off", "--json"];
  const { code, stderr } = await runCommand(args, async (line) => {
    const ready = JSON.parse(line) as Simulator;
    for (const section of SECTIONS) await assertServed(ready, section, tenant[section]);
  });
  assert.deepEqual([code, stderr], [0, ""]);
});

/** Asserts that the list answers the records of the file in their order, each with every property that it was given. */
async function assertServed(ready: Simulator, section: Section, given: readonly Entry[]): Promise<void> {
  const names = [...new Set(given.flatMap(Object.keys).filter((name) => !name.startsWith("@")))];
  const response = await fetch(`${ready.graph}/v1.0/${section}?$top=999&$select=${names.join(",")}`, {
    headers: { authorization: `Bearer ${await fetchToken(ready)}` },
  });
  assert.equal(response.status, 200);
  const { value } = (await response.json()) as { readonly value: readonly Entry[] };
  assert.equal(value.length, given.length);
  for (const [index, record] of given.entries()) {
    for (const [name, documented] of Object.entries(record)) {
      if (!name.startsWith("@")) assert.deepEqual(value[index]?.[name], documented, `${section}[${index}].${name}`);
    }
  }
}

interface Documented {
  readonly section: Section;
  readonly record: Entry;
}

/**
 * One tenant of all entries. An entry that repeats an earlier one of its kind word for word is dropped. One with an
 * earlier one's sign-in name is the same person, seen with other properties, and joins it. One whose id an earlier,
 * different entry has bears a placeholder of the documentation, and goes in without it.
 */
function merge(documented: readonly Documented[]): { readonly tenant: Tenant; readonly placeholders: number } {
  const tenant: Tenant = { users: [], groups: [] };
  const ids = new Set<Json>();
  let placeholders = 0;
  for (const { section, record } of documented) {
    const records = tenant[section];
    if (records.some((earlier) => isDeepStrictEqual(earlier, record))) continue;
    const { id, ...nameless } = record;
    const same = records.findIndex(
      ({ userPrincipalName: name }) => name !== undefined && name === record.userPrincipalName,
    );
    if (same >= 0) {
      const joined = { ...records[same], ...record };
      for (const [name, value] of Object.entries(records[same] ?? {})) assert.deepEqual(joined[name], value, name);
      records[same] = joined;
    } else if (id !== undefined && ids.has(id)) {
      placeholders += 1;
      records.push(nameless);
    } else records.push(record);
    if (id !== undefined) ids.add(id);
  }
  return { tenant, placeholders };
}

/** The entries of all documented answers that list users or groups, whole or as somebody's members, groups or reports. */
async function readLists(): Promise<readonly Documented[]> {
  const found: Documented[] = [];
  for (const file of (await readdir(EXAMPLES)).filter((name) => name.endsWith(".json")).sort()) {
    const { request, response } = JSON.parse(await readFile(join(EXAMPLES, file), "utf8")) as {
      readonly request?: { readonly method: string; readonly url: string } | null;
      readonly response?: { readonly body?: { readonly value?: readonly Entry[] } | null } | null;
    };
    const value = response?.body?.value;
    if (request?.method !== "GET" || !Array.isArray(value)) continue;
    for (const record of value) {
      const section = sectionOf(request.url, record);
      if (section !== null) found.push({ section, record });
    }
  }
  return found;
}

/** The kind that the entry names, else the one that the address is cast to, else the one that the address lists. */
function sectionOf(url: string, record: Entry): Section | null {
  const path = url.replace(/^.*\/v1\.0\//, "").replace(/\?.*$/, "");
  const listed = /^(?:users|groups)$|\/(owners|members|transitivemembers|memberof|transitivememberof|directreports)\b/i;
  if (!listed.test(path)) return null;
  const type = record["@odata.type"] ?? `#${/microsoft\.graph\.\w+$/.exec(path)?.[0] ?? ""}`;
  if (type === "#microsoft.graph.user") return "users";
  if (type === "#microsoft.graph.group" || /^groups$|memberof$/i.test(path)) return "groups";
  return type === "#" ? "users" : null;
}
