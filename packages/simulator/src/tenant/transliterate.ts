/** Letters that Unicode does not decompose into a base letter and marks, as passports and mail systems spell them. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: "ss", æ: "ae", œ: "oe", ø: "o", ð: "d", þ: "th", đ: "d", ł: "l", ı: "i", ħ: "h", ŋ: "ng", ə: "a", ʻ: "", "’": "'",
}; // biome-ignore format: a table is read across

/** The habits of one language that differ from dropping the mark. */
const GERMAN: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ü: "ue" };
const NORDIC: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ø: "oe", å: "aa" };
const HABITS: Readonly<Record<string, Readonly<Record<string, string>>>> = { de: GERMAN, da: NORDIC, nb: NORDIC };

/**
 * A Latin-script name in lower-case ASCII as `origin` (a language tag's first part) spells it in addresses: Müller is
 * `mueller` in German and `muller` elsewhere. Spaces and other separators become a single hyphen, apostrophes stay.
 */
export function toAscii(name: string, origin: string): string {
  const habit = HABITS[origin] ?? {};
  const letters = [...name.normalize("NFC").toLowerCase()].map((letter) => habit[letter] ?? LETTERS[letter] ?? letter);
  return letters
    .join("")
    .normalize("NFD")
    .replace(/[^a-z0-9'\s_-]/gu, "")
    .replace(/[\s_-]+/gu, "-")
    .replace(/^-|-$/gu, "");
}
