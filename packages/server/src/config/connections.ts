import {
  type AcceptedPermission,
  attributeFlaw,
  cloudProblems,
  FEATURE_NAMES,
  type FeatureName,
} from "@entrain/connectors/entra";
import { APP_ROLES, type SourceKind } from "@entrain/core";
import type { Checker } from "./checker.ts";
import { readCredentials } from "./credential.ts";
import { CLOUD_NAMES, type CloudEntry, type ConnectionEntry, type Path } from "./document.ts";
import { suggestion } from "./nearest.ts";
import { readProtect } from "./protect.ts";
import { readDuration, readUrl } from "./values.ts";

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const DAY_MS = 86_400_000;
const EXAMPLE_ID = "6f0c2f3e-1d2a-4b5c-8d7e-0123456789ab";

/** One connection as a document gives it. */
export function readConnection(checker: Checker, value: unknown, path: Path): ConnectionEntry | undefined {
  const entry = checker.map(value, path, [
    "labels",
    "cloud",
    "tenant",
    "client",
    "attributes",
    "features",
    "accept",
    "reconcile",
    "protect",
    "credential",
  ]);
  if (entry === undefined) return undefined;
  const labels = entry.labels === undefined ? [] : checker.texts(entry.labels, [...path, "labels"]);
  const attributes = entry.attributes === undefined ? [] : readAttributes(checker, entry.attributes, path);
  const cloud = entry.cloud === undefined ? { kind: "global" as const } : readCloud(checker, entry.cloud, path);
  const tenant = readId(checker, entry.tenant, [...path, "tenant"], "Directory (tenant) ID");
  const client = readId(checker, entry.client, [...path, "client"], "Application (client) ID");
  const features = entry.features === undefined ? [] : readFeatures(checker, entry.features, path);
  const accept = entry.accept === undefined ? [] : readAccepted(checker, entry.accept, path);
  const credential = readCredentials(checker, entry.credential, [...path, "credential"]);
  const reconcile = readReconcile(checker, entry.reconcile, [...path, "reconcile"]);
  const protect = readProtect(checker, entry.protect, [...path, "protect"]);
  if (!(labels && attributes && cloud && tenant && client && features && accept && reconcile && protect && credential))
    return undefined;
  const uses = {
    ...(features.length === 0 ? {} : { features }),
    ...(accept.length === 0 ? {} : { accept }),
    ...reconcile,
    ...protect,
  };
  return { labels, cloud, tenant, client, attributes, ...uses, credential };
}

function readFeatures(checker: Checker, value: unknown, parent: Path): readonly FeatureName[] | undefined {
  const path = [...parent, "features"];
  const items = checker.list(value, path)?.map((item, at) => checker.oneOf(item, [...path, at], FEATURE_NAMES));
  return items?.every((item) => item !== undefined) ? (items as readonly FeatureName[]) : undefined;
}

/** A day at least, for all of a tenant is read; a month at most, for what no delta told stays wrong until then. */
function readReconcile(checker: Checker, value: unknown, path: Path): Pick<ConnectionEntry, "reconcileMs"> | undefined {
  if (value === undefined) return {};
  const entry = checker.map(value, path, ["every"]);
  if (entry === undefined) return undefined;
  const reconcileMs = readDuration(checker, entry.every, [...path, "every"]);
  if (reconcileMs === undefined || (reconcileMs >= DAY_MS && reconcileMs <= 30 * DAY_MS))
    return reconcileMs === undefined ? undefined : { reconcileMs };
  return checker.flaw([...path, "every"], "must be between 1d and 30d");
}

/** Somebody who meets the permission years later should know why it is there. */
function readAccepted(checker: Checker, value: unknown, parent: Path): readonly AcceptedPermission[] | undefined {
  const path = [...parent, "accept"];
  const items = checker.list(value, path)?.map((item, at) => {
    const entry = checker.map(item, [...path, at], ["permission", "note"]);
    if (entry === undefined) return undefined;
    const permission = checker.text(entry.permission, [...path, at, "permission"]);
    const note = checker.text(entry.note, [...path, at, "note"]);
    return permission && note ? { permission, note } : undefined;
  });
  return items?.every((item) => item !== undefined) ? (items as readonly AcceptedPermission[]) : undefined;
}

function readAttributes(checker: Checker, value: unknown, parent: Path): readonly string[] | undefined {
  const names = checker.texts(value, [...parent, "attributes"]);
  for (const [at, name] of (names ?? []).entries()) {
    // They are read as they stand; what lies inside comes with the whole.
    const [root = "", ...inner] = name.split(".");
    const path = [...parent, "attributes", at];
    if (inner.length > 0) checker.flaw(path, `write ${root}: what lies inside an attribute is read with it`);
    else if (name === "photo") checker.flaw(path, "photos are read where a sync maps photo.hash");
    else checkAttribute(checker, name, path, "user");
  }
  return names;
}

/**
 * A source attribute's name, judged before Graph would refuse the whole read for it. Where the kind of records is not
 * known, because it is flawed itself, only the shape can be wrong.
 */
export function checkAttribute(
  checker: Checker,
  text: string,
  path: Path,
  kind: SourceKind | null,
  how: { readonly everyItem?: boolean } = {},
): void {
  const [root = ""] = text.split(".");
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(root)) {
    checker.flaw(path, `${JSON.stringify(text)} is not the name of a source attribute, such as displayName`);
    return;
  }
  if (root === APP_ROLES) return; // Comes with the scope, and is judged with it.
  const flaw = kind === null ? null : attributeFlaw(kind, text, how);
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
  if (login === undefined || graph === undefined) return undefined;
  const problems = cloudProblems({ login, graph });
  for (const { name, detail, fix } of problems) checker.flaw([...path, name], `${detail} ${fix}`);
  return problems.length === 0 ? { kind: "custom", login, graph } : undefined;
}

function namedCloud(checker: Checker, value: unknown, path: Path): CloudEntry | undefined {
  if (value === "custom") {
    return checker.flaw(path, "the cloud `custom` needs addresses: { kind: custom, login: …, graph: … }");
  }
  const kind = checker.oneOf(value, path, [...CLOUD_NAMES, "custom"]);
  return kind === undefined || kind === "custom" ? undefined : { kind };
}
