import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type Attributes,
  ConnectorError,
  type TargetAttribute,
  type TargetKind,
  type TargetRecord,
  type Value,
} from "@entrain/core";
import { cell, uncell } from "./format.ts";
import { damaged, type Row, type TableSpec } from "./table.ts";

/** The column that names a record for ever, and the one that says whether it is enabled. */
const ID = "id";
const ACTIVE = "active";

/** One kind of record and its file. */
export interface CsvKind {
  readonly kind: TargetKind;
  readonly table: TableSpec;
}

/** The three files: one line per person, per group, and per membership. */
export interface CsvLayout {
  readonly kinds: ReadonlyMap<string, CsvKind>;
  readonly memberships: TableSpec;
}

/** What a column of texts may hold; the file takes nothing else from us. */
interface ColumnLimits {
  readonly name: string;
  /** The most characters (Unicode code points). */
  readonly maxLength?: number;
  /** The only texts, without regard to case; written as they are spelled here. */
  readonly choices?: readonly string[];
  readonly required?: boolean;
  /** No two lines have the same, without regard to case. */
  readonly unique?: boolean;
}

/** Columns by kind: those beside the standard ones, and limits for any. Each is an attribute of type `string`. */
export interface CsvColumns {
  readonly user?: readonly (string | ColumnLimits)[];
  readonly group?: readonly (string | ColumnLimits)[];
}

export interface LayoutOptions {
  readonly folder: string;
  readonly delimiter: string;
  readonly columns: CsvColumns;
}

/** Graph's own names, so that a mapping reads as what it is. The key is what a creation is told apart by. */
const KEY: TargetAttribute = { name: "externalId", type: "string", required: true, unique: true, caseExact: true };
const USER_COLUMNS = [
  "userPrincipalName",
  "displayName",
  "givenName",
  "surname",
  "mail",
  "jobTitle",
  "department",
  "companyName",
  "employeeId",
  "officeLocation",
  "city",
  "country",
  "mobilePhone",
  "businessPhone",
  "preferredLanguage",
] as const;

const USER_MAPPING: { readonly [name: string]: { readonly direct: string } } = {
  externalId: { direct: "id" },
  ...Object.fromEntries(USER_COLUMNS.map((name) => [name, { direct: name }])),
  businessPhone: { direct: "businessPhones.0" },
  manager: { direct: "manager" },
};

const GROUP_COLUMNS = ["displayName", "description", "mail"] as const;

/** Lays the files out in a folder. @throws ConnectorError `config_invalid` for columns that cannot be */
export function csvLayout({ folder, delimiter, columns }: LayoutOptions): CsvLayout {
  const user: TargetKind = {
    name: "user",
    source: "user",
    attributes: [
      ...textColumns(USER_COLUMNS, columns.user ?? []),
      { name: "manager", type: "reference", references: "user" },
    ],
    matchable: ["externalId", "userPrincipalName", "mail", "employeeId"],
    disable: true,
    verbs: { disable: `${ACTIVE} set to false in user.csv`, delete: "its line taken out of user.csv" },
    members: [],
    settleMs: 0,
    preset: { mapping: USER_MAPPING, matching: ["externalId"] },
  };
  const group: TargetKind = {
    name: "group",
    source: "group",
    attributes: textColumns(GROUP_COLUMNS, columns.group ?? []),
    matchable: ["externalId", "displayName"],
    disable: false,
    verbs: { delete: "its line taken out of group.csv" },
    members: ["user", "group"],
    settleMs: 0,
    preset: {
      mapping: {
        externalId: { direct: "id" },
        displayName: { direct: "displayName" },
        description: { direct: "description" },
        mail: { direct: "mail" },
      },
      matching: ["externalId"],
    },
  };
  const specOf = (name: string, wanted: readonly string[], required: readonly string[]): TableSpec => {
    assert.equal(new Set(wanted).size, wanted.length, `every column of ${name}.csv has a name of its own`);
    return { file: join(folder, `${name}.csv`), delimiter, wanted, required };
  };
  const kindOf = (kind: TargetKind): readonly [string, CsvKind] => {
    const fixed = kind.disable ? [ID, ACTIVE] : [ID];
    const wanted = [...fixed, ...kind.attributes.map(({ name }) => name)];
    return [kind.name, { kind, table: specOf(kind.name, wanted, [...fixed, KEY.name]) }];
  };
  return {
    kinds: new Map([kindOf(user), kindOf(group)]),
    memberships: specOf("group-members", ["group", "member"], ["group", "member"]),
  };
}

/** The key, the standard columns, then those that the settings add; each with the limits that the settings give it. */
function textColumns(
  standard: readonly string[],
  given: readonly (string | ColumnLimits)[],
): readonly TargetAttribute[] {
  const limits = new Map<string, ColumnLimits>();
  const added: string[] = [];
  for (const column of given) {
    const { name, ...rest } = typeof column === "string" ? { name: column } : column;
    const isStandard = name === KEY.name || standard.includes(name);
    if (name === "manager") throw unfit("manager", "is a reference, which has no limits");
    if (limits.has(name)) throw unfit(name, "stands there twice");
    if (isStandard && Object.keys(rest).length === 0) throw unfit(name, "is a standard column and says no limits");
    if (!isStandard) added.push(name);
    limits.set(name, { name, ...rest });
  }
  const long = [...limits.values()].find(
    ({ maxLength, choices = [] }) => maxLength !== undefined && choices.some((one) => [...one].length > maxLength),
  );
  if (long !== undefined) throw unfit(long.name, `has a choice of more than ${long.maxLength} characters`);
  return [KEY, ...[...standard, ...added].map(text)].map((attribute) => ({
    ...limits.get(attribute.name),
    ...attribute,
  }));
}

function unfit(name: string, why: string): ConnectorError {
  return new ConnectorError("config_invalid", `columns: ${name} ${why}`, { stops: "sync", retry: "never" });
}

function text(name: string): TargetAttribute {
  return { name, type: "string", ...(name === "mail" && { mail: true }) };
}

/** Reads and changes lines of one kind's table by the names of their columns. */
export class RowCodec {
  readonly #kind: CsvKind;
  readonly #columns: readonly string[];
  readonly #id: number;
  readonly #active: number;
  readonly #places: ReadonlyMap<string, number>;

  constructor(kind: CsvKind, columns: readonly string[]) {
    this.#kind = kind;
    this.#columns = columns;
    this.#id = columns.indexOf(ID);
    this.#active = columns.indexOf(ACTIVE);
    this.#places = new Map(kind.kind.attributes.map(({ name }) => [name, columns.indexOf(name)]));
  }

  /** The line's id. @throws ConnectorError `file_invalid` for a line without one */
  id(row: Row): string {
    const id = row[this.#id];
    if (!id) throw damaged(this.#kind.table, "a line has no id");
    return id;
  }

  /** One attribute's value; an empty cell is `null`. */
  value(row: Row, attribute: string): string | null {
    const stored = row[this.#places.get(attribute) ?? -1];
    return stored ? uncell(stored) : null;
  }

  /** A line as a record. @throws ConnectorError `file_invalid` when it does not say whether it is enabled */
  record(row: Row): TargetRecord {
    const attributes: { [name: string]: Value } = {};
    for (const name of this.#places.keys()) attributes[name] = this.value(row, name);
    return { kind: this.#kind.kind.name, id: this.id(row), attributes, active: this.#isActive(row) };
  }

  #isActive(row: Row): boolean {
    if (!this.#kind.kind.disable) return true;
    const active = row[this.#active]?.toLowerCase();
    // Excel writes truths in capitals. Anything else is no answer, and no answer never means "disabled".
    if (active !== "true" && active !== "false") throw damaged(this.#kind.table, "a line is neither true nor false");
    return active === "true";
  }

  /** A new line. */
  create(id: string): Row {
    return this.#columns.map((name) => (name === ID ? id : name === ACTIVE ? "true" : ""));
  }

  /** A line with some values changed; cells of columns that are not ours stay as they are. */
  change(row: Row, set: Attributes, active: boolean | undefined): Row {
    const changed = [...row];
    for (const [name, value] of Object.entries(set)) {
      const place = this.#places.get(name);
      if (place !== undefined) changed[place] = value === null ? "" : cell(String(value));
    }
    if (active !== undefined && this.#active >= 0) changed[this.#active] = String(active);
    return changed;
  }
}
