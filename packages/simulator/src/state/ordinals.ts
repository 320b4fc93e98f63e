/**
 * Sorted lists of object ordinals: 8 bytes an edge instead of a hash entry, found by halving, and paged by "everything
 * after ordinal n", which stays right while others are added and removed.
 */

/** Index of the first entry that is greater than or equal to `ordinal`. */
export function lowerBound(list: readonly number[], ordinal: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether the sorted list holds `ordinal`. */
export function holds(list: readonly number[], ordinal: number): boolean {
  return list[lowerBound(list, ordinal)] === ordinal;
}

/** Adds `ordinal` in its place; false when it was there already. */
export function insert(list: number[], ordinal: number): boolean {
  if (list.length === 0 || ordinal > (list[list.length - 1] ?? 0)) {
    list.push(ordinal);
    return true;
  }
  const at = lowerBound(list, ordinal);
  if (list[at] === ordinal) return false;
  list.splice(at, 0, ordinal);
  return true;
}

/** Takes `ordinal` out; false when it was not there. */
export function remove(list: number[], ordinal: number): boolean {
  const at = lowerBound(list, ordinal);
  if (list[at] !== ordinal) return false;
  list.splice(at, 1);
  return true;
}

/** Sorts and removes doubles in place: how a bulk load closes a list. */
export function settle(list: number[]): void {
  list.sort((a, b) => a - b);
  let kept = 0;
  for (let i = 0; i < list.length; i++) {
    const ordinal = list[i];
    if (ordinal === undefined || (i > 0 && ordinal === list[kept - 1])) continue;
    list[kept++] = ordinal;
  }
  list.length = kept;
}
