import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import {
  type Attributes,
  ConnectorError,
  describeFunction,
  FUNCTIONS,
  type FunctionDefinition,
  nearest,
  signatureOf,
  type Value,
} from "@entrain/core";
import { evaluateOnce, type Trial, type TrialResult } from "../runs/trial.ts";
import { command, type ExitCode, type Invocation, type Options, type Register, textOption, usage } from "./command.ts";

export const register: Register = (group, world, ended) => {
  const evaluate = group
    .command("eval [expression]")
    .description("what an expression of a mapping gives, for the attributes that are given")
    .option("--attributes <json>", 'the source\'s attributes, such as {"givenName":"Ana"}; those left out are NULL')
    .option(
      "--taken <value>",
      "a value that the target holds already, for SelectUniqueValue; may be repeated",
      collect,
      [],
    )
    .option("--file <path>", 'one JSON object a line, {"expression", "attributes", "taken"}; - reads standard input')
    .addHelpText(
      "after",
      `
Prints the value: a text as it is, anything else as JSON, NULL where there is none. The person counts as being created, so
that Now, Guid and RandomString work. Attributes are named as in a mapping: [telephoneNumber] is the first of businessPhones.
With --json it prints {value} or {error: {code, message, column}}; {value: null, omitted: true} where the target's attribute
is left as it is; "unknown" names attributes that were not given, which are NULL. With --file each line, a blank one too, is
answered by one such line; errors then have the "line", from 1.
Exit codes: 0 success, 1 where an expression failed, 2 wrong usage.`,
    );
  command(evaluate, world, ended, evaluate_);
  const functions = group.command("functions [name]").description("the functions of the language, or one in full");
  command(functions, world, ended, functions_);
};

function collect(value: string, others: readonly string[] = []): readonly string[] {
  return [...others, value];
}

async function evaluate_(
  invocation: Invocation,
  [expression = ""]: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const file = textOption(options, "file");
  const attributes = textOption(options, "attributes");
  const taken = Array.isArray(options.taken) ? options.taken.map(String) : [];
  if (file !== undefined) {
    if (expression !== "" || attributes !== undefined || taken.length > 0) {
      throw usage("Give --file alone: the expression, attributes and taken of each case stand in its lines.");
    }
    return evaluateLines(invocation, file);
  }
  if (expression === "") throw usage("Give an expression, or --file.");
  const result = evaluateOnce(
    { expression, attributes: attributes === undefined ? {} : attributesOf(attributes), taken },
    invocation.world.clock,
  );
  await invocation.output.value(result);
  for (const name of result.unknown ?? []) {
    invocation.output.remark(`[${name}] is not among the attributes that were given, so it is NULL.`);
  }
  if (!("error" in result)) {
    await invocation.output.say(inPlain(result));
    return 0;
  }
  for (const { column, message } of result.faults) invocation.output.remark(`error: column ${column}: ${message}`);
  return 1;
}

function attributesOf(json: string): Attributes {
  const value = parsed(json);
  if (!isObject(value)) {
    throw usage(`--attributes takes a JSON object, such as '{"givenName":"Ana","businessPhones":["+1 555 0100"]}'.`);
  }
  return value;
}

/** Lines are answered one by one, so that a file of any length can be given. */
async function evaluateLines(invocation: Invocation, file: string): Promise<ExitCode> {
  const { world, output } = invocation;
  const source = file === "-" ? world.stdin : await openFile(file);
  let failed = false;
  let line = 0;
  try {
    for await (const text of linesOf(source)) {
      world.signal.throwIfAborted();
      line += 1;
      const trial = trialOf(text);
      const result = typeof trial === "string" ? unusable(trial) : evaluateOnce(trial, world.clock);
      const isError = "error" in result;
      failed ||= isError;
      const told = isError ? { ...result, error: { ...result.error, line } } : result;
      await output.text(`${JSON.stringify(told)}\n`);
    }
  } finally {
    source.destroy();
  }
  return failed ? 1 : 0;
}

/** What line feeds part; a text of JSON may hold other separators, such as U+2028. The last line feed begins no line. */
async function* linesOf(source: Readable): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of source.setEncoding("utf8")) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

async function openFile(path: string): Promise<Readable> {
  try {
    const handle = await open(path);
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new Error("it is a folder");
    }
    return handle.createReadStream();
  } catch (error) {
    throw usage(`The file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** The case of a line, or what is wrong with the line. */
function trialOf(line: string): Trial | string {
  const value = parsed(line.replace(/^\uFEFF/, ""));
  if (!isObject(value)) return 'Each line must be a JSON object, such as {"expression":"[mail]","attributes":{}}.';
  const { expression, attributes = {}, taken = [] } = value;
  if (typeof expression !== "string") return 'The line has no "expression" that is a text.';
  if (!isObject(attributes)) return '"attributes" must be a JSON object.';
  if (!Array.isArray(taken)) return '"taken" must be a list of texts.';
  return { expression, attributes, taken: taken.map(String) };
}

function unusable(message: string): TrialResult {
  const fault = { code: "usage", message, column: 1 };
  return { error: fault, faults: [fault] };
}

/** `undefined` where the text is no JSON. */
function parsed(json: string): Value | undefined {
  try {
    return JSON.parse(json) as Value;
  } catch {
    return undefined;
  }
}

function isObject(value: Value | undefined): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inPlain({ value, omitted }: Extract<TrialResult, { readonly value: Value }>): string {
  if (omitted === true) return "The target's attribute is left as it is.";
  if (value === null) return "NULL";
  return typeof value === "string" ? value : JSON.stringify(value);
}

async function functions_(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const all = [...FUNCTIONS.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (name === "") {
    await invocation.output.value(all.map(documented));
    const rows = all.map(({ name, summary }) => [name, summary]);
    await invocation.output.table(["FUNCTION", "GIVES"], rows);
    await invocation.output.say("entrain expression functions NAME tells its parameters, with an example.");
    return undefined;
  }
  const one = all.find((definition) => definition.name.toLowerCase() === name.toLowerCase());
  if (one === undefined) {
    const near = nearest(name, [...FUNCTIONS.keys()]);
    const hint = near === null ? "entrain expression functions lists all." : `Did you mean ${near}?`;
    const message = `There is no function ${name}. ${hint}`;
    throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
  }
  await invocation.output.value(documented(one));
  await invocation.output.say(signatureOf(one), ...describeFunction(one));
  return undefined;
}

function documented(definition: FunctionDefinition): unknown {
  const { name, summary, parameters, example, volatile = false, place = "anywhere" } = definition;
  return { name, signature: signatureOf(definition), summary, parameters, example, volatile, place };
}
