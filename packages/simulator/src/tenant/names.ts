import { faker as cs } from "@faker-js/faker/locale/cs_CZ";
import { faker as da } from "@faker-js/faker/locale/da";
import { faker as de } from "@faker-js/faker/locale/de";
import { faker as es } from "@faker-js/faker/locale/es";
import { faker as fi } from "@faker-js/faker/locale/fi";
import { faker as fr } from "@faker-js/faker/locale/fr";
import { faker as hu } from "@faker-js/faker/locale/hu";
import { faker as it } from "@faker-js/faker/locale/it";
import { faker as nb } from "@faker-js/faker/locale/nb_NO";
import { faker as nl } from "@faker-js/faker/locale/nl";
import { faker as pl } from "@faker-js/faker/locale/pl";
import { faker as pt } from "@faker-js/faker/locale/pt_PT";
import { faker as ro } from "@faker-js/faker/locale/ro";
import { faker as sv } from "@faker-js/faker/locale/sv";
import { faker as tr } from "@faker-js/faker/locale/tr";
import { faker as vi } from "@faker-js/faker/locale/vi";
import { COMMON_NAMES, LONG_NAMES, NATIVE_NAMES, type NativeNames } from "./native-names.ts";
import type { Random } from "./random.ts";
import { toAscii } from "./transliterate.ts";

/** A person's name as Graph's user resource holds it, and `address`: the same in lower-case ASCII for addresses. */
export interface PersonName {
  readonly givenName: string | null;
  readonly surname: string | null;
  readonly displayName: string;
  readonly address: { readonly given: string; readonly surname: string };
  /** Names the habits of spelling, for a later change of surname. */
  readonly origin: string;
  readonly female: boolean;
}

/** What a name must show, when a small tenant has to hold every kind of name. */
export type NameKind = "any" | "native" | "apostrophe" | "hyphen" | "long";

/** Draws names by origin: a language tag's first part such as `de`, or one of `ie`, `in`, `ng` for spoken English. */
export interface NameBook {
  draw(random: Random, origin: string, kind?: NameKind): PersonName;
  /** The same person under a new surname. */
  rename(random: Random, name: Pick<PersonName, "givenName" | "address" | "origin" | "female">): PersonName;
}

interface Part {
  readonly text: string;
  readonly latin: string;
}
interface Pool {
  readonly female: readonly Part[];
  readonly male: readonly Part[];
  readonly femaleSurnames: readonly Part[];
  readonly maleSurnames: readonly Part[];
}
type FakerNames = (typeof de)["rawDefinitions"];

const FAKER: Readonly<Record<string, { readonly rawDefinitions: FakerNames }>> = {
  cs, da, de, es, fi, fr, hu, it, nb, nl, pl, pt, ro, sv, tr, vi,
}; // biome-ignore format: a table is read across

const SURNAME_FIRST: ReadonlySet<string> = new Set(["zh", "ja", "ko", "hu", "vi"]);
const HYPHENATES: ReadonlySet<string> = new Set(["de", "fr", "es", "en", "pl", "nl", "pt", "sv"]);
const APOSTROPHES: readonly string[] = [
  "O'Brien",
  "D'Angelo",
  "O'Connor",
  "Dell'Acqua",
  "N'Diaye",
  "L'Heureux",
  "O’Sullivan",
];
/** Of people whose language is not written in Latin letters, those whose display name is Latin all the same. */
const LATIN_DISPLAY_NAMES = 0.3;
const DOUBLE_SURNAMES = 0.04;

/** Reads every name list once; keep the book for as long as people are made. */
export function createNameBook(): NameBook {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const pool = readPool(origin);
    pools.set(origin, pool);
    return pool;
  };
  return {
    draw: (random, origin, kind = "any") => drawName(random, poolOf(origin), origin, kind),
    rename: (random, name) => {
      const pool = poolOf(name.origin);
      const surnames = name.female ? pool.femaleSurnames : pool.maleSurnames;
      const given: Part = { text: name.givenName ?? name.address.given, latin: name.address.given };
      const latin = isLatin(given.text);
      const drawn = surnames.length === 0 ? plain("Hartono") : random.pick(surnames);
      const renamed = assemble(given, latin ? plain(drawn.latin) : drawn, name.origin, name.female);
      return { ...renamed, address: { ...renamed.address, given: name.address.given } };
    },
  };
}

function drawName(random: Random, pool: Pool, origin: string, kind: NameKind): PersonName {
  const female = random.chance(0.48);
  if (kind === "long") {
    const [given, surname] = random.pick(LONG_NAMES);
    return assemble(plain(given), plain(surname), "en", female);
  }
  const given = random.pick(female ? pool.female : pool.male);
  const surnames = female ? pool.femaleSurnames : pool.maleSurnames;
  if (surnames.length === 0) return assemble(given, null, origin, female);
  const surname = kind === "apostrophe" ? plain(random.pick(APOSTROPHES)) : random.pick(surnames);
  if (kind === "hyphen" || (HYPHENATES.has(origin) && random.chance(DOUBLE_SURNAMES))) {
    const second = random.pick(surnames);
    const double = { text: `${surname.text}-${second.text}`, latin: `${surname.latin}-${second.latin}` };
    return assemble(given, double, origin, female);
  }
  const asWritten = kind === "native" || isLatin(surname.text) || !random.chance(LATIN_DISPLAY_NAMES);
  return asWritten
    ? assemble(given, surname, origin, female)
    : assemble(plain(given.latin), plain(surname.latin), origin, female);
}

function assemble(given: Part, surname: Part | null, origin: string, female: boolean): PersonName {
  const address = {
    given: toAscii(given.latin, origin),
    surname: surname === null ? "" : toAscii(surname.latin, origin),
  };
  if (surname === null) {
    return { givenName: given.text, surname: null, displayName: given.text, address, origin, female };
  }
  const gap = origin === "zh" || origin === "ko" ? "" : " ";
  const native = !isLatin(surname.text) || origin === "hu" || origin === "vi";
  const displayName =
    SURNAME_FIRST.has(origin) && native ? `${surname.text}${gap}${given.text}` : `${given.text} ${surname.text}`;
  return { givenName: given.text, surname: surname.text, displayName, address, origin, female };
}

function plain(text: string): Part {
  return { text, latin: text };
}

function isLatin(text: string): boolean {
  return /^\p{Script=Latin}/u.test(text);
}

function readPool(origin: string): Pool {
  const native = NATIVE_NAMES[origin];
  if (native !== undefined) return readNative(native);
  const person = FAKER[origin]?.rawDefinitions.person;
  if (person === undefined) throw new RangeError(`There is no list of names for the origin '${origin}'.`);
  const read = (names: readonly string[] | undefined): Part[] =>
    (names ?? []).filter((name) => name.length > 2 && (origin === "vi" || !name.includes(" "))).map(plain);
  const { first_name: given, last_name: surname } = person;
  const generic = read(surname?.generic);
  const common = readNative(COMMON_NAMES[origin] ?? { female: "", male: "", surnames: "" });
  return {
    female: favour(common.female, read(given?.female)),
    male: favour(common.male, read(given?.male)),
    femaleSurnames: favour(
      common.femaleSurnames,
      [...generic, ...read(surname?.female)].map(origin === "pl" ? polishFemale : same),
    ),
    maleSurnames: favour(common.maleSurnames, [...generic, ...read(surname?.male)]),
  };
}

/** Repeats the common names until they make up some two thirds of the list. */
function favour(common: readonly Part[], rest: readonly Part[]): readonly Part[] {
  const times = common.length === 0 ? 0 : Math.ceil((2 * rest.length) / common.length);
  return [...Array.from({ length: times }, () => common).flat(), ...rest];
}

function same(name: Part): Part {
  return name;
}

/** Kowalski's daughter is Kowalska. */
function polishFemale(name: Part): Part {
  return plain(name.text.replace(/([sc]k|dzk)i$/u, "$1a"));
}

function readNative(names: NativeNames): Pool {
  const read = (list: string, side: 0 | 1): Part[] =>
    list
      .split(" ")
      .filter((entry) => entry !== "")
      .map((entry) => {
        const spaced = entry.replaceAll("_", " ");
        const gendered = spaced.includes("/") ? (spaced.split("/")[side] ?? spaced) : spaced;
        const [text = gendered, latin = text] = gendered.split(":");
        return { text, latin };
      });
  return {
    female: read(names.female, 0),
    male: read(names.male, 0),
    maleSurnames: read(names.surnames, 0),
    femaleSurnames: read(names.surnames, 1),
  };
}
