import { RE2JS } from "re2js";
import type { Argument, Search } from "../function.ts";
import { isAscii } from "./case.ts";
import { PatternFlaw, type Translation, translate } from "./pattern-syntax.ts";
import { atBinding, failed, type Reader, textIn } from "./readers.ts";

/** A pattern, ready to be searched for. */
export interface Pattern {
  readonly translation: Translation;
  readonly regex: RE2JS;
}

/** One find: positions of the whole match and of each group by RE2's number, `null` for one that took no part. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly group: (index: number) => { readonly start: number; readonly end: number } | null;
}

/** Patterns that one argument keeps, where records give them. */
const MAX_KEPT = 50;

/** The pattern of an argument, `null` for NULL: compiled once where it is constant, else kept for a while. */
export function patternIn(of: string, parameter: string, argument: Argument | undefined): Reader<Pattern | null> {
  const place = { of, parameter, argument };
  const text = textIn(of, parameter, argument);
  const compiled = (source: string): Pattern => {
    try {
      return patternOf(source);
    } catch (error) {
      if (error instanceof PatternFlaw) throw failed(place, error.message);
      throw error;
    }
  };
  const { constant } = argument ?? {};
  if (typeof constant === "string") {
    const pattern = atBinding(() => compiled(constant));
    return () => pattern;
  }
  const kept = new Map<string, Pattern>();
  return (context) => {
    const source = text(context);
    if (source === null) return null;
    const known = kept.get(source);
    if (known !== undefined) return known;
    const pattern = compiled(source);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size >= MAX_KEPT) kept.delete(oldest);
    kept.set(source, pattern);
    return pattern;
  };
}

/** A .NET pattern for RE2. @throws PatternFlaw */
export function patternOf(source: string): Pattern {
  const translation = translate(source);
  try {
    return { translation, regex: RE2JS.compile(translation.source) };
  } catch (error) {
    throw new PatternFlaw(`cannot be read by RE2: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where a search is asked for, for its faults, and what counts it. */
export interface SearchPlace {
  readonly of: string;
  readonly parameter: string;
  readonly argument: Argument | undefined;
  readonly search: Search;
}

/**
 * Tells every match in turn, from left to right, as .NET's `Regex.Matches` finds them: an empty one may follow on another.
 * `tell` answers whether to go on. A pattern sees whole characters, never half of a surrogate pair.
 * @throws ExpressionFault `expression_too_large` where that would take too long, `expression_failed` where RE2 and .NET
 *   could differ on this text
 */
export function searchFor(
  { translation, regex }: Pattern,
  text: string,
  place: SearchPlace,
  tell: (found: Found) => boolean,
): void {
  const doubt = doubtOf(translation, text);
  if (doubt !== null) throw failed(place, doubt);
  const { size, longest } = translation;
  const what = `${place.of}: ${place.parameter}`;
  const at = place.argument?.at ?? { start: 0, end: 0 };
  const matcher = regex.matcher(text);
  const group = (index: number) => {
    const start = matcher.start(index);
    return start < 0 ? null : { start, end: matcher.end(index) };
  };
  place.search(text.length * size, what, at);
  let from = 0;
  while (from <= text.length) {
    if (!matcher.find(from)) return;
    const start = matcher.start();
    const end = matcher.end();
    if (!tell({ start, end, group })) return;
    // A search looks no further than the end of what it found, and of what could have been a longer match.
    place.search(Math.min(text.length - from, end - from + longest) * size, what, at);
    from = end > start ? end : end + String.fromCodePoint(text.codePointAt(end) ?? 0).length;
  }
}

/** What RE2 would find otherwise than .NET: said rather than answered wrongly. */
function doubtOf({ boundaries, ends }: Translation, text: string): string | null {
  if (ends && text.endsWith("\n"))
    return "asks for the end ($) of a text that ends in a line feed; take that off first";
  if (
    boundaries &&
    !isAscii(text) &&
    /[^\p{ASCII}\P{L}]|[^\p{ASCII}\P{Mn}]|[^\p{ASCII}\P{Nd}]|[^\p{ASCII}\P{Pc}]|[\u200c\u200d]/u.test(text)
  ) {
    return "asks for word boundaries (\\b), which RE2 finds only in texts whose letters are all ASCII; name the characters that part words, as in [^\\w]";
  }
  return null;
}
