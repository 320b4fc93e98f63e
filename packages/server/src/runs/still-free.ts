import {
  type CompiledRule,
  compileMapping,
  inWords,
  matchKey,
  type Outcome,
  type SyncDefinition,
  sameValue,
  type Target,
  type TargetKind,
  type Value,
} from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import { indexKey, keysOf } from "./match-records.ts";
import { onTheWay, type Writing } from "./on-the-way.ts";
import type { Prepared } from "./prepare.ts";

/** Values that one `find` takes. */
const FIND = 100;

/** A rule that chooses a value which nobody else has. */
export type Choosing = Pick<CompiledRule, "attribute" | "fallback">;

/** The rules of a sync that choose values by `SelectUniqueValue`; mostly there is none. */
export function choosingRules({ mapping }: SyncDefinition, kind: TargetKind): readonly Choosing[] {
  const compiled = compileMapping(mapping, kind);
  return "findings" in compiled ? [] : compiled.mapping.uniques;
}

/** A value that was chosen for a creation. */
export interface Claim {
  readonly ordinal: number;
  readonly attribute: string;
  readonly value: Value;
  readonly key: string;
}

/** What was chosen for creations that are about to be sent. A default is shared, and was chosen for nobody. */
export function claimsOf(rules: readonly Choosing[], changes: readonly Prepared[]): readonly Claim[] {
  if (rules.length === 0) return [];
  return changes.flatMap(({ row, send }) => {
    if (row.action !== "create" || send === null) return [];
    return rules.flatMap(({ attribute, fallback }) => {
      const value = send.set[attribute.name];
      const key = matchKey(value, attribute);
      if (value === undefined || key === null || sameValue(value, fallback)) return [];
      return [{ ordinal: row.ordinal, attribute: attribute.name, value, key }];
    });
  });
}

/**
 * Takes out of a batch the creations whose chosen value another sync is writing. In the transaction that opens the
 * batch's intents, and one at a time for each target: of two syncs that chose the same, one sees the other's intent.
 */
export async function withoutClaimed(
  tx: Transaction<DB>,
  of: Writing,
  batch: { readonly prepared: readonly Prepared[]; readonly claims: readonly Claim[] },
): Promise<readonly Prepared[]> {
  const { prepared, claims } = batch;
  if (claims.length === 0) return prepared;
  await tx
    .updateTable("targets")
    .set((eb) => ({ sequence: eb.ref("sequence") }))
    .where("id", "=", of.target)
    .execute();
  const taken = await onTheWay(tx, of, [...new Set(claims.map(({ attribute }) => attribute))]);
  const claimed = new Map(
    claims.filter(({ attribute, key }) => taken.has(indexKey(attribute, key))).map((claim) => [claim.ordinal, claim]),
  );
  if (claimed.size === 0) return prepared;
  return prepared.map((change) => {
    const claim = claimed.get(change.row.ordinal);
    return claim === undefined ? change : { ...change, send: null, stale: `${said(claim)} another sync writes it now` };
  });
}

/**
 * The creations whose chosen value a record of the target got after the plan was made, by ordinal: nothing of them is to
 * be sent. Asked once the intents are open, so that whoever writes such a value has done so before, or sees them.
 */
export async function takenSince(
  { target, kind, signal }: { readonly target: Target; readonly kind: TargetKind; readonly signal: AbortSignal },
  claims: readonly Claim[],
): Promise<ReadonlyMap<number, Outcome>> {
  const taken = new Map<number, Outcome>();
  for (const [attribute, all] of Map.groupBy(claims, (claim) => claim.attribute)) {
    for (let at = 0; at < all.length; at += FIND) {
      const some = all.slice(at, at + FIND);
      const values = some.map(({ value }) => value);
      const records = await target.find(kind.name, attribute, values, signal);
      const held = new Set(records.flatMap((record) => keysOf(record, attribute, { kind })));
      for (const claim of some.filter(({ key }) => held.has(key))) {
        const detail = `${said(claim)} a record of the target has it now`;
        taken.set(claim.ordinal, { status: "conflict", code: "value_taken", detail, retry: "now" });
      }
    }
  }
  return taken;
}

function said({ attribute, value }: Claim): string {
  return `${attribute}: "${inWords(value)}" was free when it was planned, and`;
}
