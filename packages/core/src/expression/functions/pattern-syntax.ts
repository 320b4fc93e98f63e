/** A .NET pattern in RE2's syntax. */
export interface Translation {
  readonly source: string;
  /** RE2's number of each group by .NET's: unnamed groups come first there, named ones after them. 0 is the whole match. */
  readonly numbers: readonly number[];
  readonly names: ReadonlyMap<string, number>;
  /** About how many instructions RE2 makes of it. */
  readonly size: number;
  /** How many characters a match may have; infinite where something repeats without end. */
  readonly longest: number;
  /** It asks for word boundaries, which RE2 knows among ASCII letters alone. */
  readonly boundaries: boolean;
  /** It asks for the end of the text, which in .NET may also stand before a last line feed. */
  readonly ends: boolean;
}

/** Why a pattern cannot be used: the rest of a sentence that begins with its parameter. */
export class PatternFlaw extends Error {}

/** Characters of one pattern: as many as a whole expression has. */
const MAX_LENGTH = 10_000;
/** Instructions of one pattern: far beyond what a person writes, and compiled in milliseconds. */
const MAX_SIZE = 10_000;
/** What the sets of one pattern may weigh together: RE2 writes each out as up to a thousand ranges, and each range in both cases. */
const MAX_SETS = 1_000;
const LIGHT: ReadonlySet<string> = new Set(["d", "s", "w"]);
const LIGHT_SET = 1;
const HEAVY_SET = 10;
/** Code points from which on a range weighs as much as a set. */
const WIDE_RANGE = 1_000;
const MAX_REPEATS = 1_000;
/** How deep groups may nest. */
const MAX_GROUPS = 100;

/** What .NET's classes hold ("Character classes in regular expressions"): RE2's own know ASCII alone. */
const CLASSES: { readonly [letter: string]: string } = {
  d: "\\p{Nd}",
  D: "\\P{Nd}",
  w: "\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}",
  W: "\\p{Mc}\\p{Me}\\p{Nl}\\p{No}\\p{Pd}\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\\p{Po}\\p{S}\\p{Z}\\p{C}",
  s: "\\x{9}-\\x{d}\\x{85}\\p{Z}",
  S: "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{10ffff}",
};

/** Escapes that match a place rather than a character. */
const ASSERTIONS: ReadonlyMap<string, string> = new Map([
  ["A", "\\A"],
  ["b", "\\b"],
  ["B", "\\B"],
  ["z", "\\z"],
  ["Z", "\\z"],
]);

const CONTROLS: { readonly [letter: string]: number } = { a: 7, e: 0x1b, f: 0xc, n: 0xa, r: 0xd, t: 9, v: 0xb };

/** What RE2 cannot do, by what stands after `(?`. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^[=!]/, "a lookahead"],
  [/^<[=!]/, "a lookbehind"],
  [/^>/, "an atomic group"],
  [/^\(/, "a conditional"],
  [/^(?:<\w*-\w*>|'\w*-\w*')/, "a balancing group"],
  [/^[imsnx-]*[nx][imsnx-]*[:)]/, "the option n or x"],
];

/**
 * Translates a .NET pattern ("Regular expression language - quick reference") for RE2, keeping its meaning.
 * @throws PatternFlaw for what RE2 cannot do, by its name, and for what .NET could not read either
 */
export function translate(pattern: string): Translation {
  if (pattern.length > MAX_LENGTH) throw new PatternFlaw(`is longer than ${MAX_LENGTH} characters`);
  return new Translator(pattern).whole();
}

interface Frame {
  size: number;
  /** Of the last thing that a quantifier may repeat; 0 for none. */
  last: number;
}

class Translator {
  readonly #text: string;
  #at = 0;
  #out = "";
  readonly #groups: (string | null)[] = [];
  readonly #frames: Frame[] = [{ size: 1, last: 0 }];
  #sets = 0;
  #endless = false;
  #boundaries = false;
  #ends = false;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Translation {
    while (this.#at < this.#text.length) this.#piece();
    if (this.#frames.length > 1) throw new PatternFlaw("has a ( without its )");
    const { size } = this.#top();
    const indexes = this.#groups.map((_, index) => index + 1);
    const named = indexes.filter((index) => this.#groups[index - 1] !== null);
    const unnamed = indexes.filter((index) => this.#groups[index - 1] === null);
    return {
      source: this.#out,
      numbers: [0, ...unnamed, ...named],
      names: new Map(named.map((index) => [this.#groups[index - 1] ?? "", index])),
      size,
      longest: this.#endless ? Number.POSITIVE_INFINITY : size,
      boundaries: this.#boundaries,
      ends: this.#ends,
    };
  }

  #piece(): void {
    const character = this.#take();
    if (character === "(") this.#open();
    else if (character === ")") this.#close();
    else if (character === "[") this.#atom(this.#class());
    else if (character === "\\") this.#escape();
    else if (character === "{") this.#braces();
    else if (character === "*" || character === "+" || character === "?") this.#quantifier(character, Number.NaN);
    else if (character === "|") this.#mark("|");
    else if (character === "." || character === "^" || character === "$") this.#atom(character);
    else this.#atom(literal(character));
    this.#ends ||= character === "$";
  }

  /** The next whole character. */
  #take(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw new PatternFlaw("ends in the middle");
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #rest(): string {
    return this.#text.slice(this.#at, this.#at + 100);
  }

  #top(): Frame {
    return this.#frames.at(-1) ?? { size: 0, last: 0 };
  }

  #atom(source: string, size = 1): void {
    const frame = this.#top();
    frame.size += size;
    frame.last = size;
    this.#out += source;
    this.#bound(frame);
  }

  #mark(source: string): void {
    this.#top().last = 0;
    this.#top().size += 1;
    this.#out += source;
  }

  #bound({ size }: Frame): void {
    if (size > MAX_SIZE) throw new PatternFlaw("is too large: its repetitions come to more than can be searched");
  }

  #open(): void {
    const rest = this.#rest();
    if (rest.startsWith("?#")) this.#comment();
    else if (!rest.startsWith("?")) this.#group("(", null);
    else {
      this.#at += 1;
      this.#special(rest.slice(1));
    }
  }

  /** `name` is `undefined` for a group that takes nothing. */
  #group(source: string, name: string | null | undefined): void {
    if (name !== undefined) this.#groups.push(name);
    this.#out += source;
    this.#frames.push({ size: 2, last: 0 });
    if (this.#frames.length > MAX_GROUPS) throw new PatternFlaw(`nests more than ${MAX_GROUPS} groups`);
  }

  /** What begins with `(?`: a group of some kind, or options for what follows. */
  #special(rest: string): void {
    const refused = REFUSED.find(([form]) => form.test(rest));
    if (refused !== undefined) throw unsupported(refused[1]);
    const named = /^(?:P?<(\w+)>|'(\w+)')/.exec(rest);
    const options = /^([ims]*(?:-[ims]*)?)([:)])/.exec(rest);
    if (named === null && options === null) {
      throw new PatternFlaw(`has a group that begins with "(?${rest.slice(0, 1)}", which means nothing`);
    }
    this.#at += (named ?? options)?.[0].length ?? 0;
    const letters = (options?.[1] ?? "").replace(/-$/, "");
    if (named !== null) this.#group("(", this.#named(named[1] ?? named[2] ?? ""));
    else if (options?.[2] === ":") this.#group(`(?${letters}:`, undefined);
    else if (letters !== "") this.#mark(`(?${letters})`);
  }

  #named(name: string): string {
    if (/^\d/.test(name)) throw unsupported("a numbered group");
    if (this.#groups.includes(name)) throw unsupported(`two groups of one name, ${name}`);
    return name;
  }

  #comment(): void {
    const end = this.#text.indexOf(")", this.#at);
    if (end < 0) throw new PatternFlaw("has a comment (?# without its )");
    this.#at = end + 1;
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame === undefined || this.#frames.length === 0) throw new PatternFlaw("has a ) without its (");
    this.#atom(")", frame.size);
  }

  #escape(): void {
    const letter = this.#take();
    if (letter === "G") throw unsupported("\\G");
    if (letter === "k" || /[1-9]/.test(letter)) throw unsupported("a backreference");
    this.#boundaries ||= letter === "b" || letter === "B";
    this.#ends ||= letter === "Z";
    const assertion = ASSERTIONS.get(letter);
    const set = this.#set(letter);
    if (assertion !== undefined) this.#atom(assertion);
    else if (set !== null) this.#atom(`[${set}]`);
    else this.#atom(literal(String.fromCodePoint(this.#code(letter))));
  }

  /** What stands in brackets for an escape that means several characters; `null` for one that means one. */
  #set(letter: string): string | null {
    const known = Object.hasOwn(CLASSES, letter) ? (CLASSES[letter] ?? null) : null;
    if (known === null && letter !== "p" && letter !== "P") return null;
    this.#weigh(LIGHT.has(letter) ? LIGHT_SET : HEAVY_SET);
    if (known !== null) return known;
    const category = /^\{(\w+)\}/.exec(this.#rest());
    if (category === null) throw new PatternFlaw(`has a \\${letter} without a category in braces, as in \\p{Lu}`);
    const [written, name = ""] = category;
    if (name.startsWith("Is")) throw unsupported(`a Unicode block, ${name}`);
    this.#at += written.length;
    return `\\${letter}{${name}}`;
  }

  #weigh(set: number): void {
    this.#sets += set;
    if (this.#sets > MAX_SETS) {
      throw new PatternFlaw("is too large: its sets of characters, such as \\W, come to more than can be searched");
    }
  }

  /** The code point that an escape means. */
  #code(letter: string): number {
    const control = Object.hasOwn(CONTROLS, letter) ? CONTROLS[letter] : undefined;
    if (control !== undefined) return control;
    if (/[0-7]/.test(letter)) {
      this.#at -= 1;
      return Number.parseInt(this.#digits(/^[0-7]{1,3}/, "0"), 8) & 0xff;
    }
    if (letter === "x") return Number.parseInt(this.#digits(/^[0-9a-fA-F]{2}/, "x"), 16);
    if (letter === "c")
      return (
        (this.#digits(/^[a-zA-Z@[\]\\^_]/, "c")
          .toUpperCase()
          .codePointAt(0) ?? 0) ^ 0x40
      );
    if (letter === "u") {
      const unit = Number.parseInt(this.#digits(/^[0-9a-fA-F]{4}/, "u"), 16);
      if (unit < 0xd800 || unit > 0xdfff) return unit;
      const low = /^\\u(d[c-f][0-9a-f]{2})/i.exec(this.#rest());
      if (unit > 0xdbff || low === null) throw unsupported("half a surrogate pair");
      this.#at += 6;
      return 0x10000 + ((unit - 0xd800) << 10) + (Number.parseInt(low[1] ?? "", 16) - 0xdc00);
    }
    if (/^[a-zA-Z0-9_]/.test(letter)) throw new PatternFlaw(`has the escape \\${letter}, which means nothing in .NET`);
    return letter.codePointAt(0) ?? 0;
  }

  #digits(form: RegExp, letter: string): string {
    const found = form.exec(this.#rest())?.[0];
    if (found === undefined) throw new PatternFlaw(`has a \\${letter} without the digits that it needs`);
    this.#at += found.length;
    return found;
  }

  #class(): string {
    let source = "[";
    if (this.#text[this.#at] === "^") {
      this.#at += 1;
      source += "^";
    }
    let first = true;
    while (first || this.#text[this.#at] !== "]") {
      if (this.#at >= this.#text.length) throw new PatternFlaw("has a [ without its ]");
      source += this.#range(first);
      first = false;
    }
    this.#at += 1;
    return `${source}]`;
  }

  #range(first: boolean): string {
    if (!first && this.#rest().startsWith("-[")) throw unsupported("a class subtraction");
    const low = this.#member();
    if (typeof low === "string") return low;
    const isRange = this.#text[this.#at] === "-" && !["]", "[", undefined].includes(this.#text[this.#at + 1]);
    if (!isRange) return point(low);
    this.#at += 1;
    const high = this.#member();
    if (typeof high === "string" || high < low) throw new PatternFlaw("has a range in brackets that runs backwards");
    if (high - low >= WIDE_RANGE) this.#weigh(HEAVY_SET);
    return `${point(low)}-${point(high)}`;
  }

  /** One code point, or the source of a set. In brackets digits after a backslash are an octal number, not a reference. */
  #member(): number | string {
    const character = this.#take();
    if (character !== "\\") return character.codePointAt(0) ?? 0;
    const letter = this.#take();
    return letter === "b" ? 8 : (this.#set(letter) ?? this.#code(letter));
  }

  #braces(): void {
    const counts = /^(\d+)(?:(,)(\d*))?\}/.exec(this.#rest());
    if (counts === null) this.#atom("\\{");
    else this.#repeat(counts);
  }

  #repeat([written, least = "", comma = "", most = ""]: RegExpExecArray): void {
    this.#at += written.length;
    const times = Math.max(Number(least), Number(most));
    if (times > MAX_REPEATS) throw unsupported(`a repetition of more than ${MAX_REPEATS} times`);
    if (most !== "" && Number(most) < Number(least)) {
      throw new PatternFlaw("has a repetition whose counts run backwards");
    }
    this.#endless ||= comma !== "" && most === "";
    this.#quantifier(`{${Number(least)}${comma}${most === "" ? "" : Number(most)}}`, times);
  }

  /** `times` is how often what is repeated is written out, not a number for `* + ?`. */
  #quantifier(source: string, times: number): void {
    const frame = this.#top();
    if (frame.last === 0) throw new PatternFlaw(`has a ${source} with nothing before it to repeat`);
    this.#endless ||= source === "*" || source === "+";
    frame.size += Number.isNaN(times) ? 1 : frame.last * Math.max(times, 1);
    this.#bound(frame);
    frame.last = 0;
    this.#out += source;
    if (this.#text[this.#at] === "?") {
      this.#at += 1;
      this.#out += "?";
    }
    if (this.#text[this.#at] === "+") throw unsupported("a possessive quantifier");
  }
}

function unsupported(what: string): PatternFlaw {
  return new PatternFlaw(`has ${what}, which RE2 cannot do; it is what keeps every search short`);
}

function literal(character: string): string {
  return /^[\w ]$/.test(character) ? character : point(character.codePointAt(0) ?? 0);
}

function point(code: number): string {
  return `\\x{${code.toString(16)}}`;
}
