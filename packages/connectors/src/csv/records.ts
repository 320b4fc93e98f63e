import type { Attributes, Outcome, TargetChange } from "@entrain/core";
import { type CsvKind, RowCodec } from "./kinds.ts";
import type { Row, Table } from "./table.ts";

/** What a batch does to one kind's table: outcomes, and the lines that take the place of those of the same id. */
export interface RecordChanges {
  readonly outcomes: ReadonlyMap<TargetChange, Outcome>;
  /** New lines by id; `null` deletes. Ids that the file does not hold are appended. */
  readonly lines: ReadonlyMap<string, Row | null>;
}

/**
 * Works a batch out in its order against the lines that it touches: those of its ids, and those that hold a unique value
 * that it sets. Only these are kept in memory, however long the file.
 */
export async function planRecords(
  kind: CsvKind,
  table: Table,
  changes: readonly TargetChange[],
  newId: () => string,
  signal: AbortSignal,
): Promise<RecordChanges> {
  const codec = new RowCodec(kind, table.columns);
  const known = await touchedLines(codec, table, changes, signal);
  const holders = new Map<string, string>();
  for (const [id, row] of known) holders.set(codec.value(row, KEY) ?? "", id);
  const outcomes = new Map<TargetChange, Outcome>();
  const lines = new Map<string, Row | null>();

  for (const change of changes) {
    const before = change.recordId === null ? undefined : known.get(change.recordId);
    const result = carryOut(kind, codec, change, before, holders, newId);
    outcomes.set(change, result.outcome);
    if (result.line === undefined || !("recordId" in result.outcome)) continue;
    const id = result.outcome.recordId;
    if (before) holders.delete(codec.value(before, KEY) ?? "");
    if (result.line === null) known.delete(id);
    else {
      known.set(id, result.line);
      holders.set(codec.value(result.line, KEY) ?? "", id);
    }
    lines.set(id, result.line);
  }
  return { outcomes, lines };
}

/** The attribute that no two records share: what tells a repeated creation from a new one. */
const KEY = "externalId";

async function touchedLines(
  codec: RowCodec,
  table: Table,
  changes: readonly TargetChange[],
  signal: AbortSignal,
): Promise<Map<string, Row>> {
  const ids = new Set(changes.map(({ recordId }) => recordId));
  const keys = new Set<unknown>(changes.map(({ set }) => set[KEY]).filter((key) => typeof key === "string"));
  const touched = new Map<string, Row>();
  for await (const rows of table.rows(signal)) {
    for (const row of rows) {
      if (ids.has(codec.id(row)) || keys.has(codec.value(row, KEY))) touched.set(codec.id(row), row);
    }
  }
  return touched;
}

/** `line` is the record's new line, `null` when it is deleted, absent when nothing is to be written. */
interface Step {
  readonly outcome: Outcome;
  readonly line?: Row | null;
}

function carryOut(
  { kind }: CsvKind,
  codec: RowCodec,
  change: TargetChange,
  before: Row | undefined,
  holders: ReadonlyMap<string, string>,
  newId: () => string,
): Step {
  const recordId = change.recordId ?? "";
  if (change.action === "delete") {
    return before
      ? { outcome: { status: "applied", recordId }, line: null }
      : { outcome: { status: "unchanged", recordId } };
  }
  if (change.action !== "create" && before === undefined) {
    return refuse("conflict", "record_missing", `The ${kind.name} ${recordId} is no longer in the file.`, "now");
  }
  const wrong = invalidValue(change.set);
  if (wrong !== null)
    return refuse("refused", "value_invalid", `${wrong} holds a character that no file can hold.`, "later");
  const key = change.set[KEY];
  if ((change.action === "create" || key !== undefined) && (typeof key !== "string" || key === "")) {
    return refuse("refused", "value_missing", `A ${kind.name} needs an ${KEY}: it tells records apart.`, "later");
  }
  const holder = typeof key === "string" ? holders.get(key) : undefined;
  if (holder !== undefined && holder !== change.recordId) {
    const retry = change.action === "create" ? "now" : "later";
    return refuse("refused", "exists", `The ${kind.name} ${holder} has the same ${KEY}.`, retry);
  }
  const id = before ? recordId : newId();
  const line = codec.change(before ?? codec.create(id), change.set, change.active);
  if (before?.every((stored, index) => stored === line[index]))
    return { outcome: { status: "unchanged", recordId: id } };
  return { outcome: { status: "applied", recordId: id }, line };
}

/** The name of the first attribute whose value would not come back as it was: half of a surrogate pair, or U+0000. */
function invalidValue(set: Attributes): string | null {
  const wrong = Object.entries(set).find(
    ([, value]) => typeof value === "string" && (!value.isWellFormed() || value.includes("\0")),
  );
  return wrong?.[0] ?? null;
}

function refuse(
  status: "refused" | "conflict",
  code: "record_missing" | "value_invalid" | "value_missing" | "exists",
  detail: string,
  retry: "now" | "later",
): Step {
  return { outcome: { status, code, detail, retry } };
}

/** The whole table with the new lines in place, piece by piece. */
export async function* mergedRecords(
  kind: CsvKind,
  table: Table,
  lines: ReadonlyMap<string, Row | null>,
  signal: AbortSignal,
): AsyncIterable<readonly Row[]> {
  const codec = new RowCodec(kind, table.columns);
  const left = new Map(lines);
  for await (const rows of table.rows(signal)) {
    const kept: Row[] = [];
    for (const row of rows) {
      const id = codec.id(row);
      const line = left.has(id) ? left.get(id) : row;
      if (line) kept.push(line);
      left.delete(id);
    }
    yield kept;
  }
  yield [...left.values()].filter((line) => line !== null);
}
