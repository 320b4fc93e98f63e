import { ConnectorError, type MappingRule, type SourceKind, type TargetKind } from "@entrain/core";
import { importLifecycle, type Lifecycle } from "./deprovision.ts";
import { importAttributes } from "./import-mapping.ts";
import { type ImportedFilters, importScope } from "./import-scope.ts";
import type { EntraObjectMapping, EntraRule, Note } from "./schema.ts";

/** One sync as a document gives it. Guard and schedule are not Entra's: the usual ones hold, and nothing runs by itself. */
export interface ImportedSync extends Lifecycle {
  readonly connection: string;
  readonly target: string;
  readonly records: string;
  readonly scope?: {
    readonly assigned?: { readonly application: string; readonly transitive: boolean };
    readonly filters?: ImportedFilters;
  };
  readonly mapping: { readonly [targetAttribute: string]: MappingRule };
  readonly matching: readonly string[];
}

export interface ImportOptions {
  readonly connection: string;
  readonly target: string;
  /** The kinds of records that the target holds. */
  readonly kinds: readonly TargetKind[];
  /** What the sync is called; further ones get endings of their own. */
  readonly name: string;
  /** Which of several rules is meant, by its name. */
  readonly rule?: string;
  /** The enterprise application, by its client or object id, whose assignments decide who is in. */
  readonly assigned?: string;
}

/** The syncs by name, those of people first, and all that is not as it was. */
export interface Imported {
  readonly syncs: ReadonlyMap<string, ImportedSync>;
  readonly notes: readonly Note[];
}

/**
 * Turns an exported provisioning schema into syncs: one for each object mapping that is enabled.
 * @throws ConnectorError `config_invalid` when there is nothing to import, or several rules among which nobody chose
 */
export function importEntraSchema(rules: readonly EntraRule[], options: ImportOptions): Imported {
  const notes: Note[] = [];
  const tell = (note: Note): void => {
    notes.push(note);
  };
  const rule = chooseRule(rules, options.rule, tell);
  const syncs = new Map<string, ImportedSync>();
  const chosen = rule.mappings
    .flatMap((mapping) => {
      const kind = kindOf(mapping, options.kinds, tell);
      return kind === null ? [] : [{ mapping, kind }];
    })
    // People before groups, as they have to be provisioned: groups have them as members.
    .sort((a, b) => Number(a.kind.source === "group") - Number(b.kind.source === "group"));
  for (const { mapping, kind } of chosen) {
    const name = freeName(options.name, kind.source === "group" && chosen.length > 1, syncs);
    const other = [...syncs].find(([, { records }]) => records === kind.name);
    if (other !== undefined) {
      const detail = `two mappings provision ${kind.name}; of a record that both reach, ${other[0]} keeps it if it comes first`;
      tell({ place: mapping.place, code: "same_records", detail, fix: "See that their scopes have nobody in common." });
    }
    syncs.set(name, importMapping(mapping, kind, options, tell));
  }
  if (syncs.size === 0) throw nothing(rule, notes);
  if (options.assigned === undefined) tell(unassigned(rule));
  tell(engine(rule));
  return { syncs, notes };
}

function importMapping(
  mapping: EntraObjectMapping,
  kind: TargetKind,
  { connection, target, assigned }: ImportOptions,
  tell: (note: Note) => void,
): ImportedSync {
  const filters = importScope(mapping.scope, tell);
  const attributes = importAttributes(mapping, kind, tell);
  const lifecycle = importLifecycle(mapping, kind, tell);
  const guests = kind.source === "user" ? namesGuests(mapping) : undefined;
  if (guests !== undefined) tell(guests);
  // Entra lets in who is assigned, and who is in an assigned group, but nobody in a group within it.
  const application = assigned === undefined ? {} : { assigned: { application: assigned, transitive: false } };
  const scope = { ...application, ...(filters.length === 0 ? {} : { filters }) };
  return {
    connection,
    target,
    records: kind.name,
    ...(Object.keys(scope).length === 0 ? {} : { scope }),
    ...attributes,
    ...lifecycle,
  };
}

const ENTRA = /^(azure active directory|azure ad|microsoft entra( id)?)$/i;

/** A rule that brings people into Entra instead of out of it. */
function isInbound({ source, target }: EntraRule): boolean {
  return source !== null && !ENTRA.test(source) && target !== null && ENTRA.test(target);
}

function chooseRule(rules: readonly EntraRule[], wanted: string | undefined, tell: (note: Note) => void): EntraRule {
  const named = rules.map(({ name, source, target }) => `${name} (${source ?? "?"} → ${target ?? "?"})`).join(", ");
  if (wanted !== undefined) {
    const found = rules.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
    if (found === undefined) throw invalid(`There is no rule "${wanted}" in the schema; there are ${named}.`);
    if (isInbound(found)) throw invalid(inbound(named));
    skipped(rules, found, tell);
    return found;
  }
  const outbound = rules.filter((rule) => !isInbound(rule) && rule.mappings.length > 0);
  const [only, ...others] = outbound;
  if (only !== undefined && others.length === 0) {
    skipped(rules, only, tell);
    return only;
  }
  if (only !== undefined)
    throw invalid(`The schema has several synchronization rules: ${named}. Name one with --rule.`);
  if (rules.length === 0) throw invalid("The schema has no synchronization rule, so there is nothing to import.");
  if (rules.every(isInbound)) throw invalid(inbound(named));
  throw invalid(`No synchronization rule of the schema has an object mapping: ${named}.`);
}

function inbound(named: string): string {
  return `The schema brings people into Microsoft Entra ID: ${named}. Entrain provisions from it to others.`;
}

function skipped(rules: readonly EntraRule[], chosen: EntraRule, tell: (note: Note) => void): void {
  for (const { place, name } of rules.filter((rule) => rule !== chosen)) {
    const detail = `the rule ${name} was not imported; ${chosen.name} was`;
    tell({
      place,
      code: "rule_skipped",
      detail,
      fix: "Import it by itself with --rule, if it leads to a target of yours.",
    });
  }
}

const SOURCES: { readonly [name: string]: SourceKind } = { user: "user", group: "group" };

/** The kind of target records that an object mapping is for; null: it is not imported, which was told. */
function kindOf(
  mapping: EntraObjectMapping,
  kinds: readonly TargetKind[],
  tell: (note: Note) => void,
): TargetKind | null {
  const { place, name, source, target } = mapping;
  const skip = (code: "mapping_disabled" | "object_unknown", detail: string, fix: string | null): null => {
    tell({ place, code, detail, fix });
    return null;
  };
  const said = name === "" ? `${source} → ${target}` : `"${name}" (${source} → ${target})`;
  if (!mapping.enabled) {
    return skip(
      "mapping_disabled",
      `${said} is switched off, and was not imported`,
      "Switch it on in the file to import it.",
    );
  }
  const from = Object.hasOwn(SOURCES, source.toLowerCase()) ? SOURCES[source.toLowerCase()] : undefined;
  if (from === undefined) {
    return skip("object_unknown", `${said} was not imported: Entrain provisions users and groups`, null);
  }
  const possible = kinds.filter((kind) => kind.source === from);
  const meant = target.slice(target.lastIndexOf(":") + 1).toLowerCase();
  const kind = possible.find((one) => one.name.toLowerCase() === meant) ?? possible[0];
  if (kind === undefined) return skip("object_unknown", `${said} was not imported: the target takes no ${from}s`, null);
  const others = possible.filter((one) => one !== kind).map((one) => one.name);
  if (others.length > 0 && kind.name.toLowerCase() !== meant) {
    const detail = `${said} became ${kind.name}; the target also has ${others.join(", ")}`;
    tell({ place, code: "kind_chosen", detail, fix: "Change `records` in the document if another one is meant." });
  }
  return kind;
}

function freeName(base: string, group: boolean, taken: ReadonlyMap<string, unknown>): string {
  const wanted = group ? `${base}-groups` : base;
  let name = wanted;
  for (let at = 2; taken.has(name); at += 1) name = `${wanted}-${at}`;
  return name;
}

/** "How application provisioning works", B2B users: Entra's `userPrincipalName` of a guest is no attribute of the guest. */
function namesGuests({ attributes, scope, place }: EntraObjectMapping): Note | undefined {
  const clauses = [scope?.groups ?? [], scope?.inputFilterGroups ?? [], scope?.categoryFilterGroups ?? []].flat(2);
  const asked = clauses.some((group) => group.clauses.some(({ attribute }) => attribute === "userPrincipalName"));
  const read = attributes.some(
    ({ source }) => source?.name === "userPrincipalName" || source?.expression.includes("[userPrincipalName]"),
  );
  if (!asked && !read) return undefined;
  const detail =
    "userPrincipalName: Entra writes a guest's own address for it, without #EXT# and the tenant's domain. Here it is what the " +
    "directory holds, as Entra's originalUserPrincipalName is";
  return { place, code: "guest_names", detail, fix: "Where guests are provisioned, read their `mail` instead." };
}

function unassigned({ place }: EntraRule): Note {
  return {
    place,
    code: "application_unknown",
    detail:
      "a schema does not say whether the job provisions all, or only who is assigned to the application, as Entra does unless told " +
      "otherwise. Without it everyone whom the filters let in is in scope",
    fix: "Import again with --assigned APPLICATION, or write scope: { assigned: { application: … } }.",
  };
}

function engine({ place }: EntraRule): Note {
  const detail = "directories, identifiers, names and metadata describe Entra's own engine, and were not carried over";
  return { place, code: "engine", detail, fix: null };
}

function nothing({ name }: EntraRule, notes: readonly Note[]): ConnectorError {
  const why = notes.filter(({ code }) => code === "mapping_disabled" || code === "object_unknown");
  const said = why.map(({ detail }) => detail).join("; ");
  return invalid(`Nothing of the rule ${name} can be imported${said === "" ? "" : `: ${said}`}.`);
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
}
