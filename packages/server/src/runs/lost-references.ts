import { type Attributes, ConnectorError, isReference, kindsReferred } from "@entrain/core";
import { doubtLinks } from "../store/doubted-links.ts";
import { loadLinksByKind } from "../store/links.ts";
import { idsOf } from "../store/plans.ts";
import type { ApplyContext } from "./applying.ts";
import { heldAsFarAsShown } from "./emptied.ts";

/** The codes of refusals that the absence of what is referred to may stand behind. */
const CODES = ["record_missing", "reference_waiting", "refused_by_target"];
/** So many refused changes of a plan are looked at, */
const MOST_CHANGES = 500;
/** and so many records that they refer to: many targets are asked for one at a time. */
const MOST_RECORDS = 200;

/** What stands around an id in a sentence, or in an address. */
const BETWEEN_WORDS = /[\s"'`“”‘’,;:()[\]{}<>/=]+|\.(?=\s|$)/;

/** Whom a refused change refers to, and under which kinds of records they may be found; `said`: why it was refused. */
interface Referred {
  readonly objectId: string;
  readonly kinds: readonly string[];
  readonly said: string;
}

/**
 * Looks whether the target still holds what the plan's refused changes refer to, and notes what it does not: somebody deleted
 * that there. Nothing else would find it before it changes itself, and whatever refers to it would be refused again and again.
 * The sync that owns the record looks again at the beginning of its next run. A target that cannot be asked shows nothing.
 */
export async function doubtReferences(context: ApplyContext): Promise<void> {
  const { store, lease, target, signal, space } = context;
  if (signal.aborted || context.stopping.aborted) return;
  const referred = await referredIn(context);
  if (referred.length === 0) return;
  const asked = chosen(await linksOf(context, referred), wordsOf(referred), store.clock.random());
  try {
    for (const [kind, of] of Map.groupBy(asked, (one) => one.kind)) {
      const ids = of.map(({ recordId }) => recordId);
      const held = await heldAsFarAsShown({ target, kind: { name: kind }, signal }, ids);
      const lost = ids.filter((id) => !held.has(id));
      if (lost.length > 0)
        await store.fenced(lease, (tx) => doubtLinks(store, tx, { target: space.target, kind }, lost));
    }
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.stops === "run") throw error;
  }
}

interface Linked {
  readonly kind: string;
  readonly recordId: string;
}

/**
 * Which records are asked about when there are too many: first those that a refusal names, for many a target says which one it
 * misses; of the others as many as there is room for, from a random place on, so that each has its turn. `random`: from 0 to 1.
 */
function chosen(links: readonly Linked[], named: ReadonlySet<string>, random: number): readonly Linked[] {
  const first = links.filter(({ recordId }) => named.has(recordId));
  const rest = links.filter(({ recordId }) => !named.has(recordId));
  const begin = Math.floor(random * rest.length);
  return [...first, ...rest.slice(begin), ...rest.slice(0, begin)].slice(0, MOST_RECORDS);
}

/** The words of the refusals: a record's id is one of them where it is named. Every change's refusal is read once. */
function wordsOf(referred: readonly Referred[]): ReadonlySet<string> {
  const texts = new Set(referred.map(({ said }) => said));
  return new Set([...texts].flatMap((text) => text.split(BETWEEN_WORDS)));
}

async function linksOf({ store, space }: ApplyContext, referred: readonly Referred[]): Promise<readonly Linked[]> {
  const kinds = [...new Set(referred.flatMap((one) => one.kinds))];
  const ids = [...new Set(referred.map(({ objectId }) => objectId))];
  const found = await loadLinksByKind(store.db, space, kinds, ids);
  return [...found].flatMap(([kind, links]) => [...links.values()].map((link) => ({ kind, recordId: link.record_id })));
}

async function referredIn({ store, plan, sync, kind }: ApplyContext): Promise<readonly Referred[]> {
  const rows = await store.db
    .selectFrom("plan_changes")
    .innerJoin("pending", (join) =>
      join.onRef("pending.object_id", "=", "plan_changes.object_id").on("pending.sync", "=", sync.id),
    )
    .select(["plan_changes.after", "plan_changes.add", "pending.detail"])
    .where("plan_changes.plan", "=", plan.id)
    .where("plan_changes.state", "=", "refused")
    .where("pending.reason", "=", "failed")
    .where("pending.code", "in", CODES)
    .orderBy("plan_changes.ordinal")
    .limit(MOST_CHANGES)
    .execute();
  return rows.flatMap(({ after, add, detail: said }): readonly Referred[] => {
    const values = after === null ? {} : (JSON.parse(after) as Attributes);
    const pointed = kind.attributes.flatMap((attribute) => {
      const value = values[attribute.name];
      return isReference(value) ? [{ objectId: value.$ref, kinds: kindsReferred(attribute), said }] : [];
    });
    return [...pointed, ...idsOf(add).map((objectId) => ({ objectId, kinds: kind.members, said }))];
  });
}
