import { uuidFrom } from "../state/identifiers.ts";
import type { GraphContact, GraphGroup, GraphUser, Json } from "./types.ts";

/** Makes up the id of a record that has none. */
export type MadeIds = (kind: "user" | "group" | "orgContact", record: GraphUser | GraphGroup | GraphContact) => string;

const NAMES = ["userPrincipalName", "mail", "mailNickname", "displayName"] as const;

/**
 * Ids made of a record's kind and name, so that the same record keeps its id wherever it stands among others. Records
 * that are called alike are told apart by their order. `series` keeps the ids of one tenant apart from another's.
 */
export function madeIds(series: string): MadeIds {
  const called = new Map<string, number>();
  return (kind, record) => {
    const name = NAMES.map((property): Json | undefined => record[property]).find((value) => typeof value === "string");
    const key = `${kind} ${String(name ?? "")}`;
    const count = (called.get(key) ?? 0) + 1;
    called.set(key, count);
    return uuidFrom(series, kind, String(name ?? ""), count);
  };
}
