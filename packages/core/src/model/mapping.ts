import type { Value } from "./value.ts";

/** What an empty source value means for a target attribute: leave the target's value, clear it, or use `default`. */
export type WhenEmpty = "keep" | "clear" | "default";

/**
 * Whose an attribute is once the record exists. `source`: ours, and what others make of it in the target is put back.
 * `onlyWhenEmpty`: written only where the target has no value. `untilChanged`: ours until somebody changes it in the target.
 */
export const OWNERS = ["source", "onlyWhenEmpty", "untilChanged"] as const;
export type Owner = (typeof OWNERS)[number];

/** How one target attribute gets its value. */
export type MappingRule = (
  | { readonly direct: string }
  | { readonly constant: Value }
  /** "Reference for writing expressions for attribute mappings in Microsoft Entra ID". */
  | { readonly expression: string }
) & {
  readonly whenEmpty?: WhenEmpty;
  readonly default?: Value;
  /** Default `always`; `create` writes the value only when the record is created. */
  readonly apply?: "always" | "create";
  /** Default `source`. */
  readonly owner?: Owner;
  /** The value is sent to the target, and neither kept nor shown anywhere else. An expression with `Redact` is. */
  readonly sensitive?: boolean;
};

/** Target attribute to rule. */
export type Mapping = { readonly [targetAttribute: string]: MappingRule };
