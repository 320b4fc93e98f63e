export type { ScimClock } from "./client.ts";
export { createScimTarget, type ScimTargetOptions } from "./target.ts";
