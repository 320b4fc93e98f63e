import type { FreshchatAgent, FreshchatGroup, FreshchatRecords, FreshchatRole, FreshchatUser } from "./model.ts";

/** The records of an account by kind. */
export interface FreshchatKinds {
  readonly agents: FreshchatRecords<FreshchatAgent>;
  readonly users: FreshchatRecords<FreshchatUser>;
  readonly groups: FreshchatRecords<FreshchatGroup>;
  readonly roles: FreshchatRecords<FreshchatRole>;
}

/** One thing that another administrator does, as JSON. `create` needs fields, `remove` an id, `update` both. */
export interface AdminStep {
  readonly do: "create" | "update" | "remove";
  readonly kind: keyof FreshchatKinds;
  readonly id?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

const DEEDS: readonly unknown[] = ["create", "update", "remove"];
const KINDS: readonly unknown[] = ["agents", "users", "groups", "roles"];

/** A step that came as JSON. Throws an Error with one sentence when it is none. */
export function checkStep(step: unknown): AdminStep {
  const told = JSON.stringify(step);
  if (!isRecord(step) || !DEEDS.includes(step.do))
    throw new Error(`The step ${told} must do create, update or remove.`);
  if (!KINDS.includes(step.kind)) throw new Error(`The step ${told} needs agents, users, groups or roles as kind.`);
  if (step.do !== "create" && typeof step.id !== "string") throw new Error(`The step ${told} needs an id.`);
  if (step.do !== "remove" && !isRecord(step.fields)) throw new Error(`The step ${told} needs fields.`);
  return step as unknown as AdminStep;
}

/** Does it, and returns the record; undefined after a removal. Throws a RangeError when there is no such record. */
export function doStep(kinds: FreshchatKinds, step: AdminStep): unknown {
  const records: FreshchatRecords<{ readonly id: string }> = kinds[step.kind];
  const { id = "", fields = {} } = step;
  if (step.do === "create") return records.create(fields);
  if (step.do === "update") return records.update(id, fields);
  records.remove(id);
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
