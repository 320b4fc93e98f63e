import { type MappingRule, sourceNameOf, type TargetKind } from "@entrain/core";
import { suggestion } from "../nearest.ts";
import { attributeNamed, isLifecycle, MEMBERS, nameKey, readsSoftDeleted, SOFT_DELETED } from "./names.ts";
import type { EntraAttributeMapping, EntraObjectMapping, EntraSource, Note } from "./schema.ts";

/** What Entra's attribute mappings are here. */
export interface ImportedMapping {
  readonly mapping: { readonly [targetAttribute: string]: MappingRule };
  readonly matching: readonly string[];
}

type Tell = (note: Note) => void;

/** Nobody mistyped a longer name, and finding the nearest to it would take its time. */
const LONGEST_NAME = 200;

/** Entra's attribute mappings as rules of a kind of target records, and the attributes that records are matched by. */
export function importAttributes({ attributes }: EntraObjectMapping, kind: TargetKind, tell: Tell): ImportedMapping {
  const mapping = new Map<string, MappingRule>();
  const matching: { readonly name: string; readonly priority: number }[] = [];
  for (const one of attributes) {
    const name = targetOf(one, kind, tell);
    const lost = (): void => {
      if (one.matchingPriority > 0)
        tell(matchingLost(one, `records are matched by ${one.target}, which is not mapped here`));
    };
    if (name === null) {
      lost();
      continue;
    }
    if (mapping.has(name)) {
      const detail = `${name} is mapped twice; the first mapping was taken`;
      tell({ place: one.place, code: "attribute_twice", detail, fix: "Choose one of the two in the document." });
      lost();
      continue;
    }
    const rule = ruleOf(one, tell);
    if (rule === null) {
      lost();
      continue;
    }
    mapping.set(name, rule);
    if (one.matchingPriority <= 0) continue;
    if (kind.matchable.includes(name)) matching.push({ name, priority: one.matchingPriority });
    else tell(matchingLost(one, `${kind.name} cannot be found by ${name}; it can by ${kind.matchable.join(", ")}`));
  }
  const ordered = matching.sort((a, b) => a.priority - b.priority).map(({ name }) => name);
  return { mapping: Object.fromEntries(mapping), matching: ordered };
}

function matchingLost({ place }: EntraAttributeMapping, detail: string): Note {
  return { place, code: "matching_lost", detail, fix: "Choose under `matching` what identifies an existing record." };
}

/** The attribute of the target that is meant; null: it is no attribute here, which was told. */
function targetOf(one: EntraAttributeMapping, kind: TargetKind, tell: Tell): string | null {
  const { place, target } = one;
  const declared = attributeNamed(kind, target);
  if (declared !== undefined && !readsSoftDeleted(one)) return declared.name;
  if (declared !== undefined) {
    const name = sourceNameOf(SOFT_DELETED);
    const detail = `${target} was left out: ${"flaw" in name ? name.flaw : SOFT_DELETED}`;
    tell({ place, code: "source_unknown", detail, fix: "Map another source attribute, if the value is needed." });
    return null;
  }
  // Told with the whole of deprovisioning.
  if (isLifecycle(one, kind)) return null;
  if (kind.members.length > 0 && nameKey(target) === MEMBERS) {
    tell({ place, code: "members", detail: "members are provisioned with their group, without a mapping", fix: null });
    return null;
  }
  const names = kind.attributes.map(({ name }) => name);
  const detail = `the target's ${kind.name} has no attribute ${target}; it was left out`;
  const near = target.length > LONGEST_NAME ? "" : suggestion(target, names);
  const fix = `Map another attribute, if the value is needed${near || "."}`;
  tell({ place, code: "attribute_unknown", detail, fix });
  return null;
}

/** The rule of one attribute mapping; null: there is none, which was told. */
function ruleOf(one: EntraAttributeMapping, tell: Tell): MappingRule | null {
  const way = wayOf(one, tell);
  if (way === null) return null;
  const onlyOnCreate = flowOf(one, tell);
  if (onlyOnCreate === null) return null;
  if (one.flowBehavior !== "FlowWhenChanged") {
    const detail =
      `${one.target} has flowBehavior ${one.flowBehavior}: Entra sends it in every cycle. Here a value is sent when it differs ` +
      "from what the target holds";
    tell({ place: one.place, code: "flow_unknown", detail, fix: null });
  }
  // With a source of null, Entra writes the default value into new records.
  const apply = onlyOnCreate || one.source === null ? { apply: "create" as const } : {};
  if ("constant" in way) return { ...way, ...apply };
  if (one.defaultValue === null) return { ...way, whenEmpty: "keep", ...apply };
  if (!onlyOnCreate) {
    const detail =
      `${one.target} has the default "${one.defaultValue}", which Entra writes only into new records. Here it also takes the ` +
      "place of a value whose source became empty";
    const fix = "Leave `default` out and write `whenEmpty: keep` if existing values shall stay.";
    tell({ place: one.place, code: "default_on_create", detail, fix });
  }
  return { ...way, whenEmpty: "default", default: one.defaultValue, ...apply };
}

type Way = { readonly direct: string } | { readonly constant: string } | { readonly expression: string };

function wayOf({ source, defaultValue, target, place }: EntraAttributeMapping, tell: Tell): Way | null {
  const lost = (code: "value_lost" | "source_unknown", detail: string, fix: string | null): null => {
    tell({ place, code, detail: `${target} was left out: ${detail}`, fix });
    return null;
  };
  if (source === null) {
    if (defaultValue !== null) {
      const detail =
        `${target} has no source and the default "${defaultValue}", which Entra writes into new records, and where it finds the ` +
        "target empty. Here it is written into new records only";
      tell({
        place,
        code: "default_on_create",
        detail,
        fix: "Write `apply: always` if the target shall always hold it.",
      });
      return { constant: defaultValue };
    }
    return lost("value_lost", "it has neither source nor default, so Entra writes nothing either", null);
  }
  if (source.type === "Constant") {
    const constant = constantOf(source);
    return constant === "" ? lost("value_lost", "its constant is empty", null) : { constant };
  }
  if (source.type === "Function") {
    if (source.expression !== "") return { expression: source.expression };
    return lost("value_lost", "its function comes without an expression", "Copy the expression from the portal.");
  }
  if (source.type !== "Attribute") return lost("value_lost", `its source is of the unknown type ${source.type}`, null);
  const name = source.name !== "" ? source.name : source.expression.replace(/^\[(.*)\]$/, "$1");
  const found = sourceNameOf(name);
  if ("flaw" in found)
    return lost("source_unknown", found.flaw, "Map another source attribute, if the value is needed.");
  return { direct: found.path };
}

/** The constant itself, or the text within the quotes of its expression. */
function constantOf({ name, expression }: EntraSource): string {
  if (name !== "") return name;
  const [, quoted] = /^"(.*)"$/s.exec(expression.trim()) ?? [];
  return quoted === undefined ? expression : quoted.replace(/\\(["\\])/g, "$1");
}

/**
 * Whether the rule applies to new records only ("attributeMapping resource type", flowType); null: nothing here comes near,
 * which was told.
 */
function flowOf({ flowType, target, place }: EntraAttributeMapping, tell: Tell): boolean | null {
  const flow = (detail: string, fix: string | null): void => tell({ place, code: "flow_unknown", detail, fix });
  switch (flowType) {
    case "Always":
      return false;
    case "ObjectAddOnly":
      return true;
    case "AttributeAddOnly":
      flow(
        `${target} has flowType AttributeAddOnly: Entra writes it where the target holds nothing. Here it is written into new records only`,
        "Write `apply: always` if the target's values may be replaced.",
      );
      return true;
    case "ValueAddOnly":
      flow(
        `${target} has flowType ValueAddOnly: Entra adds values and removes none. Here a new value replaces the old one, and an empty source keeps it`,
        null,
      );
      return false;
    default:
      flow(
        `${target} was left out: with flowType ${flowType} Entra adds to the target's values, and here a list is written as a whole`,
        "Map it if the target's own values may be replaced.",
      );
      return null;
  }
}
