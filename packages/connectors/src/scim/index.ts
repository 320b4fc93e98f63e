export { createScimTarget, type ScimTargetOptions } from "./target.ts";
