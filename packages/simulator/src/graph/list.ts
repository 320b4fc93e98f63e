import type { DirectoryObject } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import type { Collection } from "./collection.ts";
import { type Context, isEventual } from "./context.ts";
import { type Expansion, parseExpand } from "./expand.ts";
import { compileFilter, type Filter, type Filterable } from "./odata/filter.ts";
import { withToken } from "./odata/options.ts";
import { compileOrder, type Order } from "./odata/order.ts";
import { type Position, sealPosition, unsealPosition } from "./odata/position.ts";
import { compileSearch } from "./odata/search.ts";
import { checkSignInActivity, derivedValue, namesSignInActivity } from "./premium.ts";
import { checkMixedSelect, checkSelect, contextUrl, renderMember, renderObject } from "./render.ts";
import { badRequest, type GraphResponse, malformed, unsupportedQuery } from "./request.ts";

const DEFAULT_PAGE = 100; // "List users", "List groups", "List group members".
const SIGN_IN_PAGE = 500; // "List users": with signInActivity the maximum is 500.

interface Query {
  readonly filter: Filter | null;
  readonly search: ((record: Filterable) => boolean) | null;
  readonly order: Order | null;
}

/** Answers one page of a collection. */
export function listPage(context: Context, collection: Collection): GraphResponse {
  const { options } = context;
  const query = compileQuery(context, collection);
  const select = collection.mixed
    ? checkMixedSelect(options.select)
    : checkSelect(collection.kind, options.select, true);
  const expand = options.expand === null ? null : parseExpand(collection.kind, options.expand);
  const top = pageSize(context);
  if (namesSignInActivity(context)) checkSignInActivity(context);
  const position = positionOf(context);
  const page = pageOf(context, collection, query, position, top);
  const value = page.records.map((object) => renderOne(context, collection, object, select, expand));
  const counted = options.count && isEventual(context) && position.page === 1;
  return {
    status: 200,
    json: {
      "@odata.context": contextUrl(context, collection.set, options.select),
      ...(counted ? { "@odata.count": context.staleCount(countAll(context, collection, query)) } : {}),
      ...(page.next === null ? {} : { "@odata.nextLink": nextLink(context, collection, page.next) }),
      value,
    },
  };
}

/** Answers `/$count`: a number as plain text, only as an advanced query. */
export function countOnly(context: Context, collection: Collection): GraphResponse {
  if (!isEventual(context)) throw badRequest("$count is not currently supported.");
  const query = compileQuery(context, collection, true);
  return {
    status: 200,
    headers: { "content-type": "text/plain" },
    text: String(context.staleCount(countAll(context, collection, query))),
  };
}

function compileQuery(context: Context, collection: Collection, countSegment = false): Query {
  const { options } = context;
  const eventual = isEventual(context);
  const filter = options.filter === null ? null : compileFilter(collection.kind, options.filter);
  const order = options.orderby === null ? null : compileOrder(collection.kind, options.orderby);
  if (options.search !== null && !eventual) {
    throw unsupportedQuery(
      "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
    );
  }
  const search = options.search === null ? null : compileSearch(collection.kind, options.search);
  const advanced = eventual && (options.count || countSegment || search !== null);
  if (!advanced) refuseAdvanced(collection, filter, order);
  if (advanced && options.expand !== null && (filter?.advanced === true || search !== null)) {
    throw unsupportedQuery("The query parameter '$expand' is not supported with advanced queries.");
  }
  return { filter, search, order };
}

function refuseAdvanced(collection: Collection, filter: Filter | null, order: Order | null): void {
  if (filter?.advanced === true) {
    throw unsupportedQuery(
      "Unsupported Query. The filter needs the header 'ConsistencyLevel: eventual' and the query parameter '$count=true'.",
    );
  }
  if (order !== null && (filter !== null || order.advanced || collection.mixed)) {
    throw unsupportedQuery("Sorting not supported for current query.");
  }
  if (filter !== null && collection.mixed) {
    throw unsupportedQuery("The specified filter to the reference property query is currently not supported.");
  }
  if (collection.advanced === true) {
    throw unsupportedQuery(
      "The request uses an OData cast that needs the header 'ConsistencyLevel: eventual' and '$count=true'.",
    );
  }
}

function pageSize(context: Context): number {
  const { options } = context;
  if (!namesSignInActivity(context)) return options.top ?? DEFAULT_PAGE;
  if ((options.top ?? 0) > SIGN_IN_PAGE) {
    throw unsupportedQuery(
      `Invalid page size specified: '${options.top}'. Must be between 1 and ${SIGN_IN_PAGE} inclusive.`,
    );
  }
  return options.top ?? DEFAULT_PAGE;
}

function positionOf({ options }: Context): Position {
  if (options.skiptoken === null) return { page: 1, after: -1 };
  const position = unsealPosition(options.skiptoken);
  if (position === null) throw malformed("The specified skip token is not valid.");
  return position;
}

interface Page {
  readonly records: readonly DirectoryObject[];
  readonly next: Position | null;
}

function pageOf(context: Context, collection: Collection, query: Query, position: Position, top: number): Page {
  if (query.order !== null) return orderedPage(context, collection, query, query.order, position, top);
  const records: DirectoryObject[] = [];
  for (const object of matching(context, collection, query, position.after)) {
    if (records.length === top) return { records, next: after(position, records) };
    records.push(object);
  }
  return { records, next: null };
}

function after(position: Position, records: readonly DirectoryObject[], keys?: readonly Json[]): Position {
  const last = records[records.length - 1];
  return { page: position.page + 1, after: last?.ordinal ?? position.after, ...(keys === undefined ? {} : { keys }) };
}

function orderedPage(
  context: Context,
  collection: Collection,
  query: Query,
  order: Order,
  position: Position,
  top: number,
): Page {
  const sorted = [...matching(context, collection, query, -1)]
    .map((object) => ({ object, keys: order.keysOf(filterable(context, object)) }))
    .sort((a, b) => order.compare(a.keys, b.keys) || a.object.ordinal - b.object.ordinal);
  const { keys, after: ordinal } = position;
  const start =
    keys === undefined
      ? 0
      : sorted.findIndex((entry) => (order.compare(entry.keys, keys) || entry.object.ordinal - ordinal) > 0);
  const slice = start < 0 ? [] : sorted.slice(start, start + top);
  const records = slice.map((entry) => entry.object);
  const more = start >= 0 && start + top < sorted.length;
  return { records, next: more ? after(position, records, slice[slice.length - 1]?.keys ?? []) : null };
}

function* matching(
  context: Context,
  collection: Collection,
  query: Query,
  ordinal: number,
): Generator<DirectoryObject> {
  const { filter, search } = query;
  for (const object of candidates(collection, filter, ordinal)) {
    if (filter === null && search === null) {
      yield object;
      continue;
    }
    const record = filterable(context, object);
    if (filter?.matches(record) !== false && search?.(record) !== false) yield object;
  }
}

function candidates(collection: Collection, filter: Filter | null, ordinal: number): Iterable<DirectoryObject> {
  const { find } = collection;
  if (filter?.keys == null || find === undefined) return collection.after(ordinal);
  const found = new Set(filter.keys.flatMap((key) => find(key) ?? []));
  return [...found].filter((object) => object.ordinal > ordinal).sort((a, b) => a.ordinal - b.ordinal);
}

function filterable(context: Context, object: DirectoryObject): Filterable {
  const properties = context.view.properties(object);
  if (context.options.filter?.includes("signInActivity") !== true) return { id: object.id, properties };
  const signInActivity = derivedValue(context, object, "signInActivity") ?? null;
  return { id: object.id, properties: { ...properties, signInActivity } };
}

function countAll(context: Context, collection: Collection, query: Query): number {
  if (query.filter === null && query.search === null && collection.size !== undefined) return collection.size();
  let count = 0;
  for (const _ of matching(context, collection, query, -1)) count++;
  return count;
}

function renderOne(
  context: Context,
  collection: Collection,
  object: DirectoryObject,
  select: readonly string[] | null,
  expand: Expansion | null,
): Readonly<Record<string, Json>> {
  const rendered = collection.mixed
    ? renderMember(context, object, select)
    : renderObject(context, object, select ?? []);
  if (expand !== null) rendered[expand.property] = expand.valueOf(context, object);
  return rendered;
}

function nextLink(context: Context, collection: Collection, position: Position): string {
  return `${context.base}/${collection.path}?${withToken(context.request.search, "$skiptoken", sealPosition(position))}`;
}
