import { offsetOf } from "./calendar.ts";
import { DAYS, ERA, ERA_ABBREVIATED, MONTHS } from "./names.ts";
import type { Found } from "./parse-found.ts";

/** Reads one specifier; false where the text does not fit it, or says another thing than the same specifier did before. */
export function readField(found: Found, letter: string, count: number): boolean {
  switch (letter) {
    case "y":
      return readNumber(found, "y", count);
    case "M":
      return count <= 2 ? readNumber(found, "M", count) : readName(found, "M", MONTHS, count, 1);
    case "d":
      return count <= 2 ? readNumber(found, "d", count) : readName(found, "ddd", DAYS, count, 0);
    case "h":
    case "H":
    case "m":
    case "s":
      return readNumber(found, letter, Math.min(count, 2));
    case "f":
    case "F":
      return readFraction(found, count, letter === "f");
    case "t":
      return readMark(found, count);
    case "g":
      return readWord(found, ERA) || readWord(found, ERA_ABBREVIATED);
    case "K":
      return readKind(found);
    default:
      return readOffset(found, count);
  }
}

/** One letter reads one or two digits; more read just as many. */
function readNumber(found: Found, name: string, count: number): boolean {
  const end = endOfDigits(found, count === 1 ? 2 : count);
  if (end - found.at < count) return false;
  const value = Number(found.source.slice(found.at, end));
  found.at = end;
  return keep(found, name, value);
}

function readName(found: Found, name: string, names: readonly string[], count: number, first: number): boolean {
  const index = names.findIndex((full) => readWord(found, count === 3 ? full.slice(0, 3) : full));
  return index >= 0 && keep(found, name, index + first);
}

function readFraction(found: Found, count: number, exact: boolean): boolean {
  const end = endOfDigits(found, count);
  if (exact && end - found.at < count) return false;
  const ticks = Number(found.source.slice(found.at, end).padEnd(7, "0"));
  found.at = end;
  if (found.ticks !== null && found.ticks !== ticks) return false;
  found.ticks = ticks;
  return true;
}

/** `t` wants a capital, `tt` takes either case, as .NET does. */
function readMark(found: Found, count: number): boolean {
  const text = found.source.slice(found.at, found.at + Math.min(count, 2));
  const mark = count === 1 ? text : text.toUpperCase();
  for (const letter of ["A", "P"] as const) {
    if (mark !== (count === 1 ? letter : `${letter}M`)) continue;
    if (found.mark !== null && found.mark !== letter) return false;
    found.mark = letter;
    found.at += text.length;
    return true;
  }
  return false;
}

/** `Z`, an offset or nothing. */
function readKind(found: Found): boolean {
  const char = found.source.charAt(found.at);
  if (char === "+" || char === "-") return readOffset(found, 3);
  if (char !== "Z") return true;
  found.at++;
  found.universal = true;
  return keepOffset(found, 0);
}

/** `z` and `zz` read hours; `zzz` hours and minutes, the colon and a leading zero being optional. */
function readOffset(found: Found, count: number): boolean {
  const shape = count === 1 ? /^([+-])(\d{1,2})/ : count === 2 ? /^([+-])(\d\d)/ : /^([+-])(\d{1,2}):?(\d\d)/;
  const read = shape.exec(found.source.slice(found.at, found.at + 6));
  if (read === null) return false;
  const offset = offsetOf(read[1] ?? "", Number(read[2]), Number(read[3] ?? 0));
  if (offset === null) return false;
  found.at += read[0].length;
  return keepOffset(found, offset);
}

function readWord(found: Found, word: string): boolean {
  if (found.source.slice(found.at, found.at + word.length).toUpperCase() !== word.toUpperCase()) return false;
  found.at += word.length;
  return true;
}

function endOfDigits({ source, at }: Found, most: number): number {
  let end = at;
  while (end < source.length && end < at + most && source.charCodeAt(end) >= 48 && source.charCodeAt(end) <= 57) end++;
  return end;
}

function keep(found: Found, name: string, value: number): boolean {
  const before = found.values.get(name);
  found.values.set(name, value);
  return before === undefined || before === value;
}

function keepOffset(found: Found, offset: number): boolean {
  if (found.offset !== null && found.offset !== offset) return false;
  found.offset = offset;
  return true;
}
