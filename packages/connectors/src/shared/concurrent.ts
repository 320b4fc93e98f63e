import pLimit from "p-limit";

/**
 * Does work for each item, so many at a time, and answers in the order of the items. The first fault, or the signal, stops the rest
 * by the signal that is handed on; it is thrown once all that was begun has ended, so that nothing goes on behind the caller's
 * back, on a connection that it has closed.
 */
export async function mapConcurrently<Item, Answer>(
  items: readonly Item[],
  { atATime, signal }: { readonly atATime: number; readonly signal: AbortSignal },
  work: (item: Item, signal: AbortSignal) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const stop = new AbortController();
  const within = AbortSignal.any([signal, stop.signal]);
  const faults: unknown[] = [];
  const limit = pLimit(atATime);
  const one = async (item: Item): Promise<readonly Answer[]> => {
    try {
      within.throwIfAborted();
      return [await work(item, within)];
    } catch (fault) {
      faults.push(fault);
      stop.abort(fault);
      return [];
    }
  };
  const answers = await Promise.all(items.map((item) => limit(() => one(item))));
  if (faults.length > 0) throw faults[0];
  return answers.flat();
}
