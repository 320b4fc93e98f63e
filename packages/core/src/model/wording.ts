import type { DirectoryRecord } from "./record.ts";
import { isConcealed, isReference, type Value } from "./value.ts";

const LONGEST = 60;
// Control characters and those that turn the reading direction could make a plan look other than it is.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const MISLEADING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A text from outside, made fit for a sentence on one line: at most 60 characters, nothing that misleads the eye. */
export function plain(text: string): string {
  const clean = text.isWellFormed() ? text : text.toWellFormed();
  const line = clean.replace(MISLEADING, " ");
  if (line.length <= LONGEST) return line;
  return `${line
    .slice(0, LONGEST - 1)
    .toWellFormed()
    .replace(/\ufffd$/, "")}…`;
}

/**
 * An attribute's name, fit for a sentence. A long one is told by its end, for extensions of SCIM begin alike (RFC 7643 section 3.3:
 * `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`).
 */
export function plainAttribute(name: string): string {
  if (name.length <= LONGEST) return plain(name);
  return `…${plain(name.slice(1 - LONGEST).replace(/^[\udc00-\udfff]/, ""))}`;
}

/** What is shown for a sensitive value. */
export const SENSITIVE = "[sensitive]";

/**
 * A value in words, for reasons: `Sales`, `true`, `a, b`, `empty`. `nameOf` turns a reference into a name where the
 * caller knows one.
 */
export function inWords(value: Value | undefined, nameOf?: (objectId: string) => string | null): string {
  if (value === undefined || value === null || value === "") return "empty";
  if (typeof value === "string") return plain(value);
  if (typeof value !== "object") return String(value);
  if (isReference(value)) {
    const name = plain(nameOf?.(value.$ref) ?? value.$ref);
    return value.$kind === undefined ? name : `${name} (${plain(value.$kind)})`;
  }
  if (isConcealed(value)) return SENSITIVE;
  if (!Array.isArray(value)) return plain(JSON.stringify(value));
  return value.length === 0 ? "empty" : plain(value.map((item: Value) => inWords(item, nameOf)).join(", "));
}

/** A whole number with thousands separated, as in `12,500`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Who a record is, for people: its display name, else its sign-in name, else its object id. */
export function nameOf(record: DirectoryRecord): string {
  const { displayName, userPrincipalName } = record.attributes;
  if (typeof displayName === "string" && displayName !== "") return plain(displayName);
  if (typeof userPrincipalName === "string" && userPrincipalName !== "") return plain(userPrincipalName);
  return record.id;
}
