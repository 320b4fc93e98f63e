export type { FaultAction, FaultPlan, FaultRule } from "./faults/rules.ts";
export { EVERY_ROLE } from "./permissions.ts";
export type { AppChange, AppView, AppWish, IdentityControl } from "./signin/levers.ts";
export { type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
export { readTenantFile } from "./tenant/load.ts";
export type { GraphGroup, GraphUser, TenantFile } from "./tenant/types.ts";
