import { attributeFlaw } from "@entrain/connectors/entra";
import {
  APP_ROLES,
  type CompiledMapping,
  compileMapping,
  compileMatching,
  compileScope,
  DEFAULTS,
  type Finding,
  type MatchingRule,
  provisionedKind,
  type SyncDefinition,
  type TargetKind,
} from "@entrain/core";
import { readApproval } from "./approval.ts";
import type { Checker } from "./checker.ts";
import { contactPreset } from "./contact-preset.ts";
import { readDeprovision } from "./deprovision.ts";
import type { Path, SyncEntry, TargetEntry } from "./document.ts";
import { readGuard } from "./guard.ts";
import { suggestion } from "./nearest.ts";
import { readProtect } from "./protect.ts";
import { readRetries } from "./retries.ts";
import { readMapping } from "./rules.ts";
import { readSchedule } from "./schedule.ts";
import { readScope } from "./scope.ts";
import { shareFindings } from "./shares.ts";
import type { TargetTypes } from "./targets.ts";

/** What a sync may refer to: the document's own entries and those that exist already. */
export interface Surroundings {
  readonly types: TargetTypes;
  readonly connections: ReadonlySet<string>;
  readonly targets: ReadonlyMap<string, TargetEntry>;
}

const KEYS = [
  "connection",
  "target",
  "records",
  "source",
  "scope",
  "mapping",
  "matching",
  "shares",
  "operations",
  "deprovision",
  "guard",
  "protect",
  "approval",
  "retries",
  "schedule",
];

/** One sync as a document gives it, what is left out filled in: mapping and matching from the kind's preset. */
export function readSync(checker: Checker, value: unknown, path: Path, around: Surroundings): SyncEntry | undefined {
  const entry = checker.map(value, path, KEYS);
  if (entry === undefined) return undefined;
  const connection = readAlias(checker, entry.connection, [...path, "connection"], [...around.connections]);
  const target = readAlias(checker, entry.target, [...path, "target"], [...around.targets.keys()]);
  const named =
    target === undefined ? undefined : readKind(checker, entry.records, [...path, "records"], around, target);
  const contacts = entry.source === undefined ? {} : readSource(checker, entry.source, [...path, "source"], named);
  const kind = named === undefined ? undefined : provisionedKind(named, contacts ?? {});
  const preset = kind?.source === "contact" ? contactPreset(kind) : kind?.preset;
  const source = kind?.source ?? null;
  const scope =
    entry.scope === undefined ? DEFAULTS.scope : readScope(checker, entry.scope, [...path, "scope"], source);
  const mapping =
    entry.mapping === undefined ? preset?.mapping : readMapping(checker, entry.mapping, [...path, "mapping"], source);
  const matching =
    entry.matching === undefined ? preset?.matching : readMatching(checker, entry.matching, [...path, "matching"]);
  const shares = entry.shares === undefined ? {} : readShares(checker, entry.shares, [...path, "shares"]);
  const operations = readFlags(checker, entry.operations, [...path, "operations"]);
  const deprovision = readDeprovision(checker, entry.deprovision, [...path, "deprovision"]);
  const guard = readGuard(checker, entry.guard, [...path, "guard"]);
  const protect = readProtect(checker, entry.protect, [...path, "protect"]);
  const approval = readApproval(checker, entry.approval, [...path, "approval"]);
  const retries = readRetries(checker, entry.retries, [...path, "retries"]);
  const schedule = readSchedule(checker, entry.schedule, [...path, "schedule"]);
  if (!(connection && target && contacts && kind && scope && mapping && matching && shares)) return undefined;
  if (!(operations && deprovision && guard && protect && approval && retries && schedule)) return undefined;
  const rules = { records: kind.name, ...contacts, scope, mapping, matching, ...shares };
  judge(checker, rules, kind, path);
  return {
    connection,
    target,
    ...rules,
    operations,
    deprovision,
    guard,
    ...protect,
    ...approval,
    ...retries,
    schedule,
  };
}

function readAlias(checker: Checker, value: unknown, path: Path, known: readonly string[]): string | undefined {
  const alias = checker.text(value, path);
  if (alias === undefined || known.includes(alias)) return alias;
  const there = known.length === 0 ? "there is none yet" : `there are ${known.join(", ")}`;
  return checker.flaw(path, `there is no ${String(path.at(-1))} "${alias}"; ${there}`);
}

function readKind(
  checker: Checker,
  value: unknown,
  path: Path,
  around: Surroundings,
  alias: string,
): TargetKind | undefined {
  const target = around.targets.get(alias);
  const kinds = target === undefined ? [] : (around.types.get(target.type)?.kinds(target.settings) ?? []);
  const name = checker.oneOf(
    value,
    path,
    kinds.map((kind) => kind.name),
  );
  return kinds.find((kind) => kind.name === name);
}

/** Target attributes in order of precedence, each by its mapped value or by an expression of its own. */
function readMatching(checker: Checker, value: unknown, path: Path): SyncDefinition["matching"] | undefined {
  const rules = checker.list(value, path)?.map((item, at) => readMatchingRule(checker, item, [...path, at]));
  return rules?.every((rule) => rule !== undefined) ? (rules as SyncDefinition["matching"]) : undefined;
}

function readMatchingRule(checker: Checker, value: unknown, path: Path): MatchingRule | undefined {
  if (typeof value !== "object" || value === null) return checker.text(value, path);
  const entry = checker.map(value, path, ["attribute", "expression"]);
  if (entry === undefined) return undefined;
  const attribute = checker.text(entry.attribute, [...path, "attribute"]);
  const expression = entry.expression === undefined ? null : checker.text(entry.expression, [...path, "expression"]);
  if (attribute === undefined || expression === undefined) return undefined;
  // Without an expression it says what the plain name says, and is exported as that.
  return expression === null ? attribute : { attribute, expression };
}

/** Attributes of the mapping; which of them may be shared is judged with the kind at hand. */
function readShares(checker: Checker, value: unknown, path: Path): Pick<SyncDefinition, "shares"> | undefined {
  const names = checker.list(value, path)?.map((item, at) => checker.text(item, [...path, at]));
  if (names === undefined || names.some((name) => name === undefined)) return undefined;
  const shares = names.filter((name) => name !== undefined);
  return shares.length === 0 ? {} : { shares };
}

/** Contacts become what people become: no other kind of records has a place for them. */
function readSource(
  checker: Checker,
  value: unknown,
  path: Path,
  kind: TargetKind | undefined,
): Pick<SyncDefinition, "source"> | undefined {
  const source = checker.oneOf(value, path, ["contact"]);
  if (source === undefined) return undefined;
  if (kind === undefined || kind.source === "user") return { source: "contact" };
  return checker.flaw(path, `${kind.name} is made of ${kind.source}s, and cannot be made of contacts`);
}

function readFlags(checker: Checker, value: unknown, path: Path): SyncDefinition["operations"] | undefined {
  const names = ["create", "update", "remove"] as const;
  const entry = checker.map(value ?? {}, path, names);
  if (entry === undefined) return undefined;
  const read = (name: (typeof names)[number]): boolean | undefined =>
    entry[name] === undefined ? DEFAULTS.operations[name] : checker.boolean(entry[name], [...path, name]);
  const [create, update, remove] = [read("create"), read("update"), read("remove")];
  if (create === undefined || update === undefined || remove === undefined) return undefined;
  return { create, update, remove };
}

/** What only the rules' own compilers can tell: patterns, types, attributes that the target does not have. */
function judge(
  checker: Checker,
  rules: Pick<SyncDefinition, "source" | "scope" | "mapping" | "matching" | "shares">,
  kind: TargetKind,
  path: Path,
): void {
  const scope = compileScope(rules.scope);
  const sourceFlaw = sourceFlawOf(kind);
  const mapping = compileMapping(rules.mapping, kind, { sourceFlaw });
  const findings: Finding[] = [];
  if ("findings" in scope) findings.push(...scope.findings);
  if ("findings" in mapping) findings.push(...mapping.findings);
  else {
    const matching = compileMatching(rules.matching, mapping.mapping, kind, { sourceFlaw });
    if ("findings" in matching) findings.push(...matching.findings);
    findings.push(...appRoleFindings(rules, mapping.mapping), ...shareFindings(rules, mapping.mapping, kind));
  }
  if (rules.source === "contact" && rules.scope.assigned !== undefined) {
    const detail = "scope.assigned: contacts cannot be assigned to an application; use groups or filters";
    findings.push({ code: "config_invalid", detail });
  }
  for (const { detail } of findings) {
    const [place, sentence] = placed(detail, Object.keys(rules.mapping));
    checker.flaw([...path, ...place], sentence);
  }
}

/** The roles come with the assignments that name them. */
function appRoleFindings(
  { scope, mapping }: Pick<SyncDefinition, "scope" | "mapping">,
  { rules }: CompiledMapping,
): readonly Finding[] {
  if (scope.assigned !== undefined) return [];
  const asking = rules.filter(({ reads }) => reads.includes(APP_ROLES));
  return asking.map(({ attribute: { name } }) => {
    const way = "direct" in (mapping[name] ?? {}) ? "direct" : "expression";
    const detail = `mapping.${name}.${way}: ${APP_ROLES} needs a scope of who is assigned: scope: { assigned: { application: … } }`;
    return { code: "config_invalid", detail };
  });
}

/** What Graph has, for expressions; direct rules are checked where they are read. */
function sourceFlawOf({ source }: TargetKind): (name: string) => string | null {
  return (name) => {
    if (name.split(".")[0] === APP_ROLES) return null;
    const flaw = attributeFlaw(source, name);
    return flaw === null ? null : `${flaw.detail}${suggestion(flaw.name, flaw.known)}`;
  };
}

/** A compiler's finding begins with its place, `mapping.title: …`, where an attribute's name may hold dots and colons. */
function placed(detail: string, attributes: readonly string[]): readonly [Path, string] {
  const attribute = attributes
    .filter((name) => detail.startsWith(`mapping.${name}:`) || detail.startsWith(`mapping.${name}.`))
    .sort((a, b) => b.length - a.length)[0];
  if (attribute !== undefined) {
    const [inside, sentence] = split(detail.slice(`mapping.${attribute}`.length));
    return [["mapping", attribute, ...inside], sentence];
  }
  return split(detail);
}

function split(text: string): readonly [Path, string] {
  const colon = text.indexOf(": ");
  if (colon < 0) return [[], text];
  const parts = text.slice(0, colon).matchAll(/\[(\d+)\]|([^.[\]]+)/g);
  const path = [...parts].map(([, index, name]) => (index === undefined ? (name ?? "") : Number(index)));
  return [path, text.slice(colon + 2)];
}
