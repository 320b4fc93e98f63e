export type { FaultAction, FaultPlan, FaultRule } from "./faults/rules.ts";
export {
  type CombinationOptions as FreshchatCombinationOptions,
  freshchatCombinations,
} from "./freshchat/combinations.ts";
export type { FreshchatFault, FreshchatFaultAction } from "./freshchat/faults.ts";
export { type Freshchat, type FreshchatOptions, startFreshchat } from "./freshchat/freshchat.ts";
export type { FreshchatLevers, FreshchatRequest } from "./freshchat/levers.ts";
export type {
  FreshchatAgent,
  FreshchatGroup,
  FreshchatProperty,
  FreshchatRecords,
  FreshchatRole,
  FreshchatUser,
} from "./freshchat/model.ts";
export type { FreshchatRate } from "./freshchat/rate.ts";
export type { AdminStep as FreshchatStep } from "./freshchat/steps.ts";
export { FRESHCHAT_SWITCHES, type FreshchatSwitch, type FreshchatSwitches } from "./freshchat/switches.ts";
export { EVERY_ROLE } from "./permissions.ts";
export type { AppChange, AppView, AppWish, IdentityControl } from "./signin/levers.ts";
export { type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
export { readTenantFile } from "./tenant/load.ts";
export type { GraphGroup, GraphUser, TenantFile } from "./tenant/types.ts";
export { type LoopbackCertificate, makeLoopbackCertificate } from "./tls.ts";
