import { inWords } from "@entrain/core";
import type { Trace, TraceField, TraceOutcome } from "../runs/trace.ts";
import { type PersonTrace, type TraceFault, tracePerson } from "../runs/trace-person.ts";
import { type Invocation, type Options, textOption } from "./command.ts";
import { noSuchPerson } from "./person-found.ts";
import { ruleInWords } from "./wording.ts";

/** Shows how the syncs treat one person, field by field. */
export async function showTrace(
  invocation: Invocation,
  [id = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const { engine } = await invocation.open();
  const sync = textOption(options, "sync") ?? null;
  const people = await tracePerson(engine, { person: id, sync, signal: invocation.signal });
  if (people.length === 0) throw noSuchPerson(id);
  await invocation.output.value(people);
  for (const person of people) await tell(invocation, person);
  return undefined;
}

async function tell({ output }: Invocation, person: PersonTrace): Promise<void> {
  await output.say(`${person.displayName ?? person.id} in ${person.connection}`);
  if (person.syncs.length === 0) await output.say("No sync of this connection provisions people.");
  for (const trace of person.syncs) {
    await output.say("");
    if ("error" in trace) await output.say(...faultLines(trace));
    else await output.say(...traceLines(trace));
  }
}

/** How one sync treats one record, in lines. */
export function traceLines(trace: Trace): readonly string[] {
  return [...headLines(trace), ...trace.fields.flatMap(fieldLines)];
}

function faultLines({ sync, error }: TraceFault): readonly string[] {
  return [`${sync}: cannot be told: ${error.message}`, `  → ${error.fix}`];
}

function headLines({
  sync,
  target,
  kind,
  scope,
  protectedBy,
  record,
  sought,
  outcome,
  issues,
}: Trace): readonly string[] {
  const found = record?.matchedBy == null ? "" : `, found by ${record.matchedBy}`;
  return [
    `${sync} → ${target}`,
    `  scope   ${scope === null ? "not asked: deleted at the source" : `${scope.in ? "in" : "out"}: ${scope.reason}`}`,
    `  record  ${record === null ? "none" : `${kind} ${record.id} (${record.state}${found})`}`,
    ...(protectedBy === undefined ? [] : [`  kept    by ${protectedBy}: nothing is taken away`]),
    ...(sought.length === 0 ? [] : [`  by      ${sought.map(soughtInWords).join(", else by ")}`]),
    `  plan    ${planInWords(outcome, sync)}`,
    ...issues
      .filter(({ detail }) => detail !== outcome.reason)
      .map(({ code, detail }) => `  issue   ${code}: ${detail}`),
  ];
}

function soughtInWords({ attribute, value }: Trace["sought"][number]): string {
  return `${attribute} ${inWords(value)}`;
}

function planInWords({ action, reason, code, digest }: TraceOutcome, sync: string): string {
  if (action === "none") return reason === "" ? "nothing to do" : `nothing to do: ${reason}`;
  if (action === "issue") return `cannot be planned: ${code}: ${reason}`;
  if (action === "held") return `${reason} (entrain sync approve ${sync} --digest ${digest})`;
  return `${action}: ${reason}`;
}

/** What becomes of the field, and below it what it is made of. */
function fieldLines(field: TraceField): readonly string[] {
  const { attribute, rule, sources } = field;
  const read = Object.entries(sources).map(([name, source]) => `${name} = ${inWords(source)}`);
  const from = "direct" in rule && read.length === 1 ? read : [ruleInWords(rule), ...read];
  return [`  ${attribute}: ${becomes(field)}`, `      ${from.join("; ")}`];
}

function becomes({ value, present, detail, written }: TraceField): string {
  const now = present === undefined ? "" : inWords(present);
  if (written) {
    return `write ${now === "" ? "" : `${now} → `}${inWords(value)}${detail === null ? "" : ` (${detail})`}`;
  }
  const given = value === undefined ? [] : [inWords(value)];
  const said = detail === null ? given : [...given, detail];
  return now === "" || now === said[0] ? said.join(", ") : `${[...said, `the target has ${now}`].join("; ")}`;
}
