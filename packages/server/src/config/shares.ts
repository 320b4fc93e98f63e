import type { CompiledMapping, Finding, SyncDefinition, TargetKind } from "@entrain/core";
import type { SyncEntry } from "./document.ts";

/**
 * What a sync may write to the records of other syncs: plain attributes of people. Nothing that tells who a record is or where
 * its mail goes, and no memberships.
 */
export function shareFindings(
  { shares = [] }: Pick<SyncDefinition, "shares">,
  { rules }: CompiledMapping,
  kind: TargetKind,
): readonly Finding[] {
  const flaw = (at: number | null, sentence: string): Finding => ({
    code: "config_invalid",
    detail: `shares${at === null ? "" : `[${at}]`}: ${sentence}`,
  });
  if (shares.length > 0 && kind.members.length > 0) {
    return [flaw(null, `records of ${kind.name} have members, and cannot be shared by attributes`)];
  }
  return shares.flatMap((name, at) => {
    const rule = rules.find(({ attribute }) => attribute.name === name);
    if (rule === undefined)
      return [flaw(at, `the mapping gives no ${name}; what is shared is mapped as everything else`)];
    if (shares.indexOf(name) !== at) return [flaw(at, `${name} stands here twice`)];
    const { attribute, onlyOnCreate } = rule;
    if (onlyOnCreate)
      return [flaw(at, `${name} is written on creation only, and a record that is shared is there already`)];
    if (attribute.mail === true)
      return [flaw(at, `${name} is a mail address, which only the sync writes that owns the record`)];
    if (attribute.unique === true || kind.matchable.includes(name)) {
      return [flaw(at, `records are told apart by ${name}, which only the sync writes that owns the record`)];
    }
    return [];
  });
}

/** A shared attribute that another sync of the same records maps, too: both would write it, over and over. */
export interface SharedTwice {
  readonly sync: string;
  readonly other: string;
  readonly attribute: string;
}

/** The first attribute that is shared with a sync that writes it itself; `null`: there is none. */
export function sharedTwice(syncs: ReadonlyMap<string, SyncEntry>): SharedTwice | null {
  for (const [sync, { target, records, shares = [] }] of syncs) {
    for (const [other, entry] of syncs) {
      if (other === sync || entry.target !== target || entry.records !== records) continue;
      const attribute = shares.find((name) => Object.hasOwn(entry.mapping, name));
      if (attribute !== undefined) return { sync, other, attribute };
    }
  }
  return null;
}
