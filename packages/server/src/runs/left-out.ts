import { type CompiledMapping, type CompiledRule, ConnectorError, type Withheld } from "@entrain/core";
import type { NewIssue, PlanContext } from "./plan-context.ts";

/**
 * What the source withholds of the attributes that the sync asks for. Mapped ones leave the target as it is; a scope that asks for one
 * could let nobody in, and everybody would seem to have left. @throws ConnectorError `attribute_refused`
 */
export function withheldIssues(
  { mapping, scope, rules }: Pick<PlanContext, "mapping" | "scope" | "rules">,
  withheld: readonly Withheld[] = [],
): readonly NewIssue[] {
  const missed = withheld.find(({ name }) => scope.attributes.includes(name));
  if (missed !== undefined) {
    const detail = `The scope asks for ${missed.name}, so nobody is planned. ${missed.detail}`;
    throw new ConnectorError("attribute_refused", detail, { stops: "sync", retry: "later" });
  }
  return withheld
    .filter(({ name }) => mapping.attributes.includes(name) || rules.matching.reads.includes(name))
    .map(({ code, detail }) => issueOfAll(code, detail));
}

/** Attributes that the target, as it describes itself, does not take: told once, and not of each record. */
export function untakenIssues({ unwritten }: Pick<CompiledMapping, "unwritten">): readonly NewIssue[] {
  const said = [
    { names: namesOf(unwritten, true), why: "does not have" },
    { names: namesOf(unwritten, false), why: "takes no values for" },
  ];
  return said
    .filter(({ names }) => names.length > 0)
    .map(({ names, why }) => {
      const detail = `The target says that it ${why} ${names.join(", ")}: what the mapping gives is not written there.`;
      return issueOfAll("attribute_untaken", detail);
    });
}

function namesOf(rules: readonly CompiledRule[], unlisted: boolean): readonly string[] {
  return rules.flatMap(({ attribute }) => ((attribute.unlisted === true) === unlisted ? [attribute.name] : []));
}

function issueOfAll(code: NewIssue["code"], detail: string): NewIssue {
  return { state: "issue", code, detail, object_id: null, sequence: 0, name: null };
}
