import type { Transaction } from "kysely";
import type { RunLog } from "../runs/tell.ts";
import { type AlertType, raiseAlert } from "../store/alerts.ts";
import { forgetTold, type KnownEnd, knownEnds, markTold, type ToldEnd, toldEnds } from "../store/credential-ends.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { daysUntil, type ExpiryWarning, expiryWarnings, nameOf } from "./warnings.ts";

/**
 * Tells what of a connection's credentials was not told yet: each threshold once, and once that an end which was told of
 * is none any more. The alert is written, and the line logged, in the transaction that marks it as told.
 */
export async function tellEnds(
  store: Store,
  connection: { readonly id: string; readonly name: string },
  log: RunLog,
): Promise<void> {
  const known = await knownEnds(store, connection.id);
  const warnings = expiryWarnings(known, store.clock.now());
  await store.transaction(async (tx) => {
    for (const warning of warnings) {
      if (!(await markTold(tx, connection.id, warning))) continue;
      log.warn({ connection: connection.name, days: warning.days, fix: warning.fix }, warning.detail);
      const type = warning.threshold === 0 ? "credential.expired" : "credential.expiring";
      await raise(tx, store, type, { ...warning, connection: connection.name });
    }
    for (const told of await toldEnds(tx, connection.id)) {
      if (isPossiblyStillThere(told, known) || !(await forgetTold(tx, connection.id, told))) continue;
      const renewed = renewal(told, known, store.clock.now());
      if (renewed === null) continue;
      log.info({ connection: connection.name, days: renewed.days }, renewed.detail);
      await raise(tx, store, "credential.renewed", { ...renewed, connection: connection.name });
    }
  });
}

/** One whose end nobody tells any more may be the one that was told of. */
function isPossiblyStillThere(told: ToldEnd, known: readonly KnownEnd[]): boolean {
  return known.some(({ kind, endsAt }) => kind === told.kind && (endsAt === told.endsAt || endsAt === null));
}

type Told = Pick<ExpiryWarning, "kind" | "detail" | "fix"> & {
  /** Position among the connection's credentials, from 0; null where nothing took its place. */
  readonly at: number | null;
  readonly endsAt: number | null;
  readonly days: number | null;
};

/** What took a credential's place, or that nothing had to; null where what did ends sooner, which is told by itself. */
function renewal(told: ToldEnd, known: readonly KnownEnd[], now: number): Told | null {
  const later = (one: KnownEnd, other: KnownEnd): number => (other.endsAt ?? 0) - (one.endsAt ?? 0);
  const dated = known.filter(({ endsAt }) => endsAt !== null).sort(later);
  const successor = dated.find(({ kind }) => kind === told.kind) ?? dated[0];
  const name = nameOf(told.kind);
  const day = dayOf(told.endsAt);
  const fix = "Nothing needs to be done.";
  if (successor === undefined || successor.endsAt === null) {
    const detail = `The ${name} that was to end on ${day} is not used any more.`;
    return { kind: told.kind, at: null, endsAt: null, days: null, detail, fix };
  }
  const { kind, at, endsAt } = successor;
  if (endsAt <= told.endsAt) return null;
  const next = `${kind === told.kind ? "one" : `a ${nameOf(kind)}`} that ends on ${dayOf(endsAt)}`;
  const detail = `The ${name} that was to end on ${day} has made room for ${next}.`;
  return { kind, at, endsAt, days: daysUntil(endsAt, now), detail, fix };
}

async function raise(
  tx: Transaction<DB>,
  store: Store,
  type: AlertType,
  { connection, kind, at, days, endsAt, detail, fix }: Told & { readonly connection: string },
): Promise<void> {
  const ends = endsAt === null ? null : new Date(endsAt).toISOString();
  const credential = at === null ? null : at + 1;
  await raiseAlert(tx, store, { type, data: { connection, credential, kind, days, endsAt: ends, detail, fix } });
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
