import type { EvaluationContext } from "../context.ts";
import { ExpressionFault } from "../fault.ts";
import type { Argument, Evaluate, FunctionDefinition, Search } from "../function.ts";
import { MAX_TEXT, tooLong } from "../limits.ts";
import type { Span } from "../tree.ts";
import { type Found, type Pattern, patternIn, searchFor } from "./pattern.ts";
import { atBinding, failed, invalid, isGiven, NOBODY, type Reader, textIn } from "./readers.ts";
import { type Replacement, replacementOf, unknownGroup } from "./replacement.ts";

/** Replace's arguments by their names. */
type Given = { readonly [parameter in (typeof NAMES)[number]]: Argument | undefined };

/** What one piece of a replacement costs, in the steps of a search. */
const STEPS_PER_PIECE = 2;

/** Where the call stands, and what counts its searches. */
interface Call {
  readonly at: Span;
  readonly search: Search;
}

const NAMES = [
  "source",
  "oldValue",
  "regexPattern",
  "regexGroupName",
  "replacementValue",
  "replacementAttributeName",
  "template",
] as const;

/** Which parameters beside the source make Replace do what. */
const MODES: { readonly [given: string]: (given: Given, call: Call) => Evaluate } = {
  "oldValue, replacementValue": bindPlain,
  "oldValue, template": bindTemplate,
  "regexPattern, replacementValue": bindPattern,
  "regexPattern, regexGroupName, replacementValue": bindGroup,
  "regexPattern, regexGroupName, replacementAttributeName": bindOther,
};

/**
 * "Reference for writing expressions for attribute mappings in Microsoft Entra ID". Case counts. Not stated there and decided
 * here: NULL and the empty text have nothing to replace and come out as they are, save that another attribute may stand in.
 */
export const REPLACE_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "Replace",
    summary: "Replaces in a text: another text, what a pattern finds, or a place in a template.",
    parameters: [
      { name: "source", type: "text", summary: "The text; NULL gives NULL." },
      {
        name: "oldValue",
        type: "text",
        summary: "With replacementValue: the text that is replaced. With template: the place where the source goes.",
        optional: true,
      },
      {
        name: "regexPattern",
        type: "text",
        summary: "The pattern that is replaced, in .NET's syntax.",
        optional: true,
      },
      {
        name: "regexGroupName",
        type: "text",
        summary: "The group of the pattern that alone is replaced, or taken from another attribute.",
        optional: true,
      },
      {
        name: "replacementValue",
        type: "text",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a replacement names a group.
        summary: "What takes its place; with a pattern alone, ${name} and $1 stand for its groups.",
        optional: true,
      },
      {
        name: "replacementAttributeName",
        type: "text",
        summary: "The attribute whose group is taken where the source is empty, as in [mobile].",
        optional: true,
      },
      {
        name: "template",
        type: "text",
        summary: "A text in which oldValue is replaced by the source.",
        optional: true,
      },
    ],
    example: {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a replacement names a group.
      expression: 'Replace([phone], , "\\\\+(?<code>\\\\d+) (?<number>\\\\d+)", , "0${number}", , )',
      attributes: { phone: "+47 5550100" },
      value: "05550100",
    },
    bind: (args, at, search) => {
      const given = Object.fromEntries(NAMES.map((name, index) => [name, args[index]])) as Given;
      const names = NAMES.slice(1).filter((name) => isGiven(given[name]));
      const bind = MODES[names.join(", ")];
      if (bind !== undefined) return bind(given, { at, search });
      const ways = Object.keys(MODES).map((way) => `(${way})`);
      const message = `Replace takes beside its source ${ways.slice(0, -1).join(", ")} or ${ways.at(-1)}, not (${names.join(", ")}).`;
      throw new ExpressionFault("expression_invalid", message, at);
    },
  },
];

function reader(given: Given, name: (typeof NAMES)[number]): Reader<string | null> {
  return textIn("Replace", name, given[name]);
}

function placeOf(given: Given, parameter: (typeof NAMES)[number]) {
  return { of: "Replace", parameter, argument: given[parameter] };
}

function bindPlain(given: Given, { at }: Call): Evaluate {
  const source = reader(given, "source");
  const old = neededText(given, "oldValue");
  const value = reader(given, "replacementValue");
  return (context) => {
    const text = source(context);
    return text === null || text === "" ? text : replaceText(text, old(context), value(context) ?? "", at);
  };
}

/** A source without a value gives none: half a login name, such as "@contoso.com", would be wrong. */
function bindTemplate(given: Given, { at }: Call): Evaluate {
  const source = reader(given, "source");
  const old = neededText(given, "oldValue");
  const template = reader(given, "template");
  return (context) => {
    const text = source(context);
    return text === null || text === "" ? text : replaceText(template(context) ?? "", old(context), text, at);
  };
}

function bindPattern(given: Given, call: Call): Evaluate {
  const source = reader(given, "source");
  const pattern = patternIn("Replace", "regexPattern", given.regexPattern);
  const replacement = replacementIn(given, pattern);
  return (context) => {
    const text = source(context);
    const compiled = pattern(context);
    if (text === null || text === "" || compiled === null) return text;
    const { textFor, pieces } = replacement(context, compiled);
    const at = given.replacementValue?.at ?? call.at;
    return replaceFound(text, compiled, { given, call }, (found, replace) => {
      call.search(pieces * STEPS_PER_PIECE, "Replace: regexPattern with this replacementValue", at);
      replace(found.start, found.end, textFor(text, found));
    });
  };
}

/** The replacement is taken as it is written: references to groups are for patterns without a named one. */
function bindGroup(given: Given, call: Call): Evaluate {
  const source = reader(given, "source");
  const pattern = patternIn("Replace", "regexPattern", given.regexPattern);
  const group = groupIn(given, pattern);
  const value = reader(given, "replacementValue");
  return (context) => {
    const text = source(context);
    const compiled = pattern(context);
    if (text === null || text === "" || compiled === null) return text;
    const index = group(context, compiled);
    const instead = value(context) ?? "";
    return replaceFound(text, compiled, { given, call }, (found, replace) => {
      const part = found.group(index);
      if (part !== null) replace(part.start, part.end, instead);
    });
  };
}

function bindOther(given: Given, call: Call): Evaluate {
  const source = reader(given, "source");
  if (given.replacementAttributeName?.constant !== undefined) {
    throw invalid(placeOf(given, "replacementAttributeName"), "takes an attribute, as in [mobile]");
  }
  const other = reader(given, "replacementAttributeName");
  const pattern = patternIn("Replace", "regexPattern", given.regexPattern);
  const group = groupIn(given, pattern);
  return (context) => {
    const text = source(context);
    if (text !== null && text !== "") return text;
    const from = other(context);
    const compiled = pattern(context);
    if (from === null || compiled === null) return null;
    const index = group(context, compiled);
    let taken: string | null = null;
    searchFor(compiled, from, { ...placeOf(given, "regexPattern"), search: call.search }, (found) => {
      const part = found.group(index);
      taken = part === null ? null : from.slice(part.start, part.end);
      return false;
    });
    return taken;
  };
}

/** A text to look for: the empty one stands nowhere. */
function neededText(given: Given, name: "oldValue"): Reader<string> {
  const read = reader(given, name);
  const place = placeOf(given, name);
  if (given[name]?.constant === "") throw invalid(place, "is empty, so that there is nothing to replace");
  return (context) => {
    const text = read(context) ?? "";
    if (text === "") throw failed(place, "is empty, so that there is nothing to replace");
    return text;
  };
}

type ReplacementReader = (context: EvaluationContext, pattern: Pattern) => Replacement;

/** Constant as a rule, pattern and all: then it is read once. */
function replacementIn(given: Given, pattern: Reader<Pattern | null>): ReplacementReader {
  const value = reader(given, "replacementValue");
  const place = placeOf(given, "replacementValue");
  const read: ReplacementReader = (context, { translation }) => {
    const result = replacementOf(value(context) ?? "", translation);
    if ("flaw" in result) throw failed(place, result.flaw);
    return result.replacement;
  };
  return onceIfConstant([given.regexPattern, given.replacementValue], pattern, read);
}

function groupIn(
  given: Given,
  pattern: Reader<Pattern | null>,
): (context: EvaluationContext, pattern: Pattern) => number {
  const name = reader(given, "regexGroupName");
  const place = placeOf(given, "regexGroupName");
  return onceIfConstant([given.regexPattern, given.regexGroupName], pattern, (context, { translation }) => {
    const wanted = name(context) ?? "";
    const index = translation.names.get(wanted);
    if (index === undefined) throw failed(place, unknownGroup(wanted, translation));
    return index;
  });
}

/** Reads at once, and but once, what rests on constants alone. */
function onceIfConstant<T>(
  args: readonly (Argument | undefined)[],
  pattern: Reader<Pattern | null>,
  read: (context: EvaluationContext, pattern: Pattern) => T,
): (context: EvaluationContext, pattern: Pattern) => T {
  if (args.some((argument) => argument?.constant === undefined)) return read;
  return atBinding(() => {
    const compiled = pattern(NOBODY);
    if (compiled === null) return read;
    const value = read(NOBODY, compiled);
    return () => value;
  });
}

function replaceText(text: string, old: string, value: string, at: Span): string {
  const parts = text.split(old);
  if (text.length + (parts.length - 1) * (value.length - old.length) > MAX_TEXT)
    throw tooLong("What Replace gives", at);
  return parts.join(value);
}

/** Rebuilds a text from what is replaced in it; `decide` is told each find and says what to replace. */
function replaceFound(
  text: string,
  pattern: Pattern,
  { given, call }: { readonly given: Given; readonly call: Call },
  decide: (found: Found, replace: (start: number, end: number, value: string) => void) => void,
): string {
  let result = "";
  let rest = 0;
  const replace = (start: number, end: number, value: string): void => {
    result += text.slice(rest, start) + value;
    rest = end;
    if (result.length > MAX_TEXT) throw tooLong("What Replace gives", call.at);
  };
  searchFor(pattern, text, { ...placeOf(given, "regexPattern"), search: call.search }, (found) => {
    decide(found, replace);
    return true;
  });
  return result + text.slice(rest);
}
