import {
  ConnectorError,
  compileMapping,
  compileMatching,
  compileScope,
  type Finding,
  provisionedKind,
  type Scope,
  type ScopeGiven,
  type SourceKind,
  type SyncDefinition,
  type Target,
  type TargetKind,
  type Withheld,
} from "@entrain/core";
import { loadWatermark } from "../store/directory.ts";
import type { Store } from "../store/store.ts";
import type { Span } from "./candidates.ts";
import type { ConnectionRow, Engine, SyncRow, TargetRow } from "./context.ts";
import { type Chance, loadChance } from "./creation.ts";
import { Lookups } from "./lookups.ts";
import type { BatchContext, PlanContext } from "./plan-context.ts";
import { loadProtection } from "./protection.ts";
import { scopeGiven } from "./scope-given.ts";
import { resolveScopeGroups } from "./scope-groups.ts";

/** What a plan of the directory rests on. */
export interface Position {
  /** The change number up to which only whole rounds were merged: what stands behind it is not planned. */
  readonly upto: number;
  /** Whether the directory was read well. */
  readonly complete: boolean;
  /** Attributes that it was read without. */
  readonly withheld?: readonly Withheld[];
}

/** What a sync is looked at with; a plan has more. */
export interface BasisOptions {
  readonly store: Store;
  readonly keyring: Engine["keyring"];
  readonly sync: SyncRow;
  readonly connection: ConnectionRow;
  readonly targetRow: TargetRow;
  readonly target: Target;
  /** How far the directory was read, and how well. */
  readonly position: Position;
  /** See {@link PlanContext}. */
  readonly recreate: boolean;
  /** See {@link PlanContext}. */
  readonly verifies?: boolean;
  readonly signal: AbortSignal;
}

/** What planning a sync rests on, compiled and resolved; writes nothing. @throws ConnectorError `config_invalid` */
export async function openBasis(options: BasisOptions): Promise<Omit<BatchContext, "lease" | "plan">> {
  const { store, sync, connection, targetRow, target, recreate, signal, verifies = false } = options;
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const kind = await describedKind(target, sync, signal);
  const chance = await loadChance(options);
  const now = store.clock.now();
  const rules = compileSync(definition, kind, chance, await scopeGiven(store, connection.id, definition.scope, now));
  const evaluated = sync.evaluated_revision === sync.revision ? sync.cursor : 0;
  const groups = await resolveScopeGroups(store, connection.id, definition.scope, evaluated);
  // Under the name of another group than before, everybody in either of them may have come or gone.
  const cursor = groups?.renamed === true ? 0 : evaluated;
  const { upto, complete } = options.position;
  const span: Span = { store, sync, kind: kind.source, cursor, upto, now };
  const space = { target: targetRow.id, tenant: connection.tenant };
  const creationOf = chance.creationOf(sync.id, now);
  return {
    ...{ store, sync, target, signal },
    definition,
    kind,
    space,
    groups,
    span,
    complete,
    recreate,
    verifies,
    ...rules,
    protection: await loadProtection(store, sync.id),
    lookups: hasLookups(kind) ? new Lookups({ store, sync, target, attributes: kind.attributes, signal, now }) : null,
    creationOf,
  };
}

function hasLookups(kind: TargetKind): boolean {
  return kind.attributes.some(({ type }) => type === "lookup");
}

/** The target's kind that a sync provisions, with the source records that it is made of. */
export function kindOf(target: Pick<Target, "kinds">, sync: Pick<SyncRow, "records" | "definition">): TargetKind {
  const kind = target.kinds.find((one) => one.name === sync.records);
  if (kind) return provisionedKind(kind, JSON.parse(sync.definition) as SyncDefinition);
  const detail = `The target has no records of kind "${sync.records}"; it has ${target.kinds.map((one) => one.name).join(", ")}.`;
  throw new ConnectorError("config_invalid", detail, { stops: "sync", retry: "never" });
}

/** The same with the limits that the target itself sets now; it is asked once for as long as it is open. */
export async function describedKind(
  target: Target,
  sync: Parameters<typeof kindOf>[1],
  signal: AbortSignal,
): Promise<TargetKind> {
  return kindOf({ kinds: (await target.describe?.(signal)) ?? target.kinds }, sync);
}

/** Compiles scope, mapping and matching of a sync, or throws `config_invalid` with every flaw. */
export function compileSync(
  definition: SyncDefinition,
  kind: TargetKind,
  { conceal }: Pick<Chance, "conceal">,
  given: ScopeGiven,
): Pick<PlanContext, "scope" | "mapping" | "rules"> {
  const scope = compileScope(definition.scope, given);
  const mapping = compileMapping(definition.mapping, kind, { conceal });
  const findings: Finding[] = [];
  if ("findings" in scope) findings.push(...scope.findings);
  if ("findings" in mapping) findings.push(...mapping.findings);
  const matching = "findings" in mapping ? mapping : compileMatching(definition.matching, mapping.mapping, kind);
  if ("findings" in matching && matching !== mapping) findings.push(...matching.findings);
  if (findings.length > 0 || "findings" in scope || "findings" in mapping || "findings" in matching) {
    const detail = findings.map((finding) => finding.detail).join("; ");
    throw new ConnectorError("config_invalid", detail, { stops: "sync", retry: "never" });
  }
  const { operations, deprovision, shares = [] } = definition;
  const rules = {
    ...{ kind, mapping: mapping.mapping, matching: matching.matching, operations, deprovision },
    shares: shares.length === 0 ? null : mapping.mapping.only(shares),
  };
  return { scope: scope.scope, mapping: mapping.mapping, rules };
}

/** The kinds that a sync is about: groups also where its scope asks for them, and people beside groups. */
export function kindsOf(kind: TargetKind, { groups, assigned }: Scope): readonly SourceKind[] {
  const whose = kind.source === "contact" ? "contact" : "user";
  const asked = groups !== undefined || assigned !== undefined;
  return asked || kind.source === "group" ? [whose, "group"] : [whose];
}

/** Where the directory stands. Asked under the connection's read lease, right behind a read of these kinds. */
export async function positionOf(store: Store, connection: string, kinds: readonly SourceKind[]): Promise<Position> {
  const { sequence } = await store.db
    .selectFrom("connections")
    .select("sequence")
    .where("id", "=", connection)
    .executeTakeFirstOrThrow();
  return { upto: sequence, complete: await readComplete(store, connection, kinds) };
}

/** Whether the directory was read well: the last round ended, and nothing is known to be missing or hidden. */
export async function readComplete(store: Store, connection: string, kinds: readonly SourceKind[]): Promise<boolean> {
  for (const one of kinds) {
    const watermark = await loadWatermark(store.db, connection, one);
    if (watermark.phase !== "settled" || watermark.incomplete !== null) return false;
  }
  return true;
}
