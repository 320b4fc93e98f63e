import type { SyncDefinition } from "./sync.ts";

const DAY_MS = 24 * 3_600_000;

/** What a sync does where its definition says nothing. */
export const DEFAULTS: Pick<SyncDefinition, "scope" | "operations" | "deprovision" | "guard" | "schedule"> = {
  scope: {},
  operations: { create: true, update: true, remove: true },
  deprovision: { outOfScope: "disable", disabled: "disable", softDeleted: "disable", deleted: "delete" },
  guard: {
    removals: { percent: 10, count: 500, windowMs: DAY_MS },
    members: { percent: 10, count: 500, windowMs: DAY_MS },
  },
  schedule: { manual: true },
};
