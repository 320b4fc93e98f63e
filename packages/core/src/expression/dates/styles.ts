/** How a date is read: the flags of "DateTimeStyles Enum" (.NET). */
export interface Styles {
  readonly leadingWhite: boolean;
  readonly trailingWhite: boolean;
  readonly innerWhite: boolean;
  readonly noCurrentDateDefault: boolean;
  readonly adjustToUniversal: boolean;
  readonly assumeLocal: boolean;
  readonly assumeUniversal: boolean;
  readonly roundtripKind: boolean;
}

/** The numbers are .NET's own. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ["None", 0],
  ["AllowLeadingWhite", 1],
  ["AllowTrailingWhite", 2],
  ["AllowInnerWhite", 4],
  ["AllowWhiteSpaces", 7],
  ["NoCurrentDateDefault", 8],
  ["AdjustToUniversal", 16],
  ["AssumeLocal", 32],
  ["AssumeUniversal", 64],
  ["RoundtripKind", 128],
]);
const ALL = 255;

/** What FormatDateTime reads with where it names no style: RoundtripKind, AllowLeadingWhite, AllowTrailingWhite. */
export const DEFAULT_STYLES: Styles = stylesOf(128 + 1 + 2);

/**
 * Reads names that commas separate, each with or without `DateTimeStyles.` before it, or their sum as a number, such as
 * `32`; an empty text is the default. A text says what is wrong: an unknown name, or styles that .NET does not let stand
 * together.
 */
export function readStyles(text: string): Styles | string {
  if (text.trim() === "") return DEFAULT_STYLES;
  let flags = 0;
  for (const part of text.split(",")) {
    const name = part.trim().replace(/^DateTimeStyles\./, "");
    const flag = FLAGS.get(name) ?? (/^\d{1,3}$/.test(name) && Number(name) <= ALL ? Number(name) : undefined);
    if (flag === undefined)
      return `"${name.slice(0, 40)}" is no DateTimeStyle, which are ${[...FLAGS.keys()].join(", ")}`;
    flags |= flag;
  }
  const styles = stylesOf(flags);
  if (styles.assumeLocal && styles.assumeUniversal) return "AssumeLocal and AssumeUniversal exclude each other";
  if (styles.roundtripKind && (styles.assumeLocal || styles.assumeUniversal || styles.adjustToUniversal))
    return "RoundtripKind cannot stand beside AssumeLocal, AssumeUniversal or AdjustToUniversal";
  return styles;
}

function stylesOf(flags: number): Styles {
  const has = (flag: number) => (flags & flag) !== 0;
  return {
    leadingWhite: has(1),
    trailingWhite: has(2),
    innerWhite: has(4),
    noCurrentDateDefault: has(8),
    adjustToUniversal: has(16),
    assumeLocal: has(32),
    assumeUniversal: has(64),
    roundtripKind: has(128),
  };
}
