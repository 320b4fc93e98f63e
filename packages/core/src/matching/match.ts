import type { CompiledMapping } from "../mapping/mapping.ts";
import type { Finding } from "../model/plan.ts";
import type { TargetKind, TargetRecord } from "../model/target.ts";
import type { Attributes, Value } from "../model/value.ts";
import { inWords, plain } from "../model/wording.ts";
import { matchKey, matchKeys } from "./key.ts";

/** One value to look for in the target, and the key by which it is compared. */
export interface MatchValue {
  readonly attribute: string;
  readonly value: Value;
  readonly key: string;
}

/** Says what is wrong with the matching attributes of a sync; nothing when records can be found by them. */
export function checkMatching(
  matching: readonly string[],
  mapping: CompiledMapping,
  kind: TargetKind,
): readonly Finding[] {
  const unknown = matching.filter((name) => !kind.matchable.includes(name));
  if (unknown.length > 0) {
    const detail = `matching: ${kind.name} cannot be found by ${unknown.join(", ")}; it can by ${kind.matchable.join(", ")}`;
    return [{ code: "config_invalid", detail }];
  }
  if (matching.some((name) => mapping.rules.some(({ attribute }) => attribute.name === name))) return [];
  const detail = "matching: none of the matching attributes is mapped, so no record would have a value to match by";
  return [{ code: "config_invalid", detail }];
}

/** The values to look for, in order of precedence. None: the record is `unmatchable`. */
export function matchValues(desired: Attributes, matching: readonly string[], kind: TargetKind): readonly MatchValue[] {
  const values: MatchValue[] = [];
  for (const name of matching) {
    const attribute = kind.attributes.find((one) => one.name === name);
    const value = desired[name];
    if (attribute === undefined || value === undefined) continue;
    const key = matchKey(value, attribute);
    if (key !== null) values.push({ attribute: name, value, key });
  }
  return values;
}

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
  | { readonly decision: "join"; readonly record: TargetRecord; readonly by: MatchValue }
  | { readonly decision: "issue"; readonly finding: Finding };

const SAID_NAMES = 5;

/**
 * Decides between create, join and issue. `tries` come in order of precedence; the first attribute with a hit decides.
 * Several hits, a value that another unlinked record wants too, and a hit that is linked to somebody else are issues:
 * never guess. A candidate whose value is known and has another key is no hit, for targets compare more loosely than
 * we do (accents, trailing spaces). `linkedTo` names who a target record is linked to; `null`: nobody.
 */
export function chooseMatch(
  who: { readonly objectId: string; readonly name: string },
  tries: readonly MatchTry[],
  kind: TargetKind,
  linkedTo: (recordId: string) => string | null,
): Match {
  const issue = (code: "ambiguous" | "linked_elsewhere", detail: string): Match => ({
    decision: "issue",
    finding: { code, detail, ...who },
  });
  for (const { value, candidates, rivals } of tries) {
    const said = `${value.attribute} "${inWords(value.value)}"`;
    if (rivals.length > 0) return issue("ambiguous", `${said} is also the value of ${listed(rivals)}`);
    const hits = candidates.filter((candidate) => fits(candidate, value, kind));
    const [hit] = hits;
    if (hit === undefined) continue;
    if (hits.length > 1) {
      return issue("ambiguous", `${said} fits ${hits.length} records of the target: ${listed(hits.map(recordName))}`);
    }
    const other = linkedTo(hit.id);
    if (other === null) return { decision: "join", record: hit, by: value };
    return issue("linked_elsewhere", `${said} fits ${recordName(hit)}, which is linked to ${plain(other)}`);
  }
  return { decision: "create" };
}

function fits(candidate: TargetRecord, value: MatchValue, kind: TargetKind): boolean {
  const attribute = kind.attributes.find(({ name }) => name === value.attribute);
  const held = candidate.attributes[value.attribute];
  return attribute === undefined || held === undefined || matchKeys(held, attribute).includes(value.key);
}

function recordName({ id, attributes }: TargetRecord): string {
  const name = [attributes.displayName, attributes.userName, attributes.name].find((one) => typeof one === "string");
  return name === undefined || name === "" ? plain(id) : `${inWords(name)} (${plain(id)})`;
}

function listed(names: readonly string[]): string {
  const more = names.length > SAID_NAMES ? ` and ${names.length - SAID_NAMES} more` : "";
  return names.slice(0, SAID_NAMES).map(plain).join(", ") + more;
}
