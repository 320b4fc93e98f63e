const FARTHEST = 3;

/** The name that was probably meant, or null when none is near: at most three letters wrong, and less than half of them. */
export function nearest(name: string, known: readonly string[]): string | null {
  // A name that is much longer than any known one is not worth its square of steps.
  const near = known.filter((one) => Math.abs(one.length - name.length) <= FARTHEST);
  const ranked = near
    .map((one) => ({ one, far: distance(name.toLowerCase(), one.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const [best] = ranked;
  if (best === undefined || best.far > FARTHEST || best.far > best.one.length / 2) return null;
  return best.one;
}

/** Levenshtein's distance: insertions, removals and replacements of one letter. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
