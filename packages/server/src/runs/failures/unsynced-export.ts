import { csvLine, shownCell } from "@entrain/connectors/csv";
import type { Store } from "../../store/store.ts";
import { everyUnsynced, type UnsyncedFilter, type UnsyncedView } from "./unsynced.ts";

/** Spreadsheets take a file without it for one in the machine's old code page. */
const BYTE_ORDER_MARK = "\uFEFF";

const COLUMNS: readonly (readonly [string, (view: UnsyncedView) => string])[] = [
  ["Name", ({ name }) => name],
  ["User principal name", ({ userPrincipalName }) => userPrincipalName ?? ""],
  ["Object id", ({ id }) => id],
  ["State", ({ state }) => state],
  ["Reason", ({ reason }) => reason],
  ["Code", ({ code }) => code],
  ["What happened", ({ sentence }) => sentence],
  ["Detail", ({ detail }) => detail],
  ["What to do", ({ fix }) => fix],
  ["Attempts", ({ attempts }) => String(attempts)],
  ["Unsynced since", ({ since }) => timeText(since)],
  ["Tried last", ({ triedAt }) => timeText(triedAt)],
  ["Tried again", ({ retryAt }) => timeText(retryAt)],
  ["Ignored by", ({ ignored }) => ignored?.actor.id ?? ""],
  ["Note", ({ ignored }) => ignored?.note ?? ""],
];

interface Exported {
  readonly sync: string;
  readonly filter?: UnsyncedFilter;
}

/**
 * Unsynced records as CSV (RFC 4180, UTF-8), piece by piece. No cell is taken for a formula by a spreadsheet: those that look
 * like one begin with an apostrophe, and so do parts behind what it may be told to cut at (CWE-1236).
 */
export async function* unsyncedCsv(
  store: Store,
  { bom = false, ...of }: Exported & { readonly bom?: boolean },
): AsyncGenerator<string> {
  const line = (fields: readonly string[]): string => csvLine(fields.map(shownCell), ",");
  yield (bom ? BYTE_ORDER_MARK : "") + line(COLUMNS.map(([title]) => title));
  for await (const page of everyUnsynced(store, of)) {
    yield page.map((view) => line(COLUMNS.map(([, field]) => field(view)))).join("");
  }
}

/** Unsynced records as JSON, one a line, piece by piece. */
export async function* unsyncedJsonLines(store: Store, of: Exported): AsyncGenerator<string> {
  for await (const page of everyUnsynced(store, of)) {
    yield page.map((view) => `${JSON.stringify(view)}\n`).join("");
  }
}

function timeText(time: number | null): string {
  return time === null ? "" : new Date(time).toISOString();
}
