import { SIGN_IN_ACTIVITY } from "./attributes.ts";
import type { GraphClient, GraphRequest } from "./client.ts";
import { beginRound, behind, deltaStep } from "./delta.ts";
import { blankOf, changedUser, wholeUser } from "./records.ts";
import { type Reader, type Step, selectionHash, Trail } from "./round.ts";
import type { Position } from "./watermark.ts";

/** The largest pages that `/users` answers, with and without sign-in activity ("List users"). */
const PAGE = 999;
const PAGE_WITH_ACTIVITY = 500;
const REQUEST: GraphRequest = { permission: "User.Read.All" };

/**
 * Reads people with their managers. The full round pages `/users`, because delta knows no `$top` and answers far smaller
 * pages; what changes meanwhile comes from the delta token that was taken before it.
 */
export function userReader(client: GraphClient, tenant: string, attributes: readonly string[]): Reader {
  const names = namesOf(attributes, "manager");
  const blank = blankOf(names);
  const tracked = ["id", ...names.filter((name) => name !== SIGN_IN_ACTIVITY), "manager"].join(",");
  const top = names.includes(SIGN_IN_ACTIVITY) ? PAGE_WITH_ACTIVITY : PAGE;
  const first = `/users?$top=${top}&$select=${["id", ...names].join(",")}&$expand=manager($select=id)`;
  const collection = { path: "/users", tracked, request: REQUEST } as const;
  const trail = new Trail();

  const fullStep = async (position: Position, signal: AbortSignal, turn?: Promise<void>): Promise<Step> => {
    if (position.link === null) trail.clear();
    const begun = position.delta === null ? await beginRound(client, collection, signal) : null;
    const delta = begun?.delta ?? position.delta ?? "";
    const expected = begun?.expected ?? position.expected;
    const request = turn === undefined ? REQUEST : { ...REQUEST, turn };
    const page = await client.page(position.link ?? first, request, signal);
    trail.follow("Reading users", page);
    return {
      records: page.entities.map((entity) => wholeUser(entity, blank)),
      next: behind(position, page, { delta, expected }),
      complete: page.nextLink === null,
      expected,
      roles: begun === null ? [page.roles] : [begun.roles, page.roles],
    };
  };
  const delta = {
    request: REQUEST,
    trail,
    record: (entity: Parameters<typeof changedUser>[0]) => changedUser(entity, names),
  };
  return {
    kind: "user",
    selection: selectionHash("user", client.origin, tenant, names),
    step: (position, signal, turn) =>
      position.round === "delta" && position.link !== null
        ? deltaStep(client, { ...position, link: position.link }, delta, signal)
        : fullStep(position, signal, turn),
  };
}

/** Attribute names in one order, each once, without `id` and the relationship, which records hold beside their attributes. */
export function namesOf(attributes: readonly string[], relationship: string): readonly string[] {
  const chosen = attributes.filter((name) => name !== "id" && name !== relationship);
  return [...new Set(chosen)].sort((a, b) => (a < b ? -1 : 1));
}
