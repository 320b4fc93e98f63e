/**
 * One way to find a record in the target: by a target attribute's mapped value, or by what an expression answers. In
 * order of precedence; one attribute may be asked for by several of them.
 */
export type MatchingRule = string | { readonly attribute: string; readonly expression: string };

/** The target attribute that a way of matching asks for. */
export function matchedAttribute(rule: MatchingRule): string {
  return typeof rule === "string" ? rule : rule.attribute;
}
