import type { Guard, GuardCounter, GuardLimit, Retries, SyncDefinition } from "./sync.ts";

const DAY_MS = 24 * 3_600_000;

/** Creations and updates are looser: they take nothing away, and an approval undoes less than a removal would. */
const GUARD: Required<Guard> = {
  removals: { percent: 10, count: 500, windowMs: DAY_MS },
  members: { percent: 10, count: 500, windowMs: DAY_MS },
  creations: { percent: 50, count: 5_000, windowMs: DAY_MS },
  updates: { percent: 80, count: 20_000, windowMs: DAY_MS },
  matching: { percent: 10, count: 500, windowMs: DAY_MS },
};

/** The limit of one counter; the default where the definition says nothing of it. */
export function limitOf(guard: Guard, counter: GuardCounter): GuardLimit {
  return guard[counter] ?? GUARD[counter];
}

/** Twenty attempts take about nine days: a minute, two, four … at last a day apart. */
export const DEFAULT_RETRIES: Retries = { firstMs: 60_000, lastMs: DAY_MS, attempts: 20 };

/** What a sync does where its definition says nothing. */
export const DEFAULTS: Pick<SyncDefinition, "scope" | "operations" | "deprovision" | "guard" | "schedule"> = {
  scope: {},
  operations: { create: true, update: true, remove: true },
  deprovision: { outOfScope: "disable", disabled: "disable", softDeleted: "disable", deleted: "delete" },
  guard: GUARD,
  schedule: { manual: true },
};
