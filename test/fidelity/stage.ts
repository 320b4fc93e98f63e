import type { TenantFile } from "@entrain/simulator";
import type { Example } from "./examples.ts";
import { recordsIn } from "./examples.ts";
import { type Json, type JsonObject, listIn, textIn } from "./json.ts";

/** Who is on the stage of every example, by ids that the tenant file gives. */
export const PERSON = "11111111-0000-4000-8000-000000000001";
export const OTHER = "11111111-0000-4000-8000-000000000002";
export const TEAM = "22222222-0000-4000-8000-000000000001";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
type Kind = "user" | "group" | "orgContact";
const KINDS: readonly Kind[] = ["user", "group", "orgContact"];

/** A documented record as the tenant gets it. */
export interface Player {
  readonly kind: Kind;
  readonly id: string;
  readonly record: JsonObject;
}

/** A tenant in which the documented answer is the true one. */
export interface Stage {
  readonly tenant: TenantFile;
  /** The documented records, in their order. */
  readonly players: readonly Player[];
  /** Display names of the documented records that no tenant file holds, at least one. */
  readonly names: readonly string[];
}

/** Makes the tenant out of what the example answers. */
export function stageFor(example: Example): Stage {
  const taken = new Set<string>([PERSON, OTHER, TEAM]);
  const players = playedBy(example).map(({ kind, record }, i): Player => {
    const given = textIn(record, "id") ?? "";
    const id = ID.test(given) && !taken.has(given) ? given : `33333333-0000-4000-8000-${String(i).padStart(12, "0")}`;
    taken.add(id);
    return { kind, id, record };
  });
  const of = (kind: Kind): readonly JsonObject[] =>
    players
      .filter((player) => player.kind === kind)
      .map(({ id, record }) => ({ ...plain(record), ...factsIn(example), id }));
  const { memberships, extras } = edgesOf(example, players, taken);
  const relation = relationOf(example);
  return {
    players,
    names: namesIn(example),
    tenant: {
      organization: { verifiedDomains: DOMAINS.map((name) => ({ name, isDefault: name === "contoso.com" })) },
      users: [person(PERSON, "Person Subject"), person(OTHER, "Other Person"), ...of("user"), ...extras],
      groups: [TEAM_RECORD, ...of("group"), ...askedGroups(example)],
      contacts: of("orgContact"),
      memberships,
      managers:
        relation === "directReports"
          ? Object.fromEntries(players.map(({ id }) => [id, PERSON]))
          : relation === "manager" && players[0] !== undefined
            ? { [PERSON]: players[0].id }
            : {},
    },
  };
}

function namesIn({ answer }: Example): readonly string[] {
  const names = recordsIn(answer).flatMap((record) => textIn(record, "displayName") ?? []);
  return names.length === 0 ? ["An app"] : names;
}

/** What the filter says of all that it finds, and the answer does not show. */
function factsIn({ target }: Example): JsonObject {
  const query = target.replaceAll("+", " ");
  if (query.includes("identities/any")) {
    const signInName = {
      signInType: "emailAddress",
      issuer: "contoso.onmicrosoft.com",
      issuerAssignedId: "j.smith@yahoo.com",
    };
    return { identities: [signInName] };
  }
  const [, name, operator, value] = /[=& ](\w+) (eq|ne) (true|false)\b/.exec(query) ?? [];
  return name === undefined ? {} : { [name]: (operator === "eq") === (value === "true") };
}

/** Groups whose members a request asks about. */
function askedGroups({ body }: Example): readonly JsonObject[] {
  return listIn(body, "groupIds").map((id, i) => ({
    ...TEAM_RECORD,
    id,
    displayName: `Asked ${i}`,
    mailNickname: `asked${i}`,
  }));
}

const DOMAINS = ["contoso.com", "contoso.onmicrosoft.com"] as const;
const TEAM_RECORD = {
  id: TEAM,
  displayName: "Team Subject",
  description: "The subject",
  mailEnabled: false,
  mailNickname: "subject",
  securityEnabled: true,
  groupTypes: [],
} as const;

function person(id: string, displayName: string): JsonObject {
  const userPrincipalName = `${displayName.toLowerCase().replace(" ", ".")}@contoso.com`;
  return { id, displayName, userPrincipalName, accountEnabled: true };
}

/** The last name of a path such as `/groups/{id}/members/graph.user/$count`: `members`. */
export function relationOf({ segments }: Example): string {
  return segments.filter((segment) => !/^(\$|graph\.)/.test(segment))[2] ?? "";
}

/** Records that the tenant must hold: those of the answer, but not what a write answers. */
function playedBy(example: Example): readonly { readonly kind: Kind; readonly record: JsonObject }[] {
  const { method, segments, answer } = example;
  const asks = method === "GET" || segments.includes("getByIds") || segments.includes("restore");
  if (!asks || (example.status ?? 200) >= 400) return [];
  return recordsIn(answer).flatMap((record) => {
    const kind = kindOf(example, record);
    return kind === null ? [] : [{ kind, record }];
  });
}

const BY_SET: Readonly<Record<string, Kind>> = { users: "user", groups: "group", contacts: "orgContact" };
const BY_RELATION: Readonly<Record<string, Kind>> = {
  members: "user",
  transitiveMembers: "user",
  owners: "user",
  directReports: "user",
  manager: "user",
  memberOf: "group",
  transitiveMemberOf: "group",
};

/** The kind that the record names, else that of the cast, of the relationship, or of the collection. */
function kindOf({ segments, target }: Example, record: JsonObject): Kind | null {
  const cast = segments.find((segment) => segment.startsWith("graph."))?.slice("graph.".length);
  const named = textIn(record, "@odata.type")?.replace("#microsoft.graph.", "") ?? cast;
  if (named !== undefined) return KINDS.find((kind) => kind === named) ?? null;
  const [set = "", second = ""] = segments;
  if (set === "directory" || set === "directoryObjects") return "groupTypes" in record ? "group" : "user";
  const relation = segments.length > 2 ? (segments[2] ?? "") : "";
  if (relation !== "") return BY_RELATION[relation] ?? BY_RELATION[camel(relation)] ?? null;
  return second === "$count" || target === "" ? null : (BY_SET[set] ?? null);
}

function camel(relation: string): string {
  return relation.replace(/^transitivemember/i, "transitiveMember");
}

interface Edges {
  readonly memberships: Readonly<Record<string, readonly string[]>>;
  /** Members that are named by id alone. */
  readonly extras: readonly JsonObject[];
}

function edgesOf(example: Example, players: readonly Player[], taken: Set<string>): Edges {
  const relation = camel(relationOf(example));
  const ids = players.map(({ id }) => id);
  const subject = example.segments[0] === "groups" ? TEAM : PERSON;
  if (relation === "members" || relation === "transitiveMembers") {
    return { memberships: { [TEAM]: example.method === "GET" ? [OTHER, ...ids] : [OTHER] }, extras: [] };
  }
  if (relation === "memberOf" || relation === "transitiveMemberOf") {
    return { memberships: Object.fromEntries(ids.map((id) => [id, [subject]])), extras: [] };
  }
  const asked = listIn(example.body, "groupIds").map(String);
  if (asked.length > 0) return { memberships: Object.fromEntries(asked.map((id) => [id, [PERSON]])), extras: [] };
  const memberships: Record<string, string[]> = { [TEAM]: [OTHER, PERSON] };
  const extras: JsonObject[] = [];
  for (const { id, record } of players) {
    const members = listIn(record, "members@delta").flatMap((one) => textIn(one, "id") ?? []);
    for (const member of members.filter((one) => !taken.has(one))) {
      taken.add(member);
      extras.push(person(member, `Member ${extras.length + 1}`));
    }
    if (members.length > 0) memberships[id] = members;
  }
  return { memberships, extras };
}

/** A record without annotations and without what hangs on it. */
function plain(record: JsonObject): JsonObject {
  const kept = Object.entries(record).filter(
    ([name, value]) =>
      !name.includes("@") && !["id", "manager", "members", "owners"].includes(name) && isGiven(name, value),
  );
  return Object.fromEntries(kept);
}

/** The documentation writes a type's or a property's name where a value is left to the reader. */
function isGiven(name: string, value: Json): boolean {
  return !/^string$/i.test(String(value)) && !(name.endsWith("DateTime") && String(value).endsWith("-value"));
}
