import type { Argument, FunctionDefinition } from "../function.ts";
import { atBinding, failed, isGiven, type Reader, textIn, toText } from "../functions/readers.ts";
import { formatDate } from "./format.ts";
import { type Place, shownValue } from "./operands.ts";
import { exactReader, type ReadExact } from "./parse.ts";
import { compilePattern, type Pattern, specifiersOf } from "./pattern.ts";
import { readStyles, type Styles } from "./styles.ts";

const OF = "FormatDateTime";

interface Settings {
  readonly read: ReadExact;
  readonly output: Pattern;
}

/**
 * `FormatDateTime` ("Reference for writing expressions for attribute mappings in Microsoft Entra ID"): DateTime.ParseExact
 * and then DateTime.ToString, both in the invariant culture, on a service whose own zone is UTC. An offset that the input
 * names is therefore followed to UTC: `2020-12-31-08:00` is eight o'clock of that day, `2020-12-31+08:00` is four in the
 * afternoon of the day before. To keep the day that a text names, cut the offset off first, with Left.
 */
export const FORMAT_DATE_TIME: FunctionDefinition = {
  name: OF,
  summary: "Reads a date in one format and writes it in another; an offset that it names is followed to UTC.",
  parameters: [
    { name: "source", type: "text", summary: "The date as text; a date of CDate is M/d/yyyy h:mm:ss tt." },
    {
      name: "dateTimeStyles",
      type: "text",
      summary: "Names of .NET's DateTimeStyles; RoundtripKind, AllowLeadingWhite, AllowTrailingWhite unless given.",
      optional: true,
    },
    { name: "inputFormat", type: "text", summary: "The source's .NET date format, custom or standard." },
    { name: "outputFormat", type: "text", summary: "The .NET date format to write in." },
  ],
  example: {
    expression: 'FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")',
    attributes: { extensionAttribute1: "20150123105347.1Z" },
    value: "2015-01-23",
  },
  bind: ([source, styles, input, output]) => {
    const place: Place = { of: OF, parameter: "source", argument: source };
    const text = textIn(OF, "source", source);
    const settings = settingsIn(styles, input, output);
    return (context) => {
      const given = text(context);
      if (given === null || given === "") return null;
      const { read, output: wanted } = settings(context);
      const date = read(given);
      if (typeof date === "string") throw failed(place, `cannot read ${shownValue(given)} as a date: ${date}`);
      return formatDate(date, wanted);
    };
  },
};

function settingsIn(
  styles: Argument | undefined,
  input: Argument | undefined,
  output: Argument | undefined,
): Reader<Settings> {
  const places = {
    styles: { of: OF, parameter: "dateTimeStyles", argument: styles },
    input: { of: OF, parameter: "inputFormat", argument: input },
    output: { of: OF, parameter: "outputFormat", argument: output },
  };
  const given = Object.values(places).filter(({ argument }) => isGiven(argument));
  if (given.every(({ argument }) => argument?.constant !== undefined)) {
    const constant = (place: Place) => toText(place.argument?.constant ?? null, place) ?? "";
    const settings = atBinding(() =>
      settingsOf(
        { styles: constant(places.styles), input: constant(places.input), output: constant(places.output) },
        places,
      ),
    );
    return () => settings;
  }
  const [how, from, to] = [places.styles, places.input, places.output].map((place) =>
    textIn(OF, place.parameter, place.argument),
  );
  return (context) =>
    settingsOf({ styles: how?.(context) ?? "", input: from?.(context) ?? "", output: to?.(context) ?? "" }, places);
}

type Three<T> = { readonly styles: T; readonly input: T; readonly output: T };

function settingsOf(texts: Three<string>, places: Three<Place>): Settings {
  const styles = readStyles(texts.styles);
  if (typeof styles === "string") throw failed(places.styles, `cannot be read: ${styles}`);
  const input = compilePattern(texts.input);
  if (typeof input === "string") throw failed(places.input, `cannot be used: ${input}`);
  const output = compilePattern(texts.output);
  if (typeof output === "string") throw failed(places.output, `cannot be used: ${output}`);
  const flaw = restingOnToday(styles, input, output);
  if (flaw !== null) throw failed(places.input, flaw);
  return { read: exactReader(input, styles), output };
}

/**
 * Where the input format leaves the year or the date open, .NET takes the present one, and the mapping would give
 * another value tomorrow. It is refused, unless nothing of it shows in what is written.
 */
function restingOnToday(styles: Styles, input: Pattern, output: Pattern): string | null {
  const read = specifiersOf(input);
  const written = specifiersOf(output);
  const dateless = !["y", "M", "d"].some((letter) => read.has(letter));
  if (read.has("y") || (dateless && styles.noCurrentDateDefault)) return null;
  const shown = (dateless ? ["y", "M", "d", "ddd"] : ["y", "ddd"]).some((letter) => written.has(letter));
  if (!shown && !read.has("ddd")) return null;
  const lacking = dateless
    ? "date, so that the present one would be taken; NoCurrentDateDefault takes 1/1/0001"
    : "year, so that the present one would be taken";
  return `names no ${lacking}: a mapping cannot rest on the day of the run`;
}
