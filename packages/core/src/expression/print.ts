import type { Tree } from "./tree.ts";

/** The tree as text, in one line and one form: parsing it again gives the same tree but for the spans. */
export function print(tree: Tree): string {
  switch (tree.type) {
    case "attribute":
      return `[${tree.name}]`;
    case "text":
      return quoteText(tree.value);
    case "number":
      return tree.hexadecimal ? `&H${tree.value.toString(16).toUpperCase()}` : printNumber(tree.value);
    case "name":
      return tree.name;
    case "empty":
      return "";
    case "call":
      return `${tree.name}(${tree.args.map(print).join(", ")})`;
    case "comparison":
      return `${printSide(tree.left)} ${tree.operator} ${printSide(tree.right)}`;
  }
}

/** A text as a constant of the language. */
export function quoteText(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

function printSide(side: Tree): string {
  return side.type === "comparison" ? `(${print(side)})` : print(side);
}

/** Without an exponent, which the language does not have. */
function printNumber(value: number): string {
  const text = String(value);
  const [digits = "", exponent] = text.split("e-");
  if (exponent === undefined) return text;
  const [sign = "", whole = "", decimals = ""] = /^(-?)(\d)\.?(\d*)$/.exec(digits)?.slice(1) ?? [];
  return `${sign}0.${"0".repeat(Number(exponent) - 1)}${whole}${decimals}`;
}
