import { attributeFlaw } from "@entrain/connectors/entra";
import type { SourceKind } from "@entrain/core";
import type { Checker } from "./checker.ts";
import { CLOUD_NAMES, type CloudEntry, type ConnectionEntry, type Path, type SecretEntry } from "./document.ts";
import { suggestion } from "./nearest.ts";

/** Credentials of later stages, so that a document that uses one is told so and not that it is misspelt. */
const LATER = ["certificate", "federated", "managed-identity", "delegated", "password"];

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const EXAMPLE_ID = "6f0c2f3e-1d2a-4b5c-8d7e-0123456789ab";

/** One connection as a document gives it. */
export function readConnection(checker: Checker, value: unknown, path: Path): ConnectionEntry | undefined {
  const entry = checker.map(value, path, ["labels", "cloud", "tenant", "client", "attributes", "credential"]);
  if (entry === undefined) return undefined;
  const labels = entry.labels === undefined ? [] : checker.texts(entry.labels, [...path, "labels"]);
  const attributes = entry.attributes === undefined ? [] : readAttributes(checker, entry.attributes, path);
  const cloud = entry.cloud === undefined ? { kind: "global" as const } : readCloud(checker, entry.cloud, path);
  const tenant = readId(checker, entry.tenant, [...path, "tenant"], "Directory (tenant) ID");
  const client = readId(checker, entry.client, [...path, "client"], "Application (client) ID");
  const credential = readCredential(checker, entry.credential, [...path, "credential"]);
  if (!(labels && attributes && cloud && tenant && client && credential)) return undefined;
  return { labels, cloud, tenant, client, attributes, credential };
}

function readAttributes(checker: Checker, value: unknown, parent: Path): readonly string[] | undefined {
  const names = checker.texts(value, [...parent, "attributes"]);
  for (const [at, name] of (names ?? []).entries()) {
    // They are read as they stand; what lies inside comes with the whole.
    const [root = "", ...inner] = name.split(".");
    const path = [...parent, "attributes", at];
    if (inner.length > 0) checker.flaw(path, `write ${root}: what lies inside an attribute is read with it`);
    else checkAttribute(checker, name, path, "user");
  }
  return names;
}

/**
 * A source attribute's name, judged before Graph would refuse the whole read for it. Where the kind of records is not
 * known, because it is flawed itself, only the shape can be wrong.
 */
export function checkAttribute(checker: Checker, text: string, path: Path, kind: SourceKind | null): void {
  const [root = ""] = text.split(".");
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(root)) {
    checker.flaw(path, `${JSON.stringify(text)} is not the name of a source attribute, such as displayName`);
    return;
  }
  const flaw = kind === null ? null : attributeFlaw(kind, text);
  if (flaw !== null) checker.flaw(path, `${flaw.detail}${suggestion(flaw.name, flaw.known)}`);
}

/** An id of Entra's in its one spelling. A domain would not do: with the object id, the tenant id is the identity. */
function readId(checker: Checker, value: unknown, path: Path, what: string): string | undefined {
  const text = checker.text(value, path);
  if (text === undefined || GUID.test(text)) return text?.toLowerCase();
  return checker.flaw(path, `must be the ${what} from the application's Overview page in Entra, such as ${EXAMPLE_ID}`);
}

function readCloud(checker: Checker, value: unknown, parent: Path): CloudEntry | undefined {
  const path = [...parent, "cloud"];
  if (typeof value === "string") return namedCloud(checker, value, path);
  const entry = checker.map(value, path, ["kind", "login", "graph"]);
  if (entry === undefined) return undefined;
  if (entry.kind !== "custom") {
    for (const name of ["login", "graph"] as const) {
      if (entry[name] !== undefined) checker.flaw([...path, name], "only the cloud `custom` has addresses of its own");
    }
    return namedCloud(checker, entry.kind, [...path, "kind"]);
  }
  const login = readUrl(checker, entry.login, [...path, "login"]);
  const graph = readUrl(checker, entry.graph, [...path, "graph"]);
  return login && graph ? { kind: "custom", login, graph } : undefined;
}

function namedCloud(checker: Checker, value: unknown, path: Path): CloudEntry | undefined {
  if (value === "custom") {
    return checker.flaw(path, "the cloud `custom` needs addresses: { kind: custom, login: …, graph: … }");
  }
  const kind = checker.oneOf(value, path, [...CLOUD_NAMES, "custom"]);
  return kind === undefined || kind === "custom" ? undefined : { kind };
}

/** A base address over http or https, without user, query or fragment. */
export function readUrl(checker: Checker, value: unknown, path: Path): string | undefined {
  const text = checker.text(value, path);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return checker.flaw(path, `must be a web address such as https://example.com, not ${JSON.stringify(text)}`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return checker.flaw(path, "must hold no user, password, query or fragment");
  }
  return text;
}

function readCredential(checker: Checker, value: unknown, path: Path): ConnectionEntry["credential"] | undefined {
  const entry = checker.map(value, path, null);
  if (entry === undefined) return undefined;
  if (typeof entry.kind === "string" && LATER.includes(entry.kind)) {
    return checker.flaw([...path, "kind"], `credentials of the kind ${entry.kind} are not supported yet; use secret`);
  }
  checker.map(value, path, ["kind", "secret"]);
  const kind = entry.kind === undefined ? "secret" : checker.oneOf(entry.kind, [...path, "kind"], ["secret"]);
  const secret = readSecret(checker, entry.secret, [...path, "secret"]);
  return kind && secret ? { kind, secret } : undefined;
}

/** Where a secret stands; the secret itself is refused, without being repeated. */
export function readSecret(checker: Checker, value: unknown, path: Path): SecretEntry | undefined {
  if (typeof value === "string" || typeof value === "number") {
    return checker.flaw(
      path,
      "a secret does not belong into a document; name where it stands: { env: NAME } or { file: PATH }",
    );
  }
  const entry = checker.map(value, path, ["env", "file", "sealed"]);
  if (entry === undefined) return undefined;
  const ways = Object.keys(entry);
  if (ways.length !== 1) return checker.flaw(path, "must be one of { env: NAME }, { file: PATH } and { sealed: true }");
  if (entry.sealed !== undefined) {
    return entry.sealed === true ? { sealed: true } : checker.flaw([...path, "sealed"], "must be true");
  }
  if (entry.file !== undefined) {
    const file = checker.text(entry.file, [...path, "file"]);
    return file === undefined ? undefined : { file };
  }
  const env = checker.text(entry.env, [...path, "env"]);
  return env === undefined ? undefined : { env };
}
