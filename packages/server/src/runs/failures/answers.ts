import type { PendingRow } from "../../store/pending.ts";

/** Shorter values stand in many a word. */
const VALUE_LEAST = 3;
const STATUS = /\banswered (\d{3})\b/;
const RECORD = /^The \S+ \S+: /;
const QUOTED = /"[^"]*"|(?<!\w)'[^']*'(?!\w)|`[^`]*`/g;
/** Ids, addresses, numbers and times. */
const OF_ONE = /\S*[\d@]\S*/g;

/**
 * What the target answered, as it would of any other record: its status, and its sentence without what it calls the record by.
 * `attributes` are the record's own at the source, as JSON; null when it is not known any more.
 */
export function answerOf({ code, detail }: Pick<PendingRow, "code" | "detail">, attributes: string | null): string {
  const status = STATUS.exec(detail)?.[1] ?? "";
  const own = attributes === null ? [] : valuesIn(JSON.parse(attributes)).sort((one, two) => two.length - one.length);
  const said = own.reduce((text, value) => text.replaceAll(value, "*"), detail.replace(RECORD, "").toLowerCase());
  const general = said.replaceAll(QUOTED, "*").replaceAll(OF_ONE, "*");
  return [code, status, general.replaceAll(/\s+/g, " ")].join(" ");
}

function valuesIn(value: unknown): string[] {
  if (typeof value === "string") return value.length < VALUE_LEAST ? [] : [value.toLowerCase()];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(valuesIn);
}
