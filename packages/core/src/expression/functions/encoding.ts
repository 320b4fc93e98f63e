import { isEmptyOperand } from "../coerce.ts";
import type { Argument, FunctionDefinition } from "../function.ts";
import type { Operand } from "../operand.ts";
import { anyIn, atBinding, failed, type Reader, textIn, toText } from "./readers.ts";

/**
 * Functions from one representation to another ("Reference for writing expressions for attribute mappings in Microsoft
 * Entra ID"). NULL in gives NULL out.
 */
export const ENCODING_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "ConvertToBase64",
    summary: "The Base64 of a text's UTF-16 bytes, little-endian, as an on-premises directory's immutable ids have it.",
    parameters: [{ name: "source", type: "text", summary: "The text." }],
    example: {
      expression: "ConvertToBase64([title])",
      attributes: { title: "Hello world!" },
      value: "SABlAGwAbABvACAAdwBvAHIAbABkACEA",
    },
    bind: ([first]) => encoding("ConvertToBase64", first, toBase64),
  },
  {
    name: "ConvertToUTF8Hex",
    summary: "The UTF-8 bytes of a text in hexadecimal, upper case.",
    parameters: [{ name: "source", type: "text", summary: "The text." }],
    example: { expression: "ConvertToUTF8Hex([title])", attributes: { title: "Zoë" }, value: "5A6FC3AB" },
    bind: ([first]) => encoding("ConvertToUTF8Hex", first, toHexadecimal),
  },
  {
    name: "CStr",
    summary: "A number, boolean, date or reference as text.",
    parameters: [{ name: "value", type: "any", summary: "The value; a boolean gives True or False." }],
    example: { expression: "CStr([employeeLevel])", attributes: { employeeLevel: 7 }, value: "7" },
    bind: ([first]) => textIn("CStr", "value", first),
  },
  {
    name: "BitAnd",
    summary: "The bits that two whole numbers have in common.",
    parameters: [
      { name: "value1", type: "number", summary: "A whole number of 64 bits, such as &H2; NULL gives NULL." },
      { name: "value2", type: "number", summary: "A whole number of 64 bits." },
    ],
    example: { expression: "BitAnd([userAccountControl], &H2)", attributes: { userAccountControl: 514 }, value: 2 },
    bind: ([first, second]) => {
      const one = bitsIn("value1", first);
      const other = bitsIn("value2", second);
      return (context) => {
        const left = one(context);
        const right = other(context);
        return left === null || right === null ? null : plainInteger(BigInt.asIntN(64, left & right));
      };
    },
  },
];

function encoding(of: string, argument: Argument | undefined, encode: (text: string) => string): Reader<string | null> {
  const source = textIn(of, "source", argument);
  return (context) => {
    const text = source(context);
    return text === null ? null : encode(text);
  };
}

function toBase64(text: string): string {
  let bytes = "";
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    bytes += String.fromCharCode(unit & 0xff, unit >> 8);
  }
  return btoa(bytes);
}

/** A half of a surrogate pair has no bytes in UTF-8: it becomes U+FFFD, as in .NET. */
function toHexadecimal(text: string): string {
  let digits = "";
  for (const byte of new TextEncoder().encode(text)) digits += byte.toString(16).padStart(2, "0");
  return digits.toUpperCase();
}

function bitsIn(parameter: string, argument: Argument | undefined): Reader<bigint | null> {
  const place = { of: "BitAnd", parameter, argument };
  const read = (operand: Operand): bigint | null => {
    if (isEmptyOperand(operand)) return null;
    const number =
      typeof operand === "boolean" ? (operand ? 1n : 0n) : integerOf(operand, toText(operand, place) ?? "");
    if (number === null) throw failed(place, "takes a whole number");
    if (number < -(2n ** 63n) || number >= 2n ** 64n) throw failed(place, "takes a whole number of 64 bits");
    return number;
  };
  const evaluate = anyIn(argument);
  const constant = argument?.constant;
  if (constant === undefined) return (context) => read(evaluate(context));
  const number = atBinding(() => read(constant));
  return () => number;
}

/** Texts keep all the digits that a number would round: they are read as they stand. */
function integerOf(operand: Operand, text: string): bigint | null {
  if (typeof operand === "number") return Number.isSafeInteger(operand) ? BigInt(operand) : null;
  return /^\s*[+-]?\d{1,20}\s*$/.test(text) ? BigInt(text.trim().replace(/^\+/, "")) : null;
}

/** A number, or its digits where a number would round them. */
function plainInteger(integer: bigint): number | string {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : String(integer);
}
