import type { Attributes, Value } from "@entrain/core";
import type { Checker } from "./checker.ts";
import type { Path, SecretEntry, TargetEntry } from "./document.ts";
import type { SettingField, TargetType } from "./target-types.ts";
import { readSecret, readUrl } from "./values.ts";

export type TargetTypes = ReadonlyMap<string, TargetType>;

const LARGEST = 1_000_000_000;
const LONGEST = 1_000_000;

/** One target as a document gives it, its settings and credential as its type asks for them. */
export function readTarget(checker: Checker, value: unknown, path: Path, types: TargetTypes): TargetEntry | undefined {
  const entry = checker.map(value, path, ["type", "settings", "credential"]);
  if (entry === undefined) return undefined;
  const name = checker.oneOf(entry.type, [...path, "type"], [...types.keys()]);
  const type = name === undefined ? undefined : types.get(name);
  if (type === undefined) return undefined;
  const settings = readSettings(checker, entry.settings ?? {}, [...path, "settings"], type.settings);
  const credential = readCredentials(checker, entry.credential ?? {}, [...path, "credential"], type);
  if (settings === undefined || credential === undefined) return undefined;
  try {
    type.kinds(settings);
  } catch (error) {
    return checker.flaw([...path, "settings"], error instanceof Error ? error.message : String(error));
  }
  return { type: type.name, settings, credential };
}

function readSettings(
  checker: Checker,
  value: unknown,
  path: Path,
  fields: readonly SettingField[],
): Attributes | undefined {
  const entry = checker.map(
    value,
    path,
    fields.map(({ name }) => name),
  );
  if (entry === undefined) return undefined;
  const settings: { [name: string]: Value } = {};
  let complete = true;
  for (const field of fields) {
    const given = entry[field.name];
    if (given === undefined && !field.required) continue;
    const read = given === undefined ? missing(checker, field, path) : readSetting(checker, given, path, field);
    if (read === undefined) complete = false;
    else settings[field.name] = read;
  }
  return complete ? settings : undefined;
}

function missing(checker: Checker, field: SettingField, path: Path): undefined {
  return checker.flaw(path, `"${field.name}" is missing: ${field.description}`);
}

function readSetting(checker: Checker, value: unknown, parent: Path, field: SettingField): Value | undefined {
  const path = [...parent, field.name];
  switch (field.type) {
    case "url":
      return readUrl(checker, value, path);
    case "boolean":
      return checker.boolean(value, path);
    case "integer":
      return checker.integer(value, path, { min: 0, max: LARGEST });
    case "columns":
      return readColumns(checker, value, path);
    default:
      return field.choices === undefined ? checker.text(value, path) : checker.oneOf(value, path, field.choices);
  }
}

/** Columns by kind: `{ user: [costCenter, { name: floor, maxLength: 10 }] }`. */
function readColumns(checker: Checker, value: unknown, path: Path): Value | undefined {
  const entry = checker.map(value, path, null);
  if (entry === undefined) return undefined;
  const kinds = Object.entries(entry).map(([kind, given]) => {
    const columns = checker
      .list(given, [...path, kind])
      ?.map((one, at) => readColumn(checker, one, [...path, kind, at]));
    return [kind, columns?.every((one) => one !== undefined) === true ? columns : undefined] as const;
  });
  return kinds.every(([, columns]) => columns !== undefined) ? (Object.fromEntries(kinds) as Value) : undefined;
}

/** The name of a column, or a map of it and what the column may hold. */
function readColumn(checker: Checker, value: unknown, path: Path): Value | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return checker.text(value, path);
  const entry = checker.map(value, path, ["name", "maxLength", "choices", "required", "unique"]) ?? {};
  const at = (field: string): Path => [...path, field];
  const { name, maxLength, choices, required, unique } = entry;
  const read = {
    name: checker.text(name, at("name")),
    ...(maxLength !== undefined && {
      maxLength: checker.integer(maxLength, at("maxLength"), { min: 1, max: LONGEST }),
    }),
    ...(choices !== undefined && { choices: readChoices(checker, choices, at("choices")) }),
    ...(required !== undefined && { required: checker.boolean(required, at("required")) }),
    ...(unique !== undefined && { unique: checker.boolean(unique, at("unique")) }),
  };
  return Object.values(read).every((one) => one !== undefined) ? (read as Value) : undefined;
}

function readChoices(checker: Checker, value: unknown, path: Path): readonly string[] | undefined {
  const choices = checker.texts(value, path);
  return choices?.length === 0 ? checker.flaw(path, "names nothing that the column may hold") : choices;
}

function readCredentials(
  checker: Checker,
  value: unknown,
  path: Path,
  { name: type, credential: fields }: TargetType,
): TargetEntry["credential"] | undefined {
  const names = fields.map(({ name }) => name);
  if (names.length === 0 && typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    return checker.flaw(path, `targets of the type ${type} need no credential`);
  }
  const entry = checker.map(value, path, names);
  if (entry === undefined) return undefined;
  const secrets: { [field: string]: SecretEntry } = {};
  let complete = true;
  for (const field of fields) {
    const given = entry[field.name];
    if (given === undefined && !field.required) continue;
    const secret =
      given === undefined
        ? checker.flaw(path, `"${field.name}" is missing: ${field.description}`)
        : readSecret(checker, given, [...path, field.name]);
    if (secret === undefined) complete = false;
    else secrets[field.name] = secret;
  }
  return complete ? secrets : undefined;
}
