import type { EvaluationContext } from "../context.ts";
import { ExpressionFault } from "../fault.ts";
import type { FunctionDefinition } from "../function.ts";
import type { Span } from "../tree.ts";
import { atBinding, NOBODY, neededWhole, textIn } from "./readers.ts";

const MAX_LENGTH = 256;

/** "Password must meet complexity requirements" (Microsoft) names the special characters. */
const DIGITS = "0123456789";
const SPECIALS = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/";
const CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWERS = "abcdefghijklmnopqrstuvwxyz";

/** Functions that draw: the context gives the chance, and only where a record is created. */
export const RANDOM_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "Guid",
    summary: "A new random GUID; only where a record is created.",
    parameters: [],
    example: {
      expression: "Guid()",
      attributes: {},
      value: "00000000-0000-4000-8000-000000000000",
    },
    volatile: true,
    bind: (_, at) => (context) => creationOf("Guid", context, at).guid(),
  },
  {
    name: "RandomString",
    summary: "A random text with at least so many characters of each class; only where a record is created.",
    parameters: [
      {
        name: "Length",
        type: "number",
        summary: "How many characters in all, at most 256; no less than the minimums together.",
      },
      { name: "MinimumNumbers", type: "number", summary: "Digits at least." },
      { name: "MinimumSpecialCharacters", type: "number", summary: "Special characters at least." },
      { name: "MinimumCapital", type: "number", summary: "Capital letters at least." },
      {
        name: "MinimumLowerCase",
        type: "number",
        summary:
          "Small letters at least. Further characters come from the classes that are asked for, or else are letters and digits.",
      },
      {
        name: "CharactersToAvoid",
        type: "text",
        summary: "Characters that never occur, such as those easily confused.",
        optional: true,
      },
    ],
    example: { expression: 'Left(RandomString(8, 8, 0, 0, 0, "123456789"), 4)', attributes: {}, value: "0000" },
    volatile: true,
    bind: (args, at) => {
      const whole = (index: number, parameter: string, least: number, most = MAX_LENGTH) =>
        neededWhole("RandomString", parameter, args[index], { least, most });
      const length = whole(0, "Length", 1);
      const minimums = [
        { least: whole(1, "MinimumNumbers", 0), name: "digits", characters: DIGITS },
        { least: whole(2, "MinimumSpecialCharacters", 0), name: "special characters", characters: SPECIALS },
        { least: whole(3, "MinimumCapital", 0), name: "capital letters", characters: CAPITALS },
        { least: whole(4, "MinimumLowerCase", 0), name: "small letters", characters: LOWERS },
      ];
      const avoided = textIn("RandomString", "CharactersToAvoid", args[5]);
      const wish = (context: EvaluationContext): Wish => ({
        length: length(context),
        classes: minimums.map(({ least, name, characters }) => ({ least: least(context), name, characters })),
        avoid: new Set(avoided(context) ?? ""),
      });
      const checked = (context: EvaluationContext): Wish => {
        const wished = wish(context);
        const flaw = flawOf(wished);
        if (flaw !== null) throw new ExpressionFault("expression_failed", `RandomString: ${flaw}.`, at);
        return wished;
      };
      if (args.every(({ constant }) => constant !== undefined)) atBinding(() => checked(NOBODY));
      return (context) => {
        const { random } = creationOf("RandomString", context, at);
        return draw(checked(context), random);
      };
    },
  },
];

function creationOf(of: string, { creation }: EvaluationContext, at: Span): NonNullable<EvaluationContext["creation"]> {
  if (creation !== undefined) return creation;
  const message = `${of} answers anew each time, so it can only be asked where a record is created: let the field be applied on create.`;
  throw new ExpressionFault("expression_failed", message, at);
}

interface Wish {
  readonly length: number;
  readonly classes: readonly { readonly least: number; readonly name: string; readonly characters: string }[];
  readonly avoid: ReadonlySet<string>;
}

/** Why a wish can never be met: the rest of a sentence. */
function flawOf(wish: Wish): string | null {
  const least = wish.classes.reduce((sum, one) => sum + one.least, 0);
  if (least > wish.length) return `Length is ${wish.length}, but the minimums come to ${least}`;
  const spent = wish.classes.find((one) => one.least > 0 && allowed(one.characters, wish.avoid) === "");
  if (spent !== undefined) return `CharactersToAvoid leaves no ${spent.name}, of which ${spent.least} are asked for`;
  return restOf(wish) === "" ? "CharactersToAvoid leaves no character at all" : null;
}

/** What characters beyond the minimums are drawn from: the classes that are asked for; if none is, letters and digits. */
function restOf({ classes, avoid }: Wish): string {
  const asked = classes.filter(({ least }) => least > 0).map(({ characters }) => characters);
  return allowed(asked.length > 0 ? asked.join("") : DIGITS + CAPITALS + LOWERS, avoid);
}

function allowed(characters: string, avoid: ReadonlySet<string>): string {
  return [...characters].filter((character) => !avoid.has(character)).join("");
}

function draw(wish: Wish, random: (limit: number) => number): string {
  const drawn: string[] = [];
  const add = (from: string) => drawn.push(from.charAt(random(from.length)));
  for (const { least, characters } of wish.classes) {
    const from = allowed(characters, wish.avoid);
    for (let count = 0; count < least; count += 1) add(from);
  }
  const rest = restOf(wish);
  while (drawn.length < wish.length) add(rest);
  return shuffled(drawn, random).join("");
}

/** Fisher and Yates's shuffle: every order is as likely as any other. */
function shuffled(items: readonly string[], random: (limit: number) => number): readonly string[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = random(last + 1);
    [order[last], order[other]] = [order[other] ?? "", order[last] ?? ""];
  }
  return order;
}
