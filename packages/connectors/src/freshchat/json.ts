/** A JSON object that came from Freshchat: nothing of it is known yet. */
export type Json = { readonly [name: string]: unknown };

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text that says something, or `null`. */
export function textIn(value: unknown): string | null {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value : null;
}

/**
 * One resource out of an answer: Freshchat gives it bare, and elsewhere under a name of its own. `null` where there is none
 * with an id.
 */
export function resourceIn(body: unknown, names: readonly string[]): Json | null {
  for (const candidate of isJson(body) ? [body, ...names.map((name) => body[name])] : [body]) {
    const [inner] =
      Array.isArray(candidate) && candidate.length === 1 ? (candidate as readonly unknown[]) : [candidate];
    if (isJson(inner) && textIn(inner.id) !== null) return inner;
  }
  return null;
}
