import {
  type Attributes,
  byCodeUnits,
  type CompiledRule,
  differs,
  isEmpty,
  isReference,
  kindsReferred,
  type Owner,
  type Reference,
  sameValue,
  type TargetRecord,
  type Value,
} from "@entrain/core";
import { type LinkRow, type LinksByKind, loadLinksByKind, saveLinks, takeLinkSequences } from "../../store/links.ts";
import type { Lease } from "../../store/store.ts";
import { inSourceForm, type LinkedPeople, linkedPeople, withLookups } from "../as-compared.ts";
import { concealedKnown } from "../conceal-links.ts";
import { leftAlone } from "../inputs.ts";
import type { BatchContext } from "../plan-context.ts";

/** An attribute that is not in the target what Entrain wrote or saw there last. Sensitive values are concealed. */
export interface FieldDrift {
  readonly attribute: string;
  readonly known: Value;
  readonly present: Value;
  readonly owner: Owner;
}

/** A linked record compared with what is known of it. */
export interface Compared {
  readonly link: LinkRow;
  readonly record: TargetRecord;
  /** What others changed and is ours. */
  readonly fields: readonly FieldDrift[];
  /** What others changed and is theirs since. */
  readonly theirs: readonly FieldDrift[];
  /** Whether it is active, where others changed that; `null`: they did not. */
  readonly active: boolean | null;
  /** What the target holds of attributes that are written only where it holds nothing, as far as that was not known. */
  readonly learnt: Attributes;
}

/** Compares linked records with their links, a few requests to the store for all of them. */
export async function compareRecords(
  context: BatchContext,
  pairs: readonly { readonly link: LinkRow; readonly record: TargetRecord }[],
): Promise<readonly Compared[]> {
  if (pairs.length === 0) return [];
  const { store, space, kind, mapping } = context;
  const records = await withLookups(
    context,
    pairs.map(({ record }) => record),
  );
  const people = await linkedPeople(
    context,
    records.flatMap(({ attributes }) => Object.values(attributes)),
  );
  const knowns = pairs.map(({ link }) => concealedKnown(mapping, JSON.parse(link.known) as Attributes));
  const referred = knowns.flatMap((known) => Object.values(known).flatMap((value) => refersTo(value)));
  const linked = await loadLinksByKind(store.db, space, kind.attributes.flatMap(kindsReferred), [...new Set(referred)]);
  return pairs.map(({ link }, at) => {
    const [record, known] = [records[at], knowns[at]];
    if (record === undefined || known === undefined) throw new Error("a compared record was lost");
    return { link, record, ...compareOne(context, { link, record, known, people, linked }) };
  });
}

function refersTo(value: Value): readonly string[] {
  return isReference(value) ? [value.$ref] : [];
}

interface Sides {
  readonly link: LinkRow;
  readonly record: TargetRecord;
  readonly known: Attributes;
  readonly people: LinkedPeople;
  readonly linked: LinksByKind;
}

function compareOne(context: BatchContext, sides: Sides): Omit<Compared, "link" | "record"> {
  const { kind, rules, mapping } = context;
  const { link, record } = sides;
  const isShared = link.origin === "shared";
  const fields: FieldDrift[] = [];
  const theirs: FieldDrift[] = [];
  const learnt: { [name: string]: Value } = {};
  for (const rule of isShared ? (rules.shares?.rules ?? []) : mapping.rules) {
    const { attribute, owner } = rule;
    const { name } = attribute;
    if (rule.onlyOnCreate) continue;
    const present = presentOf(context, sides, rule);
    const known = knownOf(sides, name);
    const isOther = known === undefined || differs(attribute, present, known);
    if (owner === "onlyWhenEmpty" && isOther && (known === undefined || !isEmpty(present))) learnt[name] = present;
    else if (known !== undefined && isOther) {
      (owner === "untilChanged" ? theirs : fields).push({ attribute: name, known, present, owner });
    }
  }
  const moved = kind.disable && !isShared && record.active !== (link.active === 1);
  return { fields, theirs, learnt, active: moved ? record.active : null };
}

/** In source form, and concealed where it is sensitive. What a target leaves out of a record is empty there. */
function presentOf({ mapping }: BatchContext, sides: Sides, { attribute }: CompiledRule): Value {
  const value = sides.record.attributes[attribute.name] ?? null;
  return inSourceForm(value, attribute, sides.people) ?? mapping.concealed(attribute.name, value);
}

/** A reference to a record that is linked no more is nothing that the target is to hold. */
function knownOf({ known, linked }: Sides, name: string): Value | undefined {
  const value = known[name];
  return value !== undefined && isReference(value) && !isLinked(value, linked) ? null : value;
}

function isLinked({ $ref: id, $kind: kind }: Reference, linked: LinksByKind): boolean {
  if (kind !== undefined) return linked.get(kind)?.has(id) === true;
  return [...linked.values()].some((links) => links.has(id));
}

/** What is known of attributes that others own goes with their links, so that ordinary runs heed it. */
export async function keepLearnt(
  { store, lease, space }: Pick<BatchContext, "store" | "space"> & { readonly lease: Lease },
  compared: readonly Compared[],
): Promise<void> {
  const learnt = compared.flatMap((one) => learntLink(one) ?? []);
  if (learnt.length === 0) return;
  await store.fenced(lease, async (tx) => {
    let sequence = await takeLinkSequences(tx, space.target, learnt.length);
    await saveLinks(
      store,
      tx,
      learnt.map((link) => ({ ...link, sequence: sequence++ })),
    );
  });
}

/** The link as it is to be kept with what was learnt of its record; `null`: nothing was. */
function learntLink({ link, theirs, learnt }: Compared): LinkRow | null {
  const names = theirs.map(({ attribute }) => attribute).sort(byCodeUnits);
  const isSame = sameValue(names, leftAlone(link).toSorted(byCodeUnits));
  if (isSame && Object.keys(learnt).length === 0) return null;
  const known = { ...(JSON.parse(link.known) as Attributes), ...learnt };
  return { ...link, known: JSON.stringify(known), left_alone: names.length === 0 ? null : JSON.stringify(names) };
}

/** The link as it is to be kept where what others made of its record is what it should be, or nobody's concern. */
export function acknowledged(link: LinkRow, drift: Pick<Compared, "fields" | "active">): LinkRow {
  const present = Object.fromEntries(drift.fields.map(({ attribute, present: value }) => [attribute, value]));
  const known = { ...(JSON.parse(link.known) as Attributes), ...present };
  return { ...link, known: JSON.stringify(known), active: Number(drift.active ?? link.active === 1) };
}
