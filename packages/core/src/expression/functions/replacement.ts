import type { Found } from "./pattern.ts";
import type { Translation } from "./pattern-syntax.ts";

/** What takes a match's place. */
export interface Replacement {
  readonly textFor: (text: string, found: Found) => string;
  /** How many pieces it is put together from, each time anew. */
  readonly pieces: number;
}

type Part = Replacement["textFor"] | string;

/**
 * Reads a replacement pattern of .NET ("Substitutions in regular expressions"): `$1` and `${name}` for a group, `$$` for a
 * dollar sign, `$&` for the match, `` $` `` and `$'` for what stands before and after it, `$+` for the last group, `$_` for
 * the whole text. As in .NET, what names no group stays as it is written, but a `${name}` of no group is a mistake.
 */
export function replacementOf(
  template: string,
  translation: Translation,
): { readonly replacement: Replacement } | { readonly flaw: string } {
  const parts: Part[] = [];
  let rest = 0;
  for (const match of template.matchAll(/\$(?:(\d+)|\{(\w+)\}|([$&`'+_]))/g)) {
    const [written, number, name, sign = ""] = match;
    const digits = number ?? (name !== undefined && /^\d+$/.test(name) ? name : undefined);
    parts.push(template.slice(rest, match.index));
    rest = match.index + written.length;
    if (digits !== undefined) parts.push(groupPart(translation.numbers[Number(digits)], written));
    else if (name === undefined) parts.push(signPart(sign, translation));
    else {
      const index = translation.names.get(name);
      if (index === undefined) return { flaw: unknownGroup(name, translation) };
      parts.push(groupPart(index, written));
    }
  }
  parts.push(template.slice(rest));
  if (parts.every((part) => typeof part === "string")) {
    const fixed = parts.join("");
    return { replacement: { textFor: () => fixed, pieces: 0 } };
  }
  const textFor: Replacement["textFor"] = (text, found) => {
    let result = "";
    for (const part of parts) result += typeof part === "string" ? part : part(text, found);
    return result;
  };
  return { replacement: { textFor, pieces: parts.length } };
}

/** The rest of a sentence that begins with the parameter that names the group. */
export function unknownGroup(name: string, { names }: Translation): string {
  const known = [...names.keys()];
  return `names the group ${name}, but the pattern ${known.length === 0 ? "names none" : `names ${known.join(", ")}`}`;
}

function groupPart(index: number | undefined, written: string): Part {
  return index === undefined ? written : (text, found) => groupText(text, found, index);
}

function groupText(text: string, found: Found, index: number): string {
  const group = found.group(index);
  return group === null ? "" : text.slice(group.start, group.end);
}

function signPart(sign: string, { numbers }: Translation): Part {
  switch (sign) {
    case "$":
      return "$";
    case "&":
      return (text, { start, end }) => text.slice(start, end);
    case "`":
      return (text, { start }) => text.slice(0, start);
    case "'":
      return (text, { end }) => text.slice(end);
    case "+":
      return groupPart(numbers.at(-1), "$+");
    default:
      return (text) => text;
  }
}
