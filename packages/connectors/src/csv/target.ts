import assert from "node:assert/strict";
import { ConnectorError, type Target, type TargetRecord, type Value } from "@entrain/core";
import { applyBatch } from "./apply.ts";
import { type CsvColumns, type CsvKind, type CsvLayout, csvLayout, RowCodec } from "./kinds.ts";
import { asOnlyWriter } from "./lock.ts";
import { membersOf } from "./memberships.ts";
import { openTable } from "./table.ts";
import { verifyCsv } from "./verify.ts";

/** Where the files stand and how they look. */
export interface CsvTargetOptions {
  /** The folder of the files, which must exist. */
  readonly path: string;
  /** Default `,`. Excel in many European languages expects `;`. */
  readonly delimiter?: "," | ";" | "\t" | "|";
  /** Columns beside the standard ones, and what columns may hold, by kind. */
  readonly columns?: CsvColumns;
  /** Unpredictable bytes, for record ids. */
  readonly clock: { bytes(count: number): Uint8Array };
}

/** Each batch writes the files anew: the larger, the fewer times. */
const BATCH = 5_000;
const MOST_LOOKUPS = 100;
const PAGE = 500;

/**
 * A folder of snapshot files as a target: `user.csv` and `group.csv` with one line per record (`id`, for people `active`,
 * then the attributes), and `group-members.csv` with one line per membership (`group`, `member`, both ids). Files follow
 * RFC 4180 in UTF-8, are replaced whole, and hold no cell that a spreadsheet would compute: such a value has an
 * apostrophe in front, which is taken away when it is read back. An empty cell is no value. Columns that are not ours
 * are kept. A new file is readable by its owner alone; a file's rights stay as they are set.
 *
 * Ids are random (UUID version 4), so none is ever given twice. A second creation with one `externalId` is refused.
 * @throws ConnectorError `config_invalid` for columns that cannot be
 */
export function createCsvTarget(options: CsvTargetOptions): Target {
  const layout = csvLayout({
    folder: options.path,
    delimiter: options.delimiter ?? ",",
    columns: options.columns ?? {},
  });

  return {
    kinds: [...layout.kinds.values()].map(({ kind }) => kind),
    batch: BATCH,
    verify: (signal) => verifyCsv(options.path, layout, signal),
    async *list(name, { members }, signal) {
      const kind = kindOf(layout, name);
      yield* pages(layout, kind, members, () => true, signal);
    },
    async find(name, attribute, values, signal) {
      const kind = kindOf(layout, name);
      assert.ok(values.length <= MOST_LOOKUPS, "find takes at most 100 values");
      const declared = kind.kind.attributes.find((each) => each.name === attribute);
      if (declared === undefined || !kind.kind.matchable.includes(attribute)) {
        throw refusal(`A ${name} of a CSV target cannot be looked up by ${attribute}.`);
      }
      const key = (value: Value): string => matchingKey(String(value), declared.caseExact === true);
      const wanted = new Set(values.filter((value) => value !== null && value !== "").map(key));
      const hit = (record: TargetRecord): boolean => {
        const value = record.attributes[attribute] ?? null;
        return value !== null && wanted.has(key(value));
      };
      return collect(pages(layout, kind, false, hit, signal));
    },
    async get(name, ids, { members }, signal) {
      const kind = kindOf(layout, name);
      assert.ok(ids.length <= MOST_LOOKUPS, "get takes at most 100 ids");
      const wanted = new Set(ids);
      return collect(pages(layout, kind, members, ({ id }) => wanted.has(id), signal));
    },
    async apply(changes, signal) {
      assert.ok(changes.length <= BATCH, `a batch holds at most ${BATCH} changes`);
      for (const { kind } of changes) kindOf(layout, kind);
      signal.throwIfAborted();
      const newId = (): string => newUuid(options.clock.bytes(16));
      return asOnlyWriter(options.path, () => {
        signal.throwIfAborted();
        return applyBatch(layout, changes, newId, signal);
      });
    },
    close: async () => {},
  };
}

async function* pages(
  layout: CsvLayout,
  kind: CsvKind,
  members: boolean,
  isWanted: (record: TargetRecord) => boolean,
  signal: AbortSignal,
): AsyncIterable<readonly TargetRecord[]> {
  signal.throwIfAborted();
  const table = await openTable(kind.table);
  const codec = new RowCodec(kind, table.columns);
  const full = members && kind.kind.members.length > 0;
  let page: TargetRecord[] = [];
  for await (const rows of table.rows(signal)) {
    for (const row of rows) {
      const record = codec.record(row);
      if (!isWanted(record)) continue;
      page.push(record);
      if (page.length < PAGE) continue;
      yield full ? await withMembers(layout, page, signal) : page;
      page = [];
    }
  }
  if (page.length > 0) yield full ? await withMembers(layout, page, signal) : page;
}

async function withMembers(
  { memberships }: CsvLayout,
  page: readonly TargetRecord[],
  signal: AbortSignal,
): Promise<readonly TargetRecord[]> {
  const ids = new Set(page.map(({ id }) => id));
  const members = await membersOf(memberships, await openTable(memberships), ids, signal);
  return page.map((record) => ({ ...record, members: members.get(record.id) ?? [] }));
}

async function collect(all: AsyncIterable<readonly TargetRecord[]>): Promise<readonly TargetRecord[]> {
  const records: TargetRecord[] = [];
  for await (const page of all) records.push(...page);
  return records;
}

function matchingKey(text: string, caseExact: boolean): string {
  const normal = text.normalize("NFC");
  return caseExact ? normal : normal.toLowerCase();
}

function kindOf(layout: CsvLayout, name: string): CsvKind {
  const kind = layout.kinds.get(name);
  if (kind === undefined) throw refusal(`A CSV target has no records of the kind ${name}, only user and group.`);
  return kind;
}

function refusal(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}

/** RFC 9562 section 5.4. */
function newUuid(bytes: Uint8Array): string {
  const [...octets] = bytes;
  octets[6] = ((octets[6] ?? 0) & 0x0f) | 0x40;
  octets[8] = ((octets[8] ?? 0) & 0x3f) | 0x80;
  const hex = octets.map((octet) => octet.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
