import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { USER_ATTRIBUTES } from "@entrain/connectors/entra";
import {
  type Attributes,
  type CompiledMapping,
  compileMapping,
  type DirectoryRecord,
  type TargetKind,
  uniqueCandidates,
  type Value,
} from "@entrain/core";
import { parse } from "yaml";
import { TARGET_TYPES } from "../target-types.ts";
import { readDocument } from "./read.ts";

const PAGE = new URL("../../../../docs/mapping.md", import.meta.url);
const ID = "6f0c2f3e-1111-4222-8333-444455556666";
const PATH = "/nowhere";
const NOTHING = { connections: new Map(), targets: new Map(), syncs: new Map(), channels: new Map() };
const CREATION = { now: Date.UTC(2026, 0, 31), guid: () => ID, random: (limit: number) => Math.floor(limit / 2) };

/** One row of a recipe's table: what the person has, what the target has already, and what becomes of each attribute. */
interface Row {
  readonly person: Attributes;
  readonly taken: readonly Value[];
  readonly gives: { readonly [attribute: string]: string };
}

interface Recipe {
  readonly title: string;
  readonly mapping: { readonly [attribute: string]: unknown };
  readonly rows: readonly Row[];
}

function recipes(): readonly Recipe[] {
  const [, page = ""] = readFileSync(PAGE, "utf8").split("\n## Recipes\n");
  const [chapter = ""] = page.split("\n## ");
  return chapter
    .split("\n### ")
    .slice(1)
    .map((section) => {
      const [title = ""] = section.split("\n");
      const [, block = ""] = /```yaml\n([\s\S]*?)```/.exec(section) ?? [];
      const { mapping } = parse(block) as { readonly mapping: Recipe["mapping"] };
      return { title, mapping, rows: rowsOf(section) };
    });
}

function rowsOf(section: string): readonly Row[] {
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) =>
        cell
          .trim()
          .replaceAll("\\|", "|")
          .replace(/^`(.*)`$/, "$1"),
      ),
  );
  return rows.map((cells) => {
    const row = Object.fromEntries(head.map((name, at) => [name, cells[at] ?? ""]));
    const { "the person has": person = "", "the target has": taken = "[]", ...gives } = row;
    return { person: JSON.parse(person) as Attributes, taken: JSON.parse(taken) as readonly Value[], gives };
  });
}

/** A target with a column for whatever a recipe names, read from a document as `config apply` reads it. */
function compiledAs(mapping: Recipe["mapping"]): CompiledMapping {
  const usual = new Set(kindWith([]).attributes.map(({ name }) => name));
  const columns = Object.keys(mapping).filter((name) => !usual.has(name));
  const target = { type: "csv", settings: { path: PATH, columns: { user: columns } } };
  const connection = { cloud: "global", tenant: ID, client: ID, credential: { kind: "managed-identity" } };
  const sync = {
    connection: "contoso",
    target: "files",
    records: "user",
    mapping: { externalId: { direct: "id" }, ...mapping },
  };
  const text = JSON.stringify({
    connections: { contoso: connection },
    targets: { files: target },
    syncs: { people: sync },
  });
  const { syncs } = readDocument(text, { name: "mapping.md", types: TARGET_TYPES, current: NOTHING });
  const compiled = compileMapping(syncs?.get("people")?.mapping ?? {}, kindWith(columns));
  return "mapping" in compiled ? compiled.mapping : assert.fail(JSON.stringify(compiled.findings));
}

function kindWith(columns: readonly string[]): TargetKind {
  const kinds = TARGET_TYPES.get("csv")?.kinds({ path: PATH, columns: { user: [...columns] } }) ?? [];
  return kinds.find(({ name }) => name === "user") ?? assert.fail("csv has people");
}

/** `manager.mail` and the like are the manager's; whatever is not named is known to be empty. */
function recordOf(person: Attributes): DirectoryRecord {
  const own = Object.entries(person).filter(([name]) => !name.startsWith("manager."));
  const theirs = Object.entries(person).flatMap(([name, value]) =>
    name.startsWith("manager.") ? [[name.slice("manager.".length), value] as const] : [],
  );
  return {
    kind: "user",
    id: ID,
    attributes: { ...Object.fromEntries(USER_ATTRIBUTES.map((name) => [name, null])), ...Object.fromEntries(own) },
    manager: theirs.length > 0 ? "manager" : null,
    ...(theirs.length > 0 && { managerAttributes: Object.fromEntries(theirs) }),
    removed: null,
  };
}

/** In the page's words: JSON, or what becomes of the attribute where it has no value. */
function given(mapping: CompiledMapping, { person, taken }: Row, attribute: string): string {
  const record = recordOf(person);
  const unique = mapping.uniques.find((rule) => rule.attribute.name === attribute);
  if (unique !== undefined) {
    const offered = uniqueCandidates(unique, record, CREATION);
    const free = "values" in offered ? offered.values.find((value) => !taken.includes(value)) : undefined;
    return free === undefined ? "an issue" : JSON.stringify(free);
  }
  const { attributes, issues } = mapping.reveal(record, true, CREATION);
  if (issues.length > 0) return "an issue";
  const value = attributes[attribute];
  if (value === undefined) return "left as it is";
  return value === null ? "cleared" : JSON.stringify(value);
}

const RECIPES = recipes();

test("the page about mappings has recipes", () => assert.ok(RECIPES.length >= 10, `only ${RECIPES.length}`));

for (const { title, mapping, rows } of RECIPES) {
  test(`recipe: ${title}`, () => {
    const compiled = compiledAs(mapping);
    assert.ok(rows.length > 0, "a table says what it gives");
    for (const row of rows) {
      assert.deepEqual(Object.keys(row.gives).toSorted(), Object.keys(mapping).toSorted());
      for (const [attribute, wanted] of Object.entries(row.gives)) {
        const value = given(compiled, row, attribute);
        const what = `${attribute} of ${JSON.stringify(row.person)}`;
        if (wanted.startsWith("/")) assert.match(value, new RegExp(wanted.slice(1, -1)), what);
        else assert.equal(value, wanted, what);
      }
    }
  });
}
