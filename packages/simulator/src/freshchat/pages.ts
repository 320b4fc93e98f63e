import type { WireResponse } from "../server/exchange.ts";
import { json, Refusal } from "./refusal.ts";
import type { FreshchatSwitches } from "./switches.ts";

const USUAL = 20;
const MOST = 50;

/** A list that was asked for. */
export interface ListRequest {
  /** Name of the list in the answer and the last part of its path, such as `agents`. */
  readonly name: string;
  readonly query: URLSearchParams;
}

/**
 * One page of records that come oldest first. Pages are cut from what there is at this moment, so that records which
 * come and go between two requests shift all later rows. Throws a Refusal (400) for a page or size that cannot be.
 */
export function pageOf(
  records: readonly unknown[],
  { name, query }: ListRequest,
  switches: FreshchatSwitches,
): WireResponse {
  const page = numberIn(query, "page", 1);
  const asked = numberIn(query, "items_per_page", USUAL);
  if (asked > MOST && switches.pageLimit === "refuse") {
    throw new Refusal(400, `items_per_page must not be greater than ${MOST}`);
  }
  const size = Math.min(asked, MOST);
  const sorted = isNewestFirst(query, switches) ? records.toReversed() : records;
  const rows = sorted.slice((page - 1) * size, page * size);
  if (switches.metadata === "bare") return json(200, rows);
  const pages = Math.ceil(records.length / size);
  const pagination = { total_items: records.length, total_pages: pages, current_page: page, items_per_page: size };
  const href = (to: number): object => ({ href: hrefOf(to, { name, query }, switches) });
  const links = {
    first_page: href(1),
    last_page: href(Math.max(pages, 1)),
    ...(page < pages ? { next_page: href(page + 1) } : {}),
  };
  return json(200, {
    [name]: rows,
    ...(switches.metadata === "links" ? {} : { pagination }),
    ...(switches.metadata === "pagination" ? {} : { links }),
  });
}

function isNewestFirst(query: URLSearchParams, switches: FreshchatSwitches): boolean {
  const wanted = query.get("sort_order");
  return wanted === null ? switches.order === "newest" : wanted.toLowerCase() === "desc";
}

/** Relative, as the documented example shows it. */
function hrefOf(page: number, { name, query }: ListRequest, switches: FreshchatSwitches): string {
  const carried = new URLSearchParams(switches.linkQuery === "whole" ? query : undefined);
  carried.set("page", String(page));
  return `/v2/${name}?${carried}`;
}

function numberIn(query: URLSearchParams, name: string, usual: number): number {
  const text = query.get(name);
  if (text === null) return usual;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Refusal(400, `${name} must be a whole number from 1`);
}
