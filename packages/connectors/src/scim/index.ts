export type { ScimClock } from "./pace.ts";
export { createScimTarget, type ScimTargetOptions } from "./target.ts";
