import type { FreshchatKind } from "./kinds.ts";
import type { Memory } from "./memory.ts";
import type { Asking, List } from "./page.ts";

/** What reads and writes of one kind have in common. */
export interface Reader extends Asking {
  readonly kind: FreshchatKind;
  readonly memory: Memory;
  readonly now: () => number;
  readonly concurrency: number;
}

/** A writer can wait: for a deletion that was accepted, above all. */
export interface Writer extends Reader {
  readonly sleep: (ms: number) => Promise<void>;
}

/** Contacts are listed by a filter alone; nobody had one before Freshchat's precursor began. */
const SINCE = "2010-01-01T00:00:00.000Z";

/** Everything of a kind. In the order of creation what is added stands behind, and shifts nothing. */
export function wholeList({ endpoint, names }: FreshchatKind): List {
  const filter = { sort_order: "asc" };
  return { path: endpoint, names, filter: endpoint === "/users" ? { created_from: SINCE, ...filter } : filter };
}
