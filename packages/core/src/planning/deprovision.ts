import { formatDuration } from "../model/duration.ts";
import type { Cause, KnownLink, LinkOrigin } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import { type DeprovisionPolicy, type DeprovisionVerb, deletesAfter } from "../model/sync.ts";
import type { TargetKind } from "../model/target.ts";
import type { ScopeDecision } from "../scope/decision.ts";
import type { EvaluationInput, SyncRules } from "./evaluation.ts";

/** Why a record should not be active in the target, and what the policy says to that. */
export interface Removal {
  readonly cause: Extract<Cause, "outOfScope" | "disabled" | "softDeleted" | "deleted">;
  readonly policy: DeprovisionPolicy;
  readonly why: string;
}

const STRENGTH: { readonly [verb in DeprovisionVerb]: number } = { ignore: 0, disable: 1, delete: 3 };

/** Deleting later is more than disabling and less than deleting at once, and the sooner the more. */
function strengthOf(policy: DeprovisionPolicy): number {
  return typeof policy === "string" ? STRENGTH[policy] : 2 + 1 / (1 + policy.deleteAfterMs);
}

/**
 * The cause for removing a record, or `null`. Deletion at the source goes before everything. Of "out of scope" and
 * "disabled" the one with the stronger policy counts, so that a scope filter on `accountEnabled` together with
 * `outOfScope: ignore` cannot keep a leaver's account alive; of "out of scope" as far as is known, always "disabled".
 */
export function removalOf(rules: SyncRules, record: DirectoryRecord, scope: ScopeDecision): Removal | null {
  const { deprovision } = rules;
  if (record.removed === "hard") return { cause: "deleted", policy: deprovision.deleted, why: "deleted at the source" };
  if (record.removed === "soft") {
    const why = "deleted at the source, where it can still be restored";
    return { cause: "softDeleted", policy: deprovision.softDeleted, why };
  }
  const out: Removal | null = scope.in
    ? null
    : { cause: "outOfScope", policy: deprovision.outOfScope, why: `left scope: ${scope.reason}` };
  if (record.kind !== "user" || record.attributes.accountEnabled !== false) return out;
  const disabled: Removal = {
    cause: "disabled",
    policy: deprovision.disabled,
    why: "the account is disabled at the source",
  };
  const isStronger = out !== null && strengthOf(out.policy) >= strengthOf(disabled.policy);
  return isStronger && scope.untold !== true ? out : disabled;
}

/** True for a person of whom the source does not say whether the account is enabled. Never taken for disabled. */
export function accountStateUnknown(record: DirectoryRecord): boolean {
  return record.kind === "user" && typeof record.attributes.accountEnabled !== "boolean";
}

/** Whether a record waits to be deleted under this policy: one that we created. */
export function waitsForDeletion(
  { operations }: Pick<SyncRules, "operations">,
  removal: Removal | null,
  { origin }: Pick<KnownLink, "origin">,
): boolean {
  return removal !== null && operations.remove && origin === "created" && deletesAfter(removal.policy) !== null;
}

/** What becomes of a record now, with what is said of it: see {@link removalAction}. */
export function removalNow(
  { policy }: Removal,
  kind: TargetKind,
  of: Pick<KnownLink, "origin" | "leavingSince"> & Pick<EvaluationInput, "now">,
): ReturnType<typeof removalAction> {
  if (typeof policy === "string") return inTargetsWords(kind, removalAction(policy, kind, of.origin));
  const { deleteAfterMs, disable } = policy;
  const { origin, leavingSince: since = null, now } = of;
  const lasted = inDays(deleteAfterMs);
  if (origin === "created" && since !== null && now !== undefined && now - since >= deleteAfterMs) {
    return inTargetsWords(kind, { action: "delete", note: `${lasted} have passed since` });
  }
  // Deleting in place of disabling would be what the policy wants to wait for.
  const { action } = removalAction(disable && kind.disable ? "disable" : "ignore", kind, origin);
  const note = origin === "created" ? `deleted after ${lasted}, unless it returns` : "";
  return inTargetsWords(kind, { action, note });
}

function inDays(durationMs: number): string {
  const days = durationMs / 86_400_000;
  return Number.isInteger(days) ? (days === 1 ? "1 day" : `${days} days`) : formatDuration(durationMs);
}

function inTargetsWords(kind: TargetKind, one: ReturnType<typeof removalAction>): ReturnType<typeof removalAction> {
  const verb = one.action === null ? undefined : kind.verbs?.[one.action];
  // A note that says what is done, and why, says enough.
  return verb === undefined || one.note.startsWith(`${one.action}d`)
    ? one
    : { ...one, note: one.note === "" ? verb : `${verb}; ${one.note}` };
}

/**
 * What a policy does to a record of this kind and origin; `action` is `null` when the record is left as it is. Where a
 * kind cannot disable, a delete is sent instead ("How Application Provisioning works"), but a joined record is never
 * deleted: it was there before us, so at most it is disabled.
 */
function removalAction(
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
