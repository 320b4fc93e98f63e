import { booleanOf, isEmptyOperand, isList, isNullish } from "../coerce.ts";
import { ExpressionFault } from "../fault.ts";
import type { Argument, Evaluate, FunctionDefinition, Parameter } from "../function.ts";
import { Moment, OMITTED, type Operand } from "../operand.ts";
import type { Span } from "../tree.ts";
import { anyIn, atBinding, textIn, toText } from "./readers.ts";

const EXPRESSION: Parameter = { name: "Expression", type: "any", summary: "The value that is looked at." };

/**
 * Functions that choose and ask ("Reference for writing expressions for attribute mappings in Microsoft Entra ID"). Only the
 * branch that is chosen is evaluated. An empty list counts as NULL: it is how Graph gives an attribute without values.
 */
export const LOGIC_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "IIF",
    summary: "One value where a condition holds, else another; NULL does not hold.",
    parameters: [
      { name: "condition", type: "boolean", summary: "What is asked, with = <> > >= < <= if need be." },
      { name: "valueIfTrue", type: "any", summary: "The answer where it holds." },
      { name: "valueIfFalse", type: "any", summary: "The answer where it does not." },
    ],
    example: {
      expression: 'IIF([country] = "USA", [state], [city])',
      attributes: { country: "USA", state: "Ohio", city: "Dayton" },
      value: "Ohio",
    },
    bind: ([first, second, third], at) => {
      const condition = anyIn(first);
      const yes = anyIn(second);
      const no = anyIn(third);
      const place = first?.at ?? at;
      return (context) => (booleanNamed("IIF", condition(context), place) ? yes(context) : no(context));
    },
  },
  {
    name: "Switch",
    summary: "The value whose key is the source, compared as texts with their case; else the default.",
    parameters: [
      { name: "source", type: "text", summary: 'What is compared: NULL as "", booleans as True and False.' },
      {
        name: "defaultValue",
        type: "any",
        summary: "The answer where no key fits; NULL when left empty.",
        optional: true,
      },
      {
        name: "key",
        type: "text",
        summary: 'What the source is compared with; "" fits a source without a value.',
        repeats: true,
      },
      { name: "value", type: "any", summary: "The answer for that key.", repeats: true },
    ],
    example: {
      expression: 'Switch([state], "Australia/Sydney", "QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")',
      attributes: { state: "QLD" },
      value: "Australia/Brisbane",
    },
    bind: bindSwitch,
  },
  {
    name: "Coalesce",
    summary: "The first value that is not NULL; the empty text is one.",
    parameters: [
      { name: "source", type: "any", summary: "A value to take, the last one being the default.", repeats: true },
    ],
    example: {
      expression: "Coalesce([mail], [userPrincipalName])",
      attributes: { mail: null, userPrincipalName: "ana@contoso.com" },
      value: "ana@contoso.com",
    },
    bind: (args) => {
      const sources = args.map(anyIn);
      return (context) => {
        let operand: Operand = null;
        for (const source of sources) {
          operand = source(context);
          if (!isNull(operand)) return operand;
        }
        return operand === OMITTED ? OMITTED : null;
      };
    },
  },
  {
    name: "IgnoreFlowIfNullOrEmpty",
    summary: "Leaves the target's attribute as it is where the value is NULL or empty.",
    parameters: [EXPRESSION],
    example: {
      expression: "IgnoreFlowIfNullOrEmpty([department])",
      attributes: { department: "Sales" },
      value: "Sales",
    },
    place: "result",
    bind: ([first]) => {
      const source = anyIn(first);
      return (context) => {
        const operand = source(context);
        return isEmptyOperand(operand) ? OMITTED : operand;
      };
    },
  },
  {
    name: "Redact",
    summary: "The value itself, which is shown in no plan, history or log.",
    parameters: [{ name: "value", type: "any", summary: "An attribute or a value." }],
    example: { expression: "Redact([employeeId])", attributes: { employeeId: "4711" }, value: "4711" },
    bind: ([first]) => anyIn(first),
  },
  asking("IsNull", "Whether a value is NULL.", { mail: null }, isNull),
  asking("IsNullOrEmpty", "Whether a value is NULL or the empty text.", { mail: "" }, isEmptyOperand),
  asking("IsPresent", "Whether a value is neither NULL nor the empty text.", { mail: "ana@contoso.com" }, isPresent),
  asking("IsString", "Whether a value is a text: not NULL, a number, a boolean or a list.", { mail: "a@b" }, isText),
  {
    name: "Not",
    summary: "False for True, and True for everything else, NULL included.",
    parameters: [
      {
        name: "source",
        type: "boolean",
        summary: "True or False, be it a text in any case; a boolean answers a boolean.",
      },
    ],
    example: { expression: "Not([flag])", attributes: { flag: "True" }, value: "False" },
    bind: ([first]) => {
      const source = anyIn(first);
      return (context) => {
        const operand = source(context);
        if (typeof operand === "boolean") return !operand;
        return toText(operand, { of: "Not", parameter: "source", argument: first })?.toLowerCase() === "true"
          ? "False"
          : "True";
      };
    },
  },
  {
    name: "CBool",
    summary: "True for a number other than 0 and for True; False for 0, False, NULL and the empty text.",
    parameters: [EXPRESSION],
    example: { expression: "CBool([city] = [office])", attributes: { city: "Oslo", office: "Oslo" }, value: true },
    bind: ([first], at) => {
      const source = anyIn(first);
      const place = first?.at ?? at;
      return (context) => booleanNamed("CBool", source(context), place);
    },
  },
];

function asking(
  name: string,
  summary: string,
  attributes: FunctionDefinition["example"]["attributes"],
  ask: (operand: Operand) => boolean,
): FunctionDefinition {
  return {
    name,
    summary,
    parameters: [EXPRESSION],
    example: { expression: `${name}([mail])`, attributes, value: true },
    bind: ([first]) => {
      const source = anyIn(first);
      return (context) => ask(source(context));
    },
  };
}

function isNull(operand: Operand): boolean {
  return isNullish(operand) || (isList(operand) && operand.length === 0);
}

function isPresent(operand: Operand): boolean {
  return !isEmptyOperand(operand);
}

/** A date counts, for it is text to everything but functions on dates. */
function isText(operand: Operand): boolean {
  return typeof operand === "string" || operand instanceof Moment;
}

/** A value's truth; a fault names the function that asked. */
function booleanNamed(of: string, operand: Operand, at: Span): boolean {
  if (typeof operand === "boolean") return operand;
  try {
    return booleanOf(operand, at);
  } catch (error) {
    if (error instanceof ExpressionFault) throw new ExpressionFault(error.code, `${of}: ${error.message}`, error.at);
    throw error;
  }
}

/**
 * Keys that are constants are looked up at once, whatever their number; others are evaluated in their order, and only as far
 * as needed.
 */
function bindSwitch(args: readonly Argument[]): Evaluate {
  const source = textIn("Switch", "source", args[0]);
  const otherwise = anyIn(args[1]);
  const pairs = pairsOf(args.slice(2));
  const known = new Map<string, Evaluate>();
  for (const { key, value } of pairs) {
    const { constant } = key;
    if (constant === undefined) continue;
    const text = atBinding(() => toText(constant, { of: "Switch", parameter: "key", argument: key })) ?? "";
    if (!known.has(text)) known.set(text, value);
  }
  if (pairs.every(({ key }) => key.constant !== undefined)) {
    return (context) => (known.get(source(context) ?? "") ?? otherwise)(context);
  }
  const readers = pairs.map(({ key, value }) => ({ key: textIn("Switch", "key", key), value }));
  return (context) => {
    const text = source(context) ?? "";
    const found = readers.find(({ key }) => (key(context) ?? "") === text);
    return (found?.value ?? otherwise)(context);
  };
}

function pairsOf(args: readonly Argument[]): readonly { readonly key: Argument; readonly value: Evaluate }[] {
  return args.flatMap((key, index) => (index % 2 === 0 ? [{ key, value: anyIn(args[index + 1]) }] : []));
}
