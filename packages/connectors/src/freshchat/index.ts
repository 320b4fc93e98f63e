export { createFreshchatTarget, type FreshchatTargetOptions } from "./target.ts";
