import { hash } from "node:crypto";
import {
  type Attributes,
  ConnectorError,
  matchKey,
  type TargetAttribute,
  type TargetKind,
  type TargetRecord,
  type Value,
} from "@entrain/core";
import type { Cell, InsertInto } from "../store/store.ts";
import { GROUP, REQUESTER } from "./kinds.ts";

/** A row of either table in one form; groups have no manager, are always active and never privileged. */
export interface PortalRow {
  readonly id: string;
  readonly attributes: string;
  readonly manager: string | null;
  readonly active: number;
  readonly privileged: number;
}

/** How records of one kind stand in the store. */
export interface Table {
  readonly kind: TargetKind;
  readonly name: "portal_requesters" | "portal_groups";
  /** What a {@link PortalRow} is read by. */
  readonly columns: string;
  /** The column that holds the matching key of an attribute. */
  readonly keys: { readonly [attribute: string]: string };
  readonly insert: InsertInto;
  /** The values of a record, in the order of `insert`. */
  readonly cells: (target: string, record: TargetRecord, at: number) => readonly Cell[];
}

const REQUESTERS: Table = {
  kind: REQUESTER,
  name: "portal_requesters",
  columns: "id, attributes, manager, active, privileged",
  keys: { externalId: "external_id_key", userName: "user_name_key", mail: "mail_key" },
  insert: insertInto("portal_requesters", {
    id: "text",
    target: "text",
    external_id: "text",
    user_name: "text",
    display_name: "text",
    attributes: "text",
    user_name_key: "text",
    external_id_key: "text",
    mail_key: "text",
    manager: "text",
    active: "int8",
    privileged: "int8",
    updated_at: "int8",
  }),
  cells: (target, { id, attributes, active, privileged }, at) => [
    id,
    target,
    textOf(attributes.externalId),
    textOf(attributes.userName),
    textOf(attributes.displayName),
    JSON.stringify({ ...attributes, manager: undefined }),
    keyOf(REQUESTER, "userName", attributes.userName),
    keyOf(REQUESTER, "externalId", attributes.externalId),
    keyOf(REQUESTER, "mail", attributes.mail),
    textOf(attributes.manager),
    active ? 1 : 0,
    privileged === true ? 1 : 0,
    at,
  ],
};

const GROUPS: Table = {
  kind: GROUP,
  name: "portal_groups",
  columns: "id, attributes, null as manager, 1 as active, 0 as privileged",
  keys: { externalId: "external_id_key", displayName: "display_name_key" },
  insert: insertInto("portal_groups", {
    id: "text",
    target: "text",
    external_id: "text",
    display_name: "text",
    attributes: "text",
    external_id_key: "text",
    display_name_key: "text",
    updated_at: "int8",
  }),
  cells: (target, { id, attributes }, at) => [
    id,
    target,
    textOf(attributes.externalId),
    textOf(attributes.displayName),
    JSON.stringify(attributes),
    keyOf(GROUP, "externalId", attributes.externalId),
    keyOf(GROUP, "displayName", attributes.displayName),
    at,
  ],
};

/** The table of a kind. @throws ConnectorError `not_found` */
export function tableOf(kind: string): Table {
  if (kind === REQUESTER.name) return REQUESTERS;
  if (kind === GROUP.name) return GROUPS;
  throw new ConnectorError("not_found", `The portal has no records of the kind ${kind}.`, {
    stops: "sync",
    retry: "never",
  });
}

/** A row as a target record. */
export function recordOf(kind: TargetKind, row: PortalRow): TargetRecord {
  const attributes = JSON.parse(row.attributes) as Attributes;
  return {
    kind: kind.name,
    id: row.id,
    attributes: row.manager === null ? attributes : { ...attributes, manager: row.manager },
    active: row.active === 1,
    ...(row.privileged === 1 && { privileged: true }),
  };
}

const KEY_LENGTH_MAX = 400;

/**
 * What the index of a matching attribute holds of a value, or null for one that cannot match. An index of PostgreSQL
 * takes 2,704 bytes, so a longer key is replaced by its SHA-256 behind a character that no text may hold.
 */
export function keyOf(kind: TargetKind, name: string, value: Value | undefined): string | null {
  const key = matchKey(value, attributeOf(kind, name) ?? {});
  if (key === null || key.includes("\0")) return null;
  return key.length <= KEY_LENGTH_MAX ? key : `\u{10FFFF}${hash("sha256", key, "hex")}`;
}

/** The declared attribute of that name. */
export function attributeOf(kind: TargetKind, name: string): TargetAttribute | undefined {
  return kind.attributes.find((attribute) => attribute.name === name);
}

function insertInto(table: Table["name"], columns: { readonly [name: string]: "text" | "int8" }): InsertInto {
  const names = Object.keys(columns).filter((name) => name !== "id" && name !== "target");
  return {
    table,
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    conflict: `on conflict (target, id) do update set ${names.map((name) => `${name} = excluded.${name}`).join(", ")}`,
  };
}

function textOf(value: Value | undefined): string | null {
  return typeof value === "string" ? value : null;
}
