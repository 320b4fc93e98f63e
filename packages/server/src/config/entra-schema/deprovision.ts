import {
  DEFAULTS,
  type Deprovision,
  type DeprovisionPolicy,
  formatDuration,
  type Operations,
  type SyncDefinition,
  type TargetKind,
} from "@entrain/core";
import { isLifecycle, readsSoftDeleted } from "./names.ts";
import type { EntraAttributeMapping, EntraObjectMapping, Note } from "./schema.ts";

/** What a sync does with records, and with those who leave. */
export type Lifecycle = Pick<SyncDefinition, "operations" | "deprovision">;

const IGNORED = { outOfScope: "ignore", disabled: "ignore", softDeleted: "ignore" } as const;
const DISABLED = { outOfScope: "disable", disabled: "disable", softDeleted: "disable" } as const;
const ONLY_ACCOUNT = { outOfScope: "ignore", disabled: "disable", softDeleted: "ignore" } as const;

/**
 * What Entra does with whoever leaves ("How application provisioning works", de-provisioning): it disables by a mapping that
 * reads `IsSoftDeleted`, which is an update, and deletes whoever is gone for good if deleting is among the object's actions.
 */
export function importLifecycle(mapping: EntraObjectMapping, kind: TargetKind, tell: (note: Note) => void): Lifecycle {
  const flows = new Set((mapping.flowTypes ?? ["Add", "Update", "Delete"]).map((flow) => flow.toLowerCase()));
  const deleted = flows.has("delete") ? "delete" : "ignore";
  const updates = flows.has("update");
  const leaving = kind.disable ? importLeaving(mapping, kind, updates, tell) : groupsLeaving(flows.has("delete"));
  const deprovision: Deprovision = { ...leaving, deleted };
  const remove = Object.values(deprovision).some((verb) => verb !== "ignore");
  return { operations: { create: flows.has("add"), update: updates, remove }, deprovision };
}

/** A kind that cannot be disabled is deleted by Entra, as it is here by `disable`. */
function groupsLeaving(deletes: boolean): Omit<Deprovision, "deleted"> {
  const { deleted: _deleted, ...usual } = DEFAULTS.deprovision;
  return deletes ? usual : IGNORED;
}

function importLeaving(
  { attributes, place }: EntraObjectMapping,
  kind: TargetKind,
  updates: boolean,
  tell: (note: Note) => void,
): Omit<Deprovision, "deleted"> {
  const about = attributes.filter((one) => isLifecycle(one, kind));
  const byDeletion = about.find(readsSoftDeleted);
  const active = byDeletion ?? about[0];
  for (const other of about.filter((one) => one !== active)) {
    const detail = `${other.target} was left out beside ${active?.target}: \`deprovision\` alone decides who is disabled`;
    tell({ place: other.place, code: "deprovision", detail, fix: null });
  }
  const told = (detail: string, verbs: Omit<Deprovision, "deleted">): Omit<Deprovision, "deleted"> => {
    const fix = "See `deprovision` in the document: it may say something else of each case.";
    tell({ place: active?.place ?? place, code: "deprovision", detail, fix });
    return verbs;
  };
  if (!updates) return told("Entra disables by updates, which are switched off: who leaves keeps the account", IGNORED);
  if (byDeletion !== undefined) {
    const detail = `${byDeletion.target} from IsSoftDeleted is what \`deprovision\` does: who leaves the scope, is disabled or deleted is disabled`;
    return told(detail, DISABLED);
  }
  if (active !== undefined && readsAccountEnabled(active)) {
    const detail = `${active.target} from accountEnabled is what \`deprovision.disabled\` does; who leaves the scope keeps the account, as with Entra`;
    return told(detail, ONLY_ACCOUNT);
  }
  const why =
    active === undefined
      ? "no mapping reads IsSoftDeleted"
      : `${active.target} reads neither IsSoftDeleted nor accountEnabled`;
  return told(`${why}, so that Entra disables nobody: \`deprovision\` ignores who leaves`, IGNORED);
}

function readsAccountEnabled({ source }: EntraAttributeMapping): boolean {
  return source !== null && (source.name === "accountEnabled" || source.expression.includes("[accountEnabled]"));
}

/** How Entra says the same: its object actions, and what its attribute `active` is made of. */
export interface ExportedLifecycle {
  readonly flowTypes: string;
  readonly active: "IsSoftDeleted" | "accountEnabled" | null;
}

/** The inverse of {@link importLifecycle}, where there is one; what Entra cannot say is told. */
export function exportLifecycle(
  { operations, deprovision }: Lifecycle,
  kind: TargetKind,
  tell: (detail: string) => void,
): ExportedLifecycle {
  const verbs = operations.remove ? deprovision : { ...IGNORED, deleted: "ignore" as const };
  const deletes = verbs.deleted !== "ignore";
  const flowTypes = flowTypesOf(operations, deletes);
  if (verbs.deleted !== "delete" && verbs.deleted !== "ignore")
    tell(`deprovision.deleted: Entra deletes whom it finds gone, and cannot ${inVerb(verbs.deleted)}`);
  if (!kind.disable) {
    const alike = [verbs.outOfScope, verbs.softDeleted].every((verb) => (verb !== "ignore") === deletes);
    if (!alike) tell(`deprovision: of ${kind.name} Entra deletes all who leave, or none`);
    return { flowTypes, active: null };
  }
  const active = activeOf(verbs);
  const exact = { IsSoftDeleted: DISABLED, accountEnabled: ONLY_ACCOUNT, none: IGNORED }[active ?? "none"];
  for (const cause of ["outOfScope", "disabled", "softDeleted"] as const) {
    if (verbs[cause] === exact[cause]) continue;
    tell(`deprovision.${cause}: Entra cannot ${inVerb(verbs[cause])} here by itself; it would ${exact[cause]}`);
  }
  if (active !== null && !operations.update) tell("operations.update: without updates Entra disables nobody either");
  return { flowTypes, active };
}

function inVerb(policy: DeprovisionPolicy): string {
  return typeof policy === "string" ? policy : `delete after ${formatDuration(policy.deleteAfterMs)}`;
}

function activeOf({ outOfScope, disabled, softDeleted }: Deprovision): ExportedLifecycle["active"] {
  if (outOfScope === "ignore" && softDeleted === "ignore") return disabled === "ignore" ? null : "accountEnabled";
  return "IsSoftDeleted";
}

function flowTypesOf({ create, update }: Operations, deletes: boolean): string {
  return [...(create ? ["Add"] : []), ...(update ? ["Update"] : []), ...(deletes ? ["Delete"] : [])].join(", ");
}
