import type { Argument, Evaluate, FunctionDefinition } from "../function.ts";
import { atBinding, failed, isGiven, type Reader, textIn } from "./readers.ts";

type Casing = (text: string) => string;

/** ToLower, ToUpper and PCase ("Reference for writing expressions for attribute mappings in Microsoft Entra ID"). */
export const CASE_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "ToLower",
    summary: "A text in lower case, by the rules of the invariant culture unless one is named.",
    parameters: [
      { name: "source", type: "text", summary: "The text." },
      { name: "culture", type: "text", summary: 'Whose rules hold, such as "tr-TR".', optional: true },
    ],
    example: {
      expression: "ToLower([mail])",
      attributes: { mail: "Ana.MÜLLER@Contoso.com" },
      value: "ana.müller@contoso.com",
    },
    bind: (args) => bindCasing("ToLower", args, lowerIn),
  },
  {
    name: "ToUpper",
    summary: "A text in upper case, by the rules of the invariant culture unless one is named.",
    parameters: [
      { name: "source", type: "text", summary: "The text." },
      { name: "culture", type: "text", summary: 'Whose rules hold, such as "tr-TR".', optional: true },
    ],
    example: {
      expression: 'ToUpper([city], "tr-TR")',
      attributes: { city: "Diyarbakır izmir" },
      value: "DİYARBAKIR İZMİR",
    },
    bind: (args) => bindCasing("ToUpper", args, upperIn),
  },
  {
    name: "PCase",
    summary: "Each word's first letter in upper case, all others in lower case.",
    parameters: [
      { name: "source", type: "text", summary: "The text." },
      {
        name: "wordSeparators",
        type: "text",
        summary: "The characters that alone part words; unless given, spaces, punctuation and symbols do.",
        optional: true,
      },
    ],
    example: {
      expression: 'PCase([lastName], " \'-")',
      attributes: { lastName: "PINTO-DE'SILVA" },
      value: "Pinto-De'Silva",
    },
    bind: ([first, second]) => {
      const source = textIn("PCase", "source", first);
      const separators: Reader<string | null> = textIn("PCase", "wordSeparators", second);
      return (context) => {
        const text = source(context);
        const between = separators(context);
        if (text === null) return null;
        return between === null || between === ""
          ? titleCase(invariantLower(text))
          : capitalise(invariantLower(text), between);
      };
    },
  },
];

/** A text of the same length in which letters that differ by case alone are the same. Accents and widths count. */
export function foldCase(text: string): string {
  return invariantLower(invariantUpper(text));
}

function bindCasing(
  of: string,
  [first, second]: readonly Argument[],
  casingIn: (culture: string) => Casing | null,
): Evaluate {
  const source = textIn(of, "source", first);
  const culture = textIn(of, "culture", second);
  const resolve = (name: string): Casing => {
    const casing = casingIn(name);
    if (casing !== null) return casing;
    const place = { of, parameter: "culture", argument: second };
    throw failed(place, `is not known: ${JSON.stringify(name.slice(0, 40))}; it takes a name such as "en-US" or "tr"`);
  };
  const constant = isGiven(second) ? second.constant : "";
  if (constant === undefined) {
    return (context) => {
      const casing = resolve(culture(context) ?? "");
      const text = source(context);
      return text === null ? null : casing(text);
    };
  }
  const casing = atBinding(() => resolve(typeof constant === "string" ? constant : ""));
  return (context) => {
    const text = source(context);
    return text === null ? null : casing(text);
  };
}

/** `null` for a culture that is not known. */
function lowerIn(culture: string): Casing | null {
  if (culture === "") return invariantLower;
  const language = languageOf(culture);
  if (language === null) return null;
  if (WHOLE.has(language)) return (text) => text.toLocaleLowerCase(language);
  if (TURKIC.has(language)) return (text) => each(text, (letter) => letter.toLocaleLowerCase(language));
  return (text) => each(text, (letter) => (letter === "İ" ? "i" : letter.toLowerCase()));
}

/** `null` for a culture that is not known. */
function upperIn(culture: string): Casing | null {
  if (culture === "") return invariantUpper;
  const language = languageOf(culture);
  if (language === null) return null;
  if (WHOLE.has(language)) return (text) => text.toLocaleUpperCase(language);
  if (TURKIC.has(language)) return (text) => each(text, (letter) => letter.toLocaleUpperCase(language));
  return (text) => each(text, (letter) => letter.toUpperCase());
}

/** In these the case of a letter depends on its accents and neighbours, which Intl knows (Unicode, SpecialCasing.txt). */
const WHOLE: ReadonlySet<string> = new Set(["el", "lt"]);
/** In these i goes with İ and ı with I. */
const TURKIC: ReadonlySet<string> = new Set(["az", "tr"]);

/** The language of a culture's name (RFC 4646), or `null` where Unicode has no such locale. */
function languageOf(culture: string): string | null {
  try {
    const [locale] = Intl.Collator.supportedLocalesOf(culture);
    return locale === undefined ? null : new Intl.Locale(locale).language;
  } catch {
    return null;
  }
}

/**
 * The invariant culture leaves the Turkish letters İ and ı as they are ("TextInfo.ToLower", .NET). Without İ and Σ, which
 * looks at its neighbours, the text as a whole gives what its letters give one by one, and sooner.
 */
function invariantLower(text: string): string {
  if (!text.includes("İ") && !text.includes("Σ")) return text.toLowerCase();
  return each(text, (letter) => (letter === "İ" ? letter : letter.toLowerCase()));
}

/** No letter's capital is shorter, so a whole of the same length has no letter whose capital is longer. */
function invariantUpper(text: string): string {
  const whole = text.toUpperCase();
  if (whole.length === text.length && !text.includes("ı")) return whole;
  return each(text, (letter) => (letter === "ı" ? letter : letter.toUpperCase()));
}

/** Letter by letter, as .NET does: one whose counterpart is several letters, such as ß, stays; Σ is σ at a word's end too. */
function each(text: string, casing: Casing): string {
  let result = "";
  for (const letter of text) {
    const other = casing(letter);
    result += other.length === letter.length ? other : letter;
  }
  return result;
}

export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/**
 * What parts words: spaces, line ends, control and format characters, punctuation and symbols; not digits and marks.
 * An apostrophe (U+0027) parts none once a word has begun: "o'neill" is one word, as in .NET.
 */
const PARTS = /[\p{Z}\p{Cc}\p{Cf}\p{P}\p{S}]/u;
const LETTER = /\p{L}/u;

/** .NET's `TextInfo.ToTitleCase` of a text in lower case; a word begins with a letter, so that `1st` becomes `1St`. */
function titleCase(text: string): string {
  let result = "";
  let inWord = false;
  for (const character of text) {
    if (inWord) {
      result += character;
      inWord = character === "'" || !PARTS.test(character);
    } else {
      inWord = LETTER.test(character);
      result += inWord ? titleLetter(character) : character;
    }
  }
  return result;
}

/** Each character that follows a separator, and the first, in upper case. */
function capitalise(text: string, separators: string): string {
  const parts = new Set(separators);
  let result = "";
  let begins = true;
  for (const character of text) {
    result += begins ? titleLetter(character) : character;
    begins = parts.has(character);
  }
  return result;
}

/** Letters that are two in one have a form of their own for titles: dž becomes Dž, not DŽ. */
const TITLES: ReadonlyMap<string, string> = new Map([
  ["ǆ", "ǅ"],
  ["ǉ", "ǈ"],
  ["ǌ", "ǋ"],
  ["ǳ", "ǲ"],
]);

function titleLetter(letter: string): string {
  return TITLES.get(letter) ?? invariantUpper(letter);
}
