import { nearest } from "../model/nearest.ts";
import type { Argument, FunctionDefinition, Parameter } from "./function.ts";

/** `Mid(source, start, length)`, optional ones in brackets, repeated ones followed by an ellipsis. */
export function signatureOf({ name, parameters }: FunctionDefinition): string {
  const words = parameters.map((parameter) => (parameter.optional ? `[${parameter.name}]` : parameter.name));
  const repeats = parameters.some((parameter) => parameter.repeats);
  return `${name}(${[...words, ...(repeats ? ["…"] : [])].join(", ")})`;
}

/** The parameter that an argument stands for; `undefined` for one too many. */
export function parameterAt({ parameters }: FunctionDefinition, index: number): Parameter | undefined {
  const first = parameters.findIndex((parameter) => parameter.repeats);
  if (first < 0 || index < parameters.length) return parameters[index];
  return parameters[first + ((index - first) % (parameters.length - first))];
}

/** What is wrong with the number of arguments, naming the parameters; `null` when nothing is. */
export function wrongCount(definition: FunctionDefinition, count: number): string | null {
  const { name, parameters } = definition;
  const first = parameters.findIndex((parameter) => parameter.repeats);
  const least = parameters.findLastIndex((parameter) => !parameter.optional) + 1;
  const most = first < 0 ? parameters.length : Number.POSITIVE_INFINITY;
  if (count < least) {
    const missing = parameters.slice(count, least).filter((parameter) => !parameter.optional);
    return `${inWords(definition, least, most)}, but has ${count}: ${missing.map((one) => one.name).join(", ")} missing.`;
  }
  if (count > most) return `${inWords(definition, least, most)}, but has ${count}.`;
  const group = parameters.slice(Math.max(first, 0));
  if (first < 0 || group.some((parameter) => parameter.optional) || (count - first) % group.length === 0) return null;
  const names = group.map((parameter) => parameter.name).join(" and ");
  return `${name} takes ${names} together, again and again, but the last ${group.length - 1 === 1 ? "one has no partner" : "ones are not complete"}: ${signatureOf(definition)}.`;
}

function inWords(definition: FunctionDefinition, least: number, most: number): string {
  const range =
    most === least ? `${least}` : most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
  return `${signatureOf(definition)} takes ${most === 0 ? "no" : range} argument${range === "1" ? "" : "s"}`;
}

/** What is wrong with one argument, as far as its parameter alone tells; `null` when nothing is. */
export function wrongArgument(
  name: string,
  { name: parameter, optional, choices }: Parameter,
  given: Argument,
): string | null {
  if (given.empty) return optional ? null : `${name} needs a value for ${parameter} here.`;
  const word = given.word ?? (typeof given.constant === "string" ? given.constant : null);
  if (choices === undefined || word === null || choices.includes(word) || (word === "" && optional)) return null;
  return `${parameter} of ${name} is one of ${choices.join(", ")}, not ${given.word ?? JSON.stringify(word)}${meant(word, choices)}.`;
}

/** `; did you mean x?` with a word on case where only that differs, or nothing. */
export function meant(name: string, known: readonly string[]): string {
  const other = known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (other !== undefined) return `; did you mean ${other}? Upper and lower case count`;
  const near = nearest(name, known);
  return near === null ? "" : `; did you mean ${near}?`;
}
