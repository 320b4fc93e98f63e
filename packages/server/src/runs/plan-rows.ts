import type { PlanChangeRow, PlanIssueRow } from "../store/plans.ts";

/** A change as the planner hands it on; the store gives it an ordinal. */
export type NewChange = Omit<PlanChangeRow, "plan" | "ordinal" | "rank" | "state">;
/** What was found beside changes. */
export type NewIssue = Omit<PlanIssueRow, "plan" | "ordinal">;
