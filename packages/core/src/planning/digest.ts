import { byCodeUnits } from "../model/compare.ts";
import type { Change } from "../model/plan.ts";
import type { Value } from "../model/value.ts";

/**
 * The JSON Canonicalization Scheme (RFC 8785): no white space, names ordered by UTF-16 code units, numbers and escapes
 * as ECMAScript writes them. Throws a TypeError for what JSON cannot say: NaN, infinities and lone surrogates.
 */
export function canonicalJson(value: Value): string {
  if (typeof value === "string") return canonicalText(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`JSON cannot say ${value} (RFC 8785, section 3.2.2.3)`);
    return JSON.stringify(value);
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => byCodeUnits(a, b));
  return `{${entries.map(([name, item]) => `${canonicalText(name)}:${canonicalJson(item)}`).join(",")}}`;
}

function canonicalText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("JSON cannot say a lone surrogate (RFC 8785, section 3.2.2.2)");
  return JSON.stringify(text);
}

/** SHA-256 that takes text piece by piece, as `createHash("sha256")` of `node:crypto` does. Text is UTF-8. */
export interface Hasher {
  update(text: string): unknown;
  digest(encoding: "hex"): string;
}

/** What a plan says beside its changes. */
export interface PlanHeader {
  /** Immutable id of the sync. */
  readonly sync: string;
  readonly revision: number;
  readonly complete: boolean;
}

/** A digest in the making: add every change in the plan's order, then end it once. */
export interface PlanDigest {
  add(change: Change): PlanDigest;
  /** The digest, 64 hexadecimal digits. */
  end(): string;
}

/**
 * The digest that an approval names: SHA-256 over lines of canonical JSON, each ended by U+000A. The first is
 * `{complete, revision, sync}`; then one per change with exactly `action, active, add, after, before, cause, kind, name,
 * objectId, reason, recordId, remove`, name and reason included, for they are what was seen. Never times, watermarks or
 * run ids: the same plan made again has the same digest.
 */
export function createPlanDigest(hasher: Hasher, { sync, revision, complete }: PlanHeader): PlanDigest {
  hasher.update(`${canonicalJson({ sync, revision, complete })}\n`);
  const digest: PlanDigest = {
    add: (change) => {
      hasher.update(`${canonicalJson(seen(change))}\n`);
      return digest;
    },
    end: () => hasher.digest("hex"),
  };
  return digest;
}

/** Named one by one, so that a field added to {@link Change} later does not change digests unnoticed. */
function seen({
  kind,
  objectId,
  name,
  action,
  cause,
  reason,
  recordId,
  before,
  after,
  active,
  add,
  remove,
}: Change): Value {
  return { kind, objectId, name, action, cause, reason, recordId, before, after, active, add, remove };
}
