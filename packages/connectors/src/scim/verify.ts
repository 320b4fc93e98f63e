import { type Check, ConnectorError } from "@entrain/core";
import type { PaceClock } from "../shared/pace.ts";
import type { ScimKind } from "./attributes.ts";
import { readSchemas, type Schemas } from "./describe.ts";
import { equalsFilter, type Reader } from "./reading.ts";
import type { Reply } from "./reply.ts";
import { isJson, property } from "./resource.ts";
import { type Declared, declaredIn, type Heed } from "./schema.ts";

/** Named checks that only read: the server answers, takes the token, filters, patches, knows the attributes, and shows its groups. */
export async function verifyScim(
  users: Reader,
  groups: Reader,
  { clock, heed }: { readonly clock: PaceClock; readonly heed: Heed },
): Promise<readonly Check[]> {
  const { signal } = users;
  signal.throwIfAborted();
  const get = (path: string): Promise<Reply> => users.client.send({ method: "GET", path, repeatable: true }, signal);
  // As Entra's "Test Connection" does: a name that nobody has must give an empty list (200), not an error.
  const nobody = encodeURIComponent(equalsFilter("userName", randomGuid(clock)));
  const lookup = await get(`${users.kind.endpoint}?startIndex=1&count=1&filter=${nobody}`);
  const checks = [tokenCheck(lookup)];
  if (checks[0]?.ok) {
    checks.push(filterCheck(lookup));
    checks.push(patchCheck(await get("/ServiceProviderConfig")));
    checks.push(...(await attributesChecks([users, groups], heed)));
    checks.push(groupsCheck(await get(`${groups.kind.endpoint}?startIndex=1&count=1&excludedAttributes=members`)));
  }
  signal.throwIfAborted();
  return checks;
}

function tokenCheck(reply: Reply): Check {
  const name = "Address and token";
  if (reply.kind === "answer") return passed(name, "The server answers and takes the token.");
  if (reply.code === "credential_refused") {
    return failed(name, reply.detail, "Set a token that the server accepts, with the right to read and write users.");
  }
  if (reply.kind === "error" && reply.status === 404) {
    return failed(
      name,
      reply.detail,
      "Check the address: it is the part in front of /Users, often ending in /scim/v2.",
    );
  }
  return failed(name, reply.detail, fixOf(reply));
}

function filterCheck(reply: Reply): Check {
  const name = "Looking up users";
  const total = reply.kind === "answer" && reply.body ? property(reply.body, "totalResults") : null;
  if (total === 0) return passed(name, "A name that nobody has gives an empty list.");
  const detail =
    typeof total === "number"
      ? `A name that nobody has gave ${total} users: the server ignores filters.`
      : "A name that nobody has gave no list.";
  return failed(name, detail, "Ask the maker for `filter` on userName with `eq`; nobody can be matched without it.");
}

function patchCheck(reply: Reply): Check {
  const name = "Changing records";
  const said = reply.kind === "answer" && reply.body ? property(reply.body, "patch") : null;
  const supported = isJson(said) ? property(said, "supported") : null;
  if (supported === false) {
    return failed(
      name,
      "The server says that it does not support PATCH.",
      "Ask the maker for PATCH (RFC 7644, 3.5.2).",
    );
  }
  // Many real servers publish no configuration and still patch.
  return passed(
    name,
    supported === true ? "The server supports PATCH." : "The server does not say whether it supports PATCH.",
  );
}

async function attributesChecks(readers: readonly Reader[], heed: Heed): Promise<readonly Check[]> {
  const [reader] = readers;
  if (reader === undefined) return [];
  const checked = (check: (kind: ScimKind, name: string) => Check): readonly Check[] =>
    readers.map(({ kind }) => check(kind, `Attributes of ${kind.kind.name}s`));
  if (heed === "ignore")
    return checked((_, name) => passed(name, "The target's settings say not to ask the server what they are."));
  try {
    const schemas = await readSchemas(reader.client, reader.signal);
    return checked((kind, name) => attributesCheck(name, kind, { schemas, heed }));
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return checked((_, name) => failed(name, error.message, error.fix));
  }
}

/** Many servers describe themselves in part or not at all, and some wrongly: only what would be in vain is a failure. */
function attributesCheck(
  name: string,
  kind: ScimKind,
  { schemas, heed }: { readonly schemas: Schemas; readonly heed: Heed },
): Check {
  const declared = "none" in schemas ? null : declaredIn(schemas.schemas, kind, heed);
  if (declared === null) {
    const why = "none" in schemas ? ` ${schemas.none}` : "";
    return passed(name, `The server does not describe them: what SCIM itself says of them holds.${why}`);
  }
  const detail = inWords(declared);
  const vain = declared.readOnly.filter((one) => Object.hasOwn(kind.kind.preset.mapping, one));
  if (vain.length > 0)
    return failed(name, detail, `Leave ${vain.join(", ")} out of the mapping of syncs to this target.`);
  return passed(name, detail === "" ? "The server lists all that a mapping may write." : detail);
}

/** What a server says of one kind's attributes beyond what is known of SCIM. */
function inWords({ readOnly, unlisted, required, kind }: Declared): string {
  const immutable = kind.attributes.filter((one) => one.immutable === true).map(({ name }) => name);
  const said = [
    readOnly.length > 0 ? `The server says that it takes no ${readOnly.join(", no ")}.` : "",
    unlisted.length > 0 ? `The server does not list ${unlisted.join(", ")}: nothing is written there.` : "",
    immutable.length > 0 ? `The server takes ${immutable.join(", ")} when a record is created, and never again.` : "",
    required.length > 0 ? `The server says that it requires ${required.join(", ")}, which no mapping writes.` : "",
  ];
  return said.filter((sentence) => sentence !== "").join(" ");
}

function groupsCheck(reply: Reply): Check {
  const name = "Reading groups";
  if (reply.kind === "answer" && reply.body && typeof property(reply.body, "totalResults") === "number") {
    return passed(name, "Groups can be read.");
  }
  const detail = reply.kind === "answer" ? "The answer was no list." : reply.detail;
  return failed(
    name,
    detail,
    "Give the token the right to groups, or make no sync of the kind `group` to this target.",
  );
}

function fixOf(reply: Exclude<Reply, { kind: "answer" }>): string {
  if (reply.kind === "unsent" && reply.code === "config_invalid" && reply.guarded === true) {
    return "Check the name; where the server really is in a private network, set allowPrivate: true in the target's settings.";
  }
  return new ConnectorError(reply.code, reply.detail, { stops: "sync", retry: "later" }).fix;
}

function passed(name: string, detail: string): Check {
  return { name, ok: true, detail, fix: null };
}

function failed(name: string, detail: string, fix: string): Check {
  return { name, ok: false, detail, fix };
}

function randomGuid(clock: PaceClock): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(clock.random() * 16).toString(16)).join("");
  return [8, 4, 4, 4, 12]
    .map((length, index) => digits.slice(index * 4 + (index > 0 ? 4 : 0)).slice(0, length))
    .join("-");
}
