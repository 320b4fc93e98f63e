/** So many are named in one line. */
const NAMED = 20;

/** `Ana`, `Ana and Bo`, `Ana, Bo and Cy`. */
export function listed(names: readonly string[]): string {
  const [last = "", ...before] = names.toReversed();
  return before.length === 0 ? last : `${before.toReversed().join(", ")} and ${last}`;
}

/** In lines of so many that each still is read. */
export function inLines<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / NAMED) }, (_, at) => all.slice(at * NAMED, (at + 1) * NAMED));
}
