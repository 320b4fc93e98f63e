/** Where something stands: at the top, where its value is the expression's own, or inside of what uses its value. */
export type Place = "top" | "result" | "inside";

/** The arguments that a function may answer as they are, by their position. */
const PASSED: { readonly [name: string]: (index: number) => boolean } = {
  Coalesce: () => true,
  IIF: (index) => index > 0,
  Redact: () => true,
  Switch: (index) => index % 2 === 1,
};

/** Where an argument stands, given where its function does. */
export function placeOfArgument(name: string, index: number, place: Place): Place {
  if (place === "inside" || !Object.hasOwn(PASSED, name)) return "inside";
  return PASSED[name]?.(index) ? "result" : "inside";
}
