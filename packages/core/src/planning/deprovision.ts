import type { Cause, LinkOrigin } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { DeprovisionVerb } from "../model/sync.ts";
import type { TargetKind } from "../model/target.ts";
import type { ScopeDecision } from "../scope/decision.ts";
import type { SyncRules } from "./evaluation.ts";

/** Why a record should not be active in the target, and what the policy says to that. */
export interface Removal {
  readonly cause: Extract<Cause, "outOfScope" | "disabled" | "softDeleted" | "deleted">;
  readonly verb: DeprovisionVerb;
  readonly why: string;
}

const STRENGTH: { readonly [verb in DeprovisionVerb]: number } = { ignore: 0, disable: 1, delete: 2 };

/**
 * The cause for removing a record, or `null`. Deletion at the source goes before everything. Of "out of scope" and
 * "disabled" the one with the stronger policy counts, so that a scope filter on `accountEnabled` together with
 * `outOfScope: ignore` cannot keep a leaver's account alive; of "out of scope" as far as is known, always "disabled".
 */
export function removalOf(rules: SyncRules, record: DirectoryRecord, scope: ScopeDecision): Removal | null {
  const { deprovision } = rules;
  if (record.removed === "hard") return { cause: "deleted", verb: deprovision.deleted, why: "deleted at the source" };
  if (record.removed === "soft") {
    const why = "deleted at the source, where it can still be restored";
    return { cause: "softDeleted", verb: deprovision.softDeleted, why };
  }
  const out: Removal | null = scope.in
    ? null
    : { cause: "outOfScope", verb: deprovision.outOfScope, why: `left scope: ${scope.reason}` };
  if (record.kind !== "user" || record.attributes.accountEnabled !== false) return out;
  const disabled: Removal = {
    cause: "disabled",
    verb: deprovision.disabled,
    why: "the account is disabled at the source",
  };
  return out !== null && scope.untold !== true && STRENGTH[out.verb] >= STRENGTH[disabled.verb] ? out : disabled;
}

/** True for a person of whom the source does not say whether the account is enabled. Never taken for disabled. */
export function accountStateUnknown(record: DirectoryRecord): boolean {
  return record.kind === "user" && typeof record.attributes.accountEnabled !== "boolean";
}

/**
 * What a policy does to a record of this kind and origin; `action` is `null` when the record is left as it is. Where a
 * kind cannot disable, a delete is sent instead ("How Application Provisioning works"), but a joined record is never
 * deleted: it was there before us, so at most it is disabled.
 */
export function removalAction(
  verb: DeprovisionVerb,
  kind: TargetKind,
  origin: LinkOrigin,
): { readonly action: "disable" | "delete" | null; readonly note: string } {
  if (verb === "ignore") return { action: null, note: "" };
  if (verb === "disable") {
    if (kind.disable) return { action: "disable", note: "" };
    if (origin !== "created") return { action: null, note: "" };
    return { action: "delete", note: "deleted, for the target cannot disable such a record" };
  }
  if (origin === "created") return { action: "delete", note: "" };
  const note = "disabled rather than deleted, for the record was joined, not created";
  return kind.disable ? { action: "disable", note } : { action: null, note: "" };
}
