import type { CollectionPage, GraphClient, GraphRequest } from "./client.ts";
import { beginRound, behindFull, deltaStep } from "./delta.ts";
import { blankOf, changedContact, wholeContact } from "./records.ts";
import { type Reader, type Step, selectionHash, Trail, unexpired } from "./round.ts";
import { namesOf } from "./users.ts";
import type { Position } from "./watermark.ts";

/** The largest page of `/contacts` ("List orgContacts"). */
const PAGE = 999;
const REQUEST: GraphRequest = { permission: "OrgContact.Read.All" };

/**
 * Reads organisational contacts as people are read: the full round pages `/contacts`, and what changes meanwhile comes from the
 * delta token that was taken before it ("orgContact: delta"). Their managers are not read.
 */
export function contactReader(client: GraphClient, tenant: string, attributes: readonly string[]): Reader {
  const names = namesOf(attributes, "manager");
  const trail = new Trail();
  return {
    kind: "contact",
    selection: selectionHash("contact", client.origin, tenant, names),
    full: (position, signal) => fullRound(client, { names, trail }, position, signal),
    change: (position, signal) => {
      const records = ({ entities }: CollectionPage): Step["records"] =>
        entities.map((entity) => changedContact(entity, names));
      return deltaStep(client, position, { request: REQUEST, trail, records }, signal);
    },
  };
}

async function* fullRound(
  client: GraphClient,
  { names, trail }: { readonly names: readonly string[]; readonly trail: Trail },
  from: Position,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  trail.clear();
  const tracked = ["id", ...names].join(",");
  const collection = { path: "/contacts", tracked, request: REQUEST, since: from.since } as const;
  const begun = from.delta === null ? await beginRound(client, collection, signal) : null;
  let position: Position =
    begun === null ? from : { ...from, link: null, delta: begun.delta, expected: begun.expected };
  let roles: Step["roles"] = begun === null ? [] : [begun.roles];
  const blank = blankOf(names);
  for (;;) {
    const kept = position === from && from.link !== null;
    const target = position.link ?? `/contacts?$top=${PAGE}&$select=${tracked}`;
    const page = await unexpired(client.page(target, REQUEST, signal), kept);
    trail.follow("Reading contacts", page);
    const complete = page.nextLink === null;
    const next = complete ? behindFull(position) : { ...position, link: page.nextLink };
    const records = page.entities.map((entity) => wholeContact(entity, blank));
    yield { records, next, complete, expected: position.expected, roles: [...roles, page.roles] };
    if (complete) return;
    position = next;
    roles = [];
  }
}
