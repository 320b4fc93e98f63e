/** Where something stands in an expression: offsets in UTF-16 code units, the end excluded. A column is the start plus 1. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export const COMPARISONS = ["=", "<>", ">=", "<=", ">", "<"] as const;
export type Comparison = (typeof COMPARISONS)[number];

/**
 * An expression as it was written ("Reference for writing expressions for attribute mappings in Microsoft Entra ID").
 * `name` is a bare word: `vbTextCompare`, `True`. `empty` is an argument that was left out between two commas.
 */
export type Tree =
  | { readonly type: "attribute"; readonly name: string; readonly at: Span }
  | { readonly type: "text"; readonly value: string; readonly at: Span }
  | { readonly type: "number"; readonly value: number; readonly hexadecimal: boolean; readonly at: Span }
  | { readonly type: "name"; readonly name: string; readonly at: Span }
  | { readonly type: "empty"; readonly at: Span }
  | { readonly type: "call"; readonly name: string; readonly args: readonly Tree[]; readonly at: Span }
  | {
      readonly type: "comparison";
      readonly operator: Comparison;
      readonly left: Tree;
      readonly right: Tree;
      readonly at: Span;
    };
