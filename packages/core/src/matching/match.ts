import type { Finding } from "../model/plan.ts";
import type { TargetKind, TargetRecord } from "../model/target.ts";
import { inWords, plain } from "../model/wording.ts";
import { matchKeys } from "./key.ts";
import type { MatchValue } from "./matching.ts";

/** What was found for one matching value. */
export interface MatchTry {
  readonly value: MatchValue;
  /** The target's records that it found by the value. */
  readonly candidates: readonly TargetRecord[];
  /** For people: the other unlinked records in scope that have the same key. */
  readonly rivals: readonly string[];
}

/** What matching decided. */
export type Match =
  | { readonly decision: "create" }
  | {
      readonly decision: "join";
      readonly record: TargetRecord;
      readonly by: MatchValue;
      /** In words: what attributes of less precedence find instead. Empty: the same record, or nothing. */
      readonly others: readonly string[];
      /** In words, whose record it is and stays: the attributes that the sync shares are written to it. */
      readonly sharedWith?: string;
    }
  /** `taken`: the record that is linked to somebody else. */
  | { readonly decision: "issue"; readonly finding: Finding; readonly taken?: string };

const SAID_NAMES = 5;

/**
 * Decides between create, join and issue. `tries` come in order of precedence; the first attribute with a hit decides,
 * and what later ones find instead is told. Several hits, a value that another unlinked record wants too, and a hit that
 * is linked to somebody else are issues: never guess. A candidate whose value is known and has another key is no hit, for
 * targets compare more loosely than we do (accents, trailing spaces). `linkedTo` says in words who a target record is
 * linked to (`Bo (u2) of contoso`); `null`: nobody. `sharedWith` says the same of a record to which the sync may write the
 * attributes that it shares; `null`: it may not.
 */
export function chooseMatch(
  who: { readonly objectId: string; readonly name: string },
  tries: readonly MatchTry[],
  kind: TargetKind,
  linkedTo: (recordId: string) => string | null,
  sharedWith: (recordId: string) => string | null = () => null,
): Match {
  const issue = (code: "ambiguous" | "linked_elsewhere", detail: string) => ({
    decision: "issue" as const,
    finding: { code, detail, ...who },
  });
  for (const [at, { value, candidates, rivals }] of tries.entries()) {
    const said = inShort(value);
    if (rivals.length > 0) return issue("ambiguous", `${said} is also the value of ${listed(rivals.map(plain))}`);
    const hits = candidates.filter((candidate) => fits(candidate, value, kind));
    const [hit] = hits;
    if (hit === undefined) continue;
    if (hits.length > 1) {
      const names = hits.map((one) => withOwner(recordName(one), linkedTo(one.id)));
      return issue("ambiguous", `${said} fits ${hits.length} records of the target: ${listed(names)}`);
    }
    const other = linkedTo(hit.id);
    const shared = sharedWith(hit.id);
    if (other === null || shared !== null) {
      const others = otherFinds(hit, tries.slice(at + 1), kind);
      return { decision: "join", record: hit, by: value, others, ...(shared === null ? {} : { sharedWith: shared }) };
    }
    const detail = `${said} fits ${recordName(hit)}, which is linked to ${other}`;
    return { ...issue("linked_elsewhere", detail), taken: hit.id };
  }
  return { decision: "create" };
}

function inShort(value: MatchValue): string {
  return `${value.attribute} "${inWords(value.value)}"`;
}

function withOwner(name: string, owner: string | null): string {
  return owner === null ? name : `${name} [linked to ${owner}]`;
}

/** Which other records later attributes would have found: somebody may want to know before the first one is taken. */
function otherFinds(hit: TargetRecord, later: readonly MatchTry[], kind: TargetKind): readonly string[] {
  return later.flatMap(({ value, candidates }) => {
    const others = candidates.filter((one) => one.id !== hit.id && fits(one, value, kind));
    return others.length === 0 ? [] : [`${inShort(value)} fits ${listed(others.map(recordName))}`];
  });
}

function fits(candidate: TargetRecord, value: MatchValue, kind: TargetKind): boolean {
  const attribute = kind.attributes.find(({ name }) => name === value.attribute);
  const held = candidate.attributes[value.attribute];
  return attribute === undefined || held === undefined || matchKeys(held, attribute).includes(value.key);
}

/** `Ana (7)`: a target record for people, its id included. */
export function recordName({ id, attributes }: Pick<TargetRecord, "id" | "attributes">): string {
  const name = [attributes.displayName, attributes.userName, attributes.name].find((one) => typeof one === "string");
  return name === undefined || name === "" ? plain(id) : `${inWords(name)} (${plain(id)})`;
}

function listed(names: readonly string[]): string {
  const more = names.length > SAID_NAMES ? ` and ${names.length - SAID_NAMES} more` : "";
  return names.slice(0, SAID_NAMES).join(", ") + more;
}
