import type { JournalEntry } from "./types.ts";

/** One thing that happened: an entry of the journal, a change's intent being told together with what came of it. */
export interface Happening {
  readonly entry: JournalEntry;
  /** What came of an intent; null for what is no intent, and for one whose end is not known. */
  readonly outcome: JournalEntry | null;
}

/** Entries, newest first, with the outcome of each intent beside it, at the place of the intent. */
export function happeningsOf(entries: readonly JournalEntry[]): readonly Happening[] {
  const intents = new Set(entries.flatMap((entry) => (entry.type === "intent" ? [changeOf(entry)] : [])));
  const outcomes = new Map<string, JournalEntry>();
  const happenings: Happening[] = [];
  for (const entry of entries) {
    const change = changeOf(entry);
    if (entry.type === "intent") {
      happenings.push({ entry, outcome: outcomes.get(change) ?? null });
      // An older attempt of the same change came to something else.
      outcomes.delete(change);
    } else if (entry.type === "outcome" && intents.has(change)) outcomes.set(change, entry);
    else happenings.push({ entry, outcome: null });
  }
  return happenings;
}

function changeOf({ run, plan, ordinal }: JournalEntry): string {
  return JSON.stringify([run, plan, ordinal]);
}
