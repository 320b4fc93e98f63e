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

const NONE: Styles = {
  leadingWhite: false,
  trailingWhite: false,
  innerWhite: false,
  noCurrentDateDefault: false,
  adjustToUniversal: false,
  assumeLocal: false,
  assumeUniversal: false,
  roundtripKind: false,
};

const FLAGS: ReadonlyMap<string, Partial<Styles>> = new Map([
  ["None", {}],
  ["AllowLeadingWhite", { leadingWhite: true }],
  ["AllowTrailingWhite", { trailingWhite: true }],
  ["AllowInnerWhite", { innerWhite: true }],
  ["AllowWhiteSpaces", { leadingWhite: true, trailingWhite: true, innerWhite: true }],
  ["NoCurrentDateDefault", { noCurrentDateDefault: true }],
  ["AdjustToUniversal", { adjustToUniversal: true }],
  ["AssumeLocal", { assumeLocal: true }],
  ["AssumeUniversal", { assumeUniversal: true }],
  ["RoundtripKind", { roundtripKind: true }],
]);

/** What FormatDateTime reads with where it names no style. */
export const DEFAULT_STYLES: Styles = { ...NONE, leadingWhite: true, trailingWhite: true, roundtripKind: true };

/**
 * Reads names that commas separate, each with or without `DateTimeStyles.` before it; an empty text is the default. A
 * text says what is wrong: an unknown name, or names that .NET does not let stand together.
 */
export function readStyles(text: string): Styles | string {
  if (text.trim() === "") return DEFAULT_STYLES;
  let styles = NONE;
  for (const part of text.split(",")) {
    const name = part.trim().replace(/^DateTimeStyles\./, "");
    const flags = FLAGS.get(name);
    if (flags === undefined)
      return `"${name.slice(0, 40)}" is no DateTimeStyle, which are ${[...FLAGS.keys()].join(", ")}`;
    styles = { ...styles, ...flags };
  }
  if (styles.assumeLocal && styles.assumeUniversal) return "AssumeLocal and AssumeUniversal exclude each other";
  if (styles.roundtripKind && (styles.assumeLocal || styles.assumeUniversal || styles.adjustToUniversal))
    return "RoundtripKind cannot stand beside AssumeLocal, AssumeUniversal or AdjustToUniversal";
  return styles;
}
