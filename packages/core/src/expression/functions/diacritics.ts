import type { FunctionDefinition } from "../function.ts";
import { isAscii } from "./case.ts";
import { textIn } from "./readers.ts";

export const DIACRITICS_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "NormalizeDiacritics",
    summary: "A text with plain letters for those with diacritics, by Entra's fixed table: ø is oe, ß is ss, ł is l.",
    parameters: [{ name: "source", type: "text", summary: "The text; characters that the table lacks stay." }],
    example: {
      expression: "NormalizeDiacritics([givenName])",
      attributes: { givenName: "Zoë Çelik" },
      value: "Zoe Celik",
    },
    bind: ([first]) => {
      const source = textIn("NormalizeDiacritics", "source", first);
      return (context) => {
        const text = source(context);
        return text === null || isAscii(text) ? text : withoutDiacritics(text);
      };
    },
  },
];

/**
 * Letter by letter the characters that it stands for ("Reference for writing expressions for attribute mappings in Microsoft
 * Entra ID", NormalizeDiacritics). It is not Unicode's decomposition: œ alone and đ, for example, are not in it.
 */
const TABLE: { readonly [plain: string]: string } = {
  a: "ä à â ã å á ą ă ā ā́ ā̀ ā̂ ā̃ ǟ ā̈ ǡ a̱ å̄",
  A: "Ä À Â Ã Å Á Ą Ă Ā Ā́ Ā̀ Ā̂ Ā̃ Ǟ Ā̈ Ǡ A̱ Å̄",
  ae: "æ ǣ",
  AE: "Æ Ǣ",
  c: "ç č ć c̄ c̱",
  C: "Ç Č Ć C̄ C̱",
  d: "ď d̄ ḏ",
  D: "Ď D̄ Ḏ",
  e: "ë è é ê ę ě ė ē ḗ ḕ ē̂ ē̃ ê̄ e̱ ë̄ e̊̄",
  E: "Ë È É Ê Ę Ě Ė Ē Ḗ Ḕ Ē̂ Ē̃ Ê̄ E̱ Ë̄ E̊̄",
  g: "ğ ḡ g̱",
  G: "Ğ Ḡ G̱",
  i: "ï î ì í ı ī ī́ ī̀ ī̂ ī̃ i̱",
  I: "Ï Î Ì Í İ Ī Ī́ Ī̀ Ī̂ Ī̃ I̱",
  l: "ľ ł l̄ ḹ ḻ",
  L: "Ł Ľ L̄ Ḹ Ḻ",
  n: "ñ ń ň n̄ ṉ",
  N: "Ñ Ń Ň N̄ Ṉ",
  o: "ö ò ő õ ô ó ō ṓ ṑ ō̂ ō̃ ȫ ō̈ ǭ ȭ ȱ o̱",
  O: "Ö Ò Ő Õ Ô Ó Ō Ṓ Ṑ Ō̂ Ō̃ Ȫ Ō̈ Ǭ Ȭ Ȱ O̱",
  oe: "ø ø̄ œ̄",
  OE: "Ø Ø̄ Œ̄",
  r: "ř r̄ ṟ ṝ",
  R: "Ř R̄ Ṟ Ṝ",
  ss: "ß",
  s: "š ś ș ş s̄ s̱",
  S: "Š Ś Ș Ş S̄ S̱",
  t: "ť ț t̄ ṯ",
  T: "Ť Ț T̄ Ṯ",
  u: "ü ù û ú ů ű ū ū́ ū̀ ū̂ ū̃ u̇̄ ǖ ṻ ṳ̄ u̱",
  U: "Ü Ù Û Ú Ů Ű Ū Ū́ Ū̀ Ū̂ Ū̃ U̇̄ Ǖ Ṻ Ṳ̄ U̱",
  y: "ÿ ý ȳ ȳ́ ȳ̀ ȳ̃ y̱",
  Y: "Ÿ Ý Ȳ Ȳ́ Ȳ̀ Ȳ̃ Y̱",
  z: "ź ž ż z̄ ẕ",
  Z: "Ź Ž Ż Z̄ Ẕ",
};

/** Composed (NFC), so that it does not matter how the text spells its accents. */
const PLAIN: ReadonlyMap<string, string> = new Map(
  Object.entries(TABLE).flatMap(([plain, letters]) =>
    letters.split(" ").map((letter): [string, string] => [letter.normalize("NFC"), plain]),
  ),
);

/** The UTF-16 code units that letters of the table begin with: all others stay without a look at the table. */
const FIRST: ReadonlySet<number> = new Set([...PLAIN.keys()].map((letter) => letter.charCodeAt(0)));
const LONGEST = Math.max(...[...PLAIN.keys()].map((letter) => letter.length));

/** Letters of several code points come before those that they begin with. What stays is in NFC. */
function withoutDiacritics(text: string): string {
  const composed = text.normalize("NFC");
  let result = "";
  let from = 0;
  let position = 0;
  while (position < composed.length) {
    const length = mayBeLetter(composed, position) ? letterAt(composed, position) : 0;
    if (length === 0) {
      position += 1;
      continue;
    }
    result += composed.slice(from, position) + (PLAIN.get(composed.slice(position, position + length)) ?? "");
    position += length;
    from = position;
  }
  return result + composed.slice(from);
}

/** Letters of ASCII begin one of the table only where a combining mark follows (U+0300 to U+036F, where all of its marks are). */
function mayBeLetter(text: string, position: number): boolean {
  const code = text.charCodeAt(position);
  if (code >= 0x80) return FIRST.has(code);
  const next = text.charCodeAt(position + 1);
  return next >= 0x300 && next <= 0x36f;
}

/** How long the letter of the table is that stands at a position; 0 where none does. */
function letterAt(text: string, position: number): number {
  for (let length = LONGEST; length > 0; length -= 1) {
    if (PLAIN.has(text.slice(position, position + length))) return length;
  }
  return 0;
}
