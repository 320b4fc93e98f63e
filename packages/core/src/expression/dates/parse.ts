import { type DateTime, fullYear, impossible, secondsOf, weekdayOf } from "./calendar.ts";
import { DAYS } from "./names.ts";
import { readField } from "./parse-field.ts";
import type { Found } from "./parse-found.ts";
import type { Pattern, Token } from "./pattern.ts";
import type { Styles } from "./styles.ts";
import { zoned } from "./zone.ts";

/** Reads a text; a text as the answer says what is wrong with it. */
export type ReadExact = (text: string) => DateTime | string;

/**
 * Reads dates that fit the pattern exactly, as DateTime.ParseExact does in the invariant culture. A month or day that the
 * pattern lacks is the first. A year that it lacks is 2000, and the whole date 0001-01-01 under `NoCurrentDateDefault` and
 * else 2000-01-01: .NET would take the present ones, which a mapping that is to come to rest cannot, so the caller must
 * see to it that nothing rests on them.
 */
export function exactReader(pattern: Pattern, styles: Styles): ReadExact {
  const tokens = trimmedTokens(pattern, styles);
  return (text) => {
    const source = trimmedText(text, styles);
    const found: Found = { source, at: 0, values: new Map(), ticks: null, mark: null, offset: null, universal: false };
    for (let index = 0; index < tokens.length; index++) {
      const token = tokens[index];
      if (token === undefined) break;
      if (styles.innerWhite) skipWhite(found);
      if (!readToken(found, token, tokens[index + 1], styles)) return misfit(found, token, pattern);
    }
    if (found.at < source.length)
      return `${shown(source.slice(found.at))} is left over behind ${JSON.stringify(pattern.format)}`;
    if (pattern.universal) {
      found.offset = 0;
      found.universal = true;
    }
    return settled(found, pattern, styles);
  };
}

function readToken(found: Found, token: Token, next: Token | undefined, styles: Styles): boolean {
  if (token.type === "field") return readField(found, token.letter, token.count);
  if (token.type === "zone") return readZoneName(found, token.text);
  if (token.quoted) return [...token.text].every((char) => readQuoted(found, char, styles));
  if (token.text === " " && styles.innerWhite) return true;
  if (matches(found, token.text)) return true;
  // White space that was trimmed off the text's end may still stand in the pattern, before what may be empty.
  if (token.text === " " && styles.trailingWhite && next !== undefined) return true;
  return token.text === "." && next?.type === "field" && next.letter === "F";
}

function readQuoted(found: Found, char: string, styles: Styles): boolean {
  if (char !== " " || !styles.innerWhite) return matches(found, char);
  skipWhite(found);
  return true;
}

/** An unquoted `Z` of the pattern is met by `Z` and `GMT` alike, in any case. */
function readZoneName(found: Found, name: "Z" | "GMT"): boolean {
  const rest = found.source.slice(found.at, found.at + 4);
  const zone = (name === "GMT" ? /^GMT/ : /^(?:GMT|Z)(?![a-z])/i).exec(rest);
  if (zone === null || (found.offset !== null && found.offset !== 0)) return false;
  found.at += zone[0].length;
  found.offset = 0;
  found.universal ||= name === "Z";
  return true;
}

function settled(found: Found, pattern: Pattern, styles: Styles): DateTime | string {
  const { values } = found;
  const hour = hourOf(found);
  if (hour === null) return "the hour does not fit AM or PM";
  const dateless = !values.has("y") && !values.has("M") && !values.has("d");
  const year = values.get("y") ?? (dateless && styles.noCurrentDateDefault ? 1 : 2000);
  const short = pattern.tokens.some((token) => token.type === "field" && token.letter === "y" && token.count <= 2);
  if (short && year > 99) return "the two-digit year does not fit the year";
  const civil = {
    year: short ? fullYear(year) : year,
    month: values.get("M") ?? 1,
    day: values.get("d") ?? 1,
    hour,
    minute: values.get("m") ?? 0,
    second: values.get("s") ?? 0,
  };
  const flaw = impossible(civil);
  if (flaw !== null) return flaw;
  const seconds = secondsOf(civil);
  const weekday = values.get("ddd");
  if (weekday !== undefined && weekday !== weekdayOf(seconds))
    return `the day is a ${DAYS[weekdayOf(seconds)]}, not a ${DAYS[weekday]}`;
  return zoned(seconds, found.ticks ?? 0, found, styles);
}

/** The hour of 24; `null` where AM or PM contradicts it. Without either, an hour of 12 is in the morning. */
function hourOf({ values, mark }: Found): number | null {
  const ofTwelve = values.has("h");
  const hour = values.get("h") ?? values.get("H") ?? 0;
  if (!ofTwelve) return mark === null || (mark === "P") === hour >= 12 ? hour : null;
  if (hour > 12) return null;
  return (hour % 12) + (mark === "P" ? 12 : 0);
}

function trimmedText(text: string, styles: Styles): string {
  const source = styles.trailingWhite ? text.trimEnd() : text;
  return styles.leadingWhite ? source.trimStart() : source;
}

function trimmedTokens({ tokens }: Pattern, styles: Styles): readonly Token[] {
  let kept = tokens;
  if (styles.trailingWhite) kept = withoutWhite(kept.toReversed(), (quoted) => quoted.trimEnd()).toReversed();
  return styles.leadingWhite ? withoutWhite(kept, (quoted) => quoted.trimStart()) : kept;
}

/** White space is taken off a pattern's end as well, also within a quotation there. */
function withoutWhite(tokens: readonly Token[], trim: (quoted: string) => string): readonly Token[] {
  const first = tokens.findIndex((token) => token.type !== "text" || token.text.trim() !== "");
  if (first < 0) return [];
  const [token, ...rest] = tokens.slice(first);
  return token?.type === "text" && token.quoted ? [{ ...token, text: trim(token.text) }, ...rest] : tokens.slice(first);
}

function matches(found: Found, text: string): boolean {
  if (!found.source.startsWith(text, found.at)) return false;
  found.at += text.length;
  return true;
}

function skipWhite(found: Found): void {
  while (found.at < found.source.length && found.source.charAt(found.at).trim() === "") found.at++;
}

function misfit(found: Found, token: Token, pattern: Pattern): string {
  const wanted = token.type === "field" ? token.letter.repeat(token.count) : token.text;
  const rest = found.source.slice(found.at);
  const place = rest === "" ? "at its end" : `at ${shown(rest)}`;
  return `it does not fit ${JSON.stringify(pattern.format)}, which wants ${JSON.stringify(wanted)} ${place}`;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 30 ? `${text.slice(0, 30)}…` : text);
}
