import { ConnectorError } from "@entrain/core";
import { faultOf } from "../shared/reply.ts";
import type { FreshchatClient } from "./api.ts";
import { isJson, type Json, textIn } from "./json.ts";

/** The most rows that a page may have. */
export const PAGE = 50;

/** A list of the API: where it is, with what filter, and what an answer may call it. */
export interface List {
  readonly path: string;
  readonly filter: Readonly<Record<string, string>>;
  readonly names: readonly [list: string, single: string];
}

/** What the requests of a read have in common. */
export interface Asking {
  readonly client: FreshchatClient;
  readonly signal: AbortSignal;
}

export interface Page {
  readonly rows: readonly Json[];
  /** How many rows the whole list has, where the answer says so. */
  readonly total: number | null;
  /** Whether a page follows; `null` where the answer says nothing of it. */
  readonly more: boolean | null;
}

/**
 * Reads one page. Of what an answer says of pages `pagination` and `links` both count; a link is never followed, for some carry
 * only the page's number, and a token goes nowhere but to the configured address.
 * @throws ConnectorError `answer_invalid` where what came is no list
 */
export async function readPage(
  { client, signal }: Asking,
  list: List,
  { page, size }: { readonly page: number; readonly size: number },
): Promise<Page> {
  const query = new URLSearchParams({ ...list.filter, page: String(page), items_per_page: String(size) });
  const reply = await client.send({ method: "GET", path: `${list.path}?${query}`, repeatable: true }, signal);
  if (reply.kind !== "answer") {
    if (signal.aborted) throw signal.reason;
    throw faultOf(reply, `Reading ${list.path}`);
  }
  const rows = rowsOf(reply.body, list);
  if (rows === null) throw invalidAnswer(`The list of ${list.path} was no list`);
  return { rows, ...paging(reply.body, page) };
}

/** An array under its name, a bare one, or one resource alone; `null` for anything else. */
function rowsOf(body: unknown, { names: [name, single] }: List): readonly Json[] | null {
  const held = isJson(body) ? (body[name] ?? body[single] ?? (textIn(body.id) === null ? null : body)) : body;
  const rows: unknown = isJson(held) ? [held] : held;
  if (Array.isArray(rows)) return rows.every((row) => isJson(row) && textIn(row.id) !== null) ? rows : null;
  return isJson(body) && isJson(body.pagination) && body.pagination.total_items === 0 ? [] : null;
}

function paging(body: unknown, page: number): Pick<Page, "total" | "more"> {
  if (!isJson(body)) return { total: null, more: null };
  const pagination = isJson(body.pagination) ? body.pagination : {};
  const links = isJson(body.links) ? body.links : null;
  const pages = numberIn(pagination.total_pages);
  const linked = links === null ? null : isJson(links.next_page) && textIn(links.next_page.href) !== null;
  const counted = pages === null ? null : page < pages;
  const more = linked === null && counted === null ? null : linked === true || counted === true;
  return { total: numberIn(pagination.total_items), more };
}

function numberIn(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : null;
}

/** The fault of an answer that cannot be right. */
export function invalidAnswer(message: string): ConnectorError {
  return new ConnectorError("answer_invalid", `${message}.`, { stops: "sync", retry: "later" });
}
