import type { Lane } from "./watermark.ts";

/** Few pages gain nothing from being read beside each other. */
const MANY = 1500;
/** From here on a lane of the coarse division would be a long chain of pages. */
const VERY_MANY = 20_000;

/** First letters of names by how common they are: each bound begins about as many user principal names as the others. */
const COARSE: readonly string[] = ["a", "b", "c", "d", "e", "g", "i", "k", "l", "m", "n", "p", "s", "t"];
const FINE: readonly string[] = [
  ...["0", "3", "6", "a", "al", "an", "as", "b", "br", "c", "ch", "d", "de", "e", "em", "f", "g", "h", "i", "j", "jo"],
  ...["k", "ke", "l", "lo", "m", "mar", "me", "n", "o", "p", "r", "s", "se", "st", "t", "u", "v", "x"],
];

/** The lanes of a full round; one without bounds for few people, or when nobody knows how many there are. */
export function lanesFor(expected: number | null): readonly Lane[] {
  if (expected === null || expected <= MANY) return [lane(null, null)];
  const bounds = expected <= VERY_MANY ? COARSE : FINE;
  return [null, ...bounds].map((from, at) => lane(from, bounds[at] ?? null));
}

/**
 * The `$filter` of a lane; `null` without bounds. Comparing user principal names is a default query, answered by the directory itself
 * and not by the lagging index of advanced queries ("Advanced query capabilities on Microsoft Entra ID objects"). Whatever the
 * order of texts is there, every name lies in a lane: behind the last bound that it does not come before.
 */
export function filterOf({ from, to }: Lane): string | null {
  const parts = [
    ...(from === null ? [] : [`userPrincipalName ge '${from}'`]),
    ...(to === null ? [] : [`userPrincipalName le '${to}'`]),
  ];
  return parts.length === 0 ? null : parts.join(" and ");
}

function lane(from: string | null, to: string | null): Lane {
  return { from, to, link: null };
}
