import { DEFAULTS, type SyncDefinition } from "@entrain/core";
import type { Chance } from "./chance.ts";
import type { End } from "./content.ts";
import { mappingOf } from "./ends.ts";

/** The sync of people that a schedule begins with. */
export function firstDefinition(end: End, chance: Chance): SyncDefinition {
  const { words } = end;
  return {
    ...DEFAULTS,
    records: words.person,
    mapping: mappingOf(words),
    matching: words.matching.map((value) => words.names[value]),
    ...policyOf(chance),
  };
}

/** A scope, a policy of deprovisioning and a guard as an operator may choose them. */
export function policyOf(chance: Chance): Pick<SyncDefinition, "scope" | "deprovision" | "guard"> {
  const verb = (): "ignore" | "disable" | "delete" =>
    chance.some(["disable", "disable", "disable", "delete", "ignore"]);
  const scopes: readonly SyncDefinition["scope"][] = [
    {},
    {},
    { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]] },
    { groups: { include: ["Staff"], transitive: true } },
  ];
  const removals = { ...DEFAULTS.guard.removals, percent: 10 + chance.below(30) };
  return {
    scope: chance.some(scopes),
    deprovision: {
      outOfScope: verb(),
      disabled: chance.some(["disable", "disable", "delete"]),
      softDeleted: verb(),
      deleted: chance.some(["delete", "disable"]),
    },
    guard: { ...DEFAULTS.guard, removals },
  };
}

/** The sync of groups beside it. */
export function groupDefinition(people: SyncDefinition): SyncDefinition {
  return {
    ...DEFAULTS,
    records: "group",
    mapping: { externalId: { direct: "id" }, displayName: { direct: "displayName" } },
    matching: ["externalId"],
    guard: people.guard,
  };
}
