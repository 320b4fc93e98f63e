import { isEmptyOperand } from "../coerce.ts";
import { ExpressionFault } from "../fault.ts";
import type { FunctionDefinition } from "../function.ts";
import { toText } from "./readers.ts";

export const UNIQUE_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "SelectUniqueValue",
    summary: "The first value that no record of the target holds yet, nor one that the plan is about to write.",
    parameters: [
      { name: "uniqueValueRule1", type: "text", summary: "The value that is tried first." },
      {
        name: "uniqueValueRule2",
        type: "text",
        summary: "The value that is tried next; empty ones are passed over.",
        repeats: true,
      },
    ],
    example: {
      expression: 'SelectUniqueValue([mailNickname], Append([mailNickname], "2"))',
      attributes: { mailNickname: "ana" },
      value: "ana",
    },
    place: "top",
    bind: (args, at) => (context) => {
      let tried = 0;
      for (const argument of args) {
        const operand = argument.evaluate(context);
        if (isEmptyOperand(operand)) continue;
        const value = toText(operand, { of: "SelectUniqueValue", parameter: "uniqueValueRule", argument }) ?? "";
        if (context.isTaken?.(value) !== true) return value;
        tried += 1;
      }
      if (tried === 0) return null;
      const which = tried === 1 ? "the one value that it tried" : `all ${tried} values that it tried`;
      const message = `SelectUniqueValue found ${which} taken in the target: add a rule that gives another value.`;
      throw new ExpressionFault("expression_failed", message, at);
    },
  },
];
