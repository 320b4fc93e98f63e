import type { DirectoryObject, Kind } from "../state/objects.ts";
import { lowerBound } from "../state/ordinals.ts";
import type { Json } from "../tenant/types.ts";
import { membersOf } from "./collections.ts";
import type { Context } from "./context.ts";
import { changedRecords } from "./delta-changes.ts";
import {
  type DeltaPage,
  prefersMinimal,
  renderReference,
  renderRemoved,
  renderTracked,
  trackedNames,
  tracksManager,
  tracksMembers,
} from "./delta-render.ts";
import { type DeltaState, openToken, sealToken } from "./delta-token.ts";
import { checkSelect, contextUrl, type Rendered } from "./render.ts";
import { badRequest, type GraphResponse, unsupportedQuery } from "./request.ts";
import { setName } from "./schema.ts";

const FILTER_IDS_MOST = 50; // "Use delta query": at most 50 ids in $filter.

/** Answers `/users/delta` and `/groups/delta` ("Use delta query to track changes in Microsoft Graph data"). */
export function deltaPage(context: Context, kind: Kind): GraphResponse {
  const state = stateOf(context, kind);
  const page =
    state.round === "delta" || state.round === "changes"
      ? changedRecords(context, state)
      : state.round === "latest"
        ? { value: [], state: { ...state, round: "delta" as const, version: context.view.version } }
        : everyRecord(context, state);
  return {
    status: 200,
    ...(prefersMinimal(context) ? { headers: { "preference-applied": "return=minimal" } } : {}),
    json: {
      "@odata.context": contextUrl(context, setName(kind), state.select),
      ...linkOf(context, page.state),
      value: page.value,
    },
  };
}

/** A delta link from the present version, for faults that end a round too early. */
export function deltaLinkNow(context: Context, kind: Kind): string {
  const state: DeltaState = { ...stateOf(context, kind), round: "delta", version: context.view.version, page: 0 };
  return Object.values(linkOf(context, { ...state, issued: context.now }))[0] ?? "";
}

function linkOf(context: Context, state: DeltaState): Readonly<Record<string, string>> {
  const path = `${context.base}/${setName(state.kind)}/delta`;
  const token = sealToken(context.directory.instance, state);
  return state.round === "delta"
    ? { "@odata.deltaLink": `${path}?$deltatoken=${token}` }
    : { "@odata.nextLink": `${path}?$skiptoken=${token}` };
}

/** A page of an initial round may come from a replica that lags behind the first page's: changes count from the oldest. */
function stateOf(context: Context, kind: Kind): DeltaState {
  const state = askedState(context, kind);
  return state.round === "full" ? { ...state, version: Math.min(state.version, context.view.version) } : state;
}

function askedState(context: Context, kind: Kind): DeltaState {
  const { options } = context;
  for (const name of ["top", "expand", "orderby", "search"] as const) {
    if (options[name] !== null) throw badRequest(`'$${name}' is not supported by the service.`);
  }
  const token = options.skiptoken ?? (options.deltatoken === "latest" ? null : options.deltatoken);
  if (token !== null && token !== "") return openToken(context, kind, token);
  checkSelect(kind, options.select, true);
  return {
    kind,
    round: options.deltatoken === "latest" ? "latest" : "full",
    select: options.select,
    ids: options.filter === null ? null : idsOf(options.filter),
    issued: context.now,
    version: context.view.version,
    after: -1,
    member: -1,
    page: 1,
  };
}

function idsOf(filter: string): readonly string[] {
  const parts = filter.split(/\s+or\s+/i).map((part) => /^\s*id\s+eq\s+'([^']*)'\s*$/i.exec(part)?.[1]);
  const ids = parts.flatMap((id) => (id === undefined ? [] : [id]));
  if (ids.length !== parts.length) {
    throw unsupportedQuery("Unsupported Query. Delta supports only '$filter=id eq {value}' clauses joined by 'or'.");
  }
  if (ids.length > FILTER_IDS_MOST) {
    throw unsupportedQuery(`Unsupported Query. Delta supports at most ${FILTER_IDS_MOST} ids in $filter.`);
  }
  return ids;
}

/** One page of an initial round. The link at its end starts from before the round, so nothing is lost, only told twice. */
function everyRecord(context: Context, state: DeltaState): DeltaPage {
  const value: Rendered[] = [];
  const names = trackedNames(state);
  const paging = context.deltaPaging;
  let room = paging.members;
  let resume = state.member;
  let last = state.after;
  for (const object of trackedObjects(context, state)) {
    if (value.length === paging.objects || room <= 0) return { value, state: nextOf(state, last, -1) };
    if (context.view.isLive(object)) {
      const rendered = renderTracked(context, object, names);
      if (tracksManager(state)) addManager(context, object, rendered);
      if (tracksMembers(state)) {
        const slice = membersAfter(context, object, resume, room);
        if (slice.entries.length > 0) rendered["members@delta"] = slice.entries;
        room -= slice.entries.length;
        if (slice.more !== null) {
          return { value: [...value, rendered], state: nextOf(state, object.ordinal - 1, slice.more) };
        }
      }
      value.push(rendered);
    } else if (context.view.isDeleted(object)) {
      value.push(renderRemoved(context, object));
    }
    resume = -1;
    last = object.ordinal;
  }
  return { value, state: { ...state, round: "delta", issued: context.now, after: -1, member: -1, page: 0 } };
}

function nextOf(state: DeltaState, after: number, member: number): DeltaState {
  return { ...state, after, member, page: state.page + 1 };
}

function* trackedObjects(context: Context, state: DeltaState): Generator<DirectoryObject> {
  const { directory } = context;
  if (state.ids !== null) {
    const found = state.ids.flatMap((id) => directory.byId(id) ?? []).filter((object) => object.kind === state.kind);
    found.sort((a, b) => a.ordinal - b.ordinal);
    yield* found.filter((object) => object.ordinal > state.after);
    return;
  }
  const list = directory.list(state.kind);
  for (let i = directory.positionAfter(state.kind, state.after); i < list.length; i++) {
    const object = list[i];
    if (object !== undefined) yield object;
  }
}

function addManager(context: Context, user: DirectoryObject, rendered: Rendered): void {
  const manager = context.view.manager(user);
  if (manager !== null) rendered["manager@delta"] = [renderReference(manager, true)];
}

interface MemberSlice {
  readonly entries: readonly Json[];
  /** Ordinal of the last member told, when more follow on the next page. */
  readonly more: number | null;
}

function membersAfter(context: Context, group: DirectoryObject, ordinal: number, room: number): MemberSlice {
  const members = membersOf(context, group);
  const start = lowerBound(members, ordinal + 1);
  const slice = members.slice(start, start + room);
  const entries = slice.flatMap((member) => {
    const object = context.directory.at(member);
    return object === undefined ? [] : [renderReference(object, true)];
  });
  const more = start + room < members.length ? (slice[slice.length - 1] ?? null) : null;
  return { entries, more };
}
