/** Reasons of the pending set that mean "unsynced": somebody, or time, has to mend something. */
export const UNSYNCED = ["issue", "failed", "conflict"] as const;
