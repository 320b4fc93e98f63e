export { type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
export type { GraphGroup, GraphUser, TenantFile } from "./tenant/types.ts";
