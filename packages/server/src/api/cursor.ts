import { RequestError } from "./problems.ts";
import { LIMIT_DEFAULT } from "./schemas.ts";

type Part = string | number;

/** Makes the `next` of a page: opaque to callers, the last item's place in the order to us. */
function toCursor(parts: readonly Part[]): string {
  return Buffer.from(JSON.stringify(parts), "utf8").toString("base64url");
}

/**
 * Reads an `after`; null when the first page is asked for. `shape` says what the parts must be.
 * @throws RequestError `cursor_invalid`
 */
export function fromCursor(after: string | undefined, shape: readonly ("string" | "number")[]): readonly Part[] | null {
  if (after === undefined) return null;
  const parts = parse(after);
  const fits =
    Array.isArray(parts) &&
    parts.length === shape.length &&
    parts.every(
      (part: unknown, at) =>
        typeof part === shape[at] && (typeof part === "string" ? isStorable(part) : Number.isSafeInteger(part)),
    );
  if (!fits) throw new RequestError("cursor_invalid", "`after` is not the `next` of a page of this collection.");
  return parts as readonly Part[];
}

/** What a store could not even be asked for: no store holds U+0000, nor half of a pair of surrogates. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return null;
  }
}

/** A page out of one item more than was asked for: that one only tells whether there is a next page. */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  placeOf: (item: T) => readonly Part[],
): { readonly items: readonly T[]; readonly next: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? toCursor(placeOf(last)) : null };
}

/**
 * The page of a collection in the order of its names. `read` yields up to `most` of those that follow a name.
 * @throws RequestError `cursor_invalid`
 */
export async function pageByName<T extends { readonly name: string }>(
  { limit = LIMIT_DEFAULT, after }: { readonly limit?: number; readonly after?: string },
  read: (after: string, most: number) => Promise<readonly T[]>,
): Promise<{ readonly items: readonly T[]; readonly next: string | null }> {
  const [name = ""] = fromCursor(after, ["string"]) ?? [];
  return pageOf(await read(String(name), limit + 1), limit, (row) => [row.name]);
}
