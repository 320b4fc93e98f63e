import { grouped } from "@entrain/core";
import { approvalInWords, approvalOf } from "../runs/approval.ts";
import { type ComparedRecord, comparePlans, countCompared } from "../runs/plan-compare.ts";
import { changePages, countChanges, planAsCsv, planAsJson } from "../runs/plan-export.ts";
import {
  type ChangeFilter,
  findPlanRow,
  joinedBy,
  type ListedPlan,
  listPlans,
  type PlannedChangeView,
  planIssues,
  planView,
} from "../runs/plan-queries.ts";
import { recordsNamed } from "../runs/plan-records.ts";
import type { PlanRow } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import {
  command,
  type Invocation,
  numberOption,
  type Options,
  type Register,
  requireOneOf,
  textOption,
} from "./command.ts";
import { findRow } from "./entries.ts";
import { ownHoldLines } from "./own-hold.ts";
import { changeLine } from "./plan.ts";
import { countsInWords, joinedInWords, seatsInWords, selectionInWords, stateInWords, timeInWords } from "./wording.ts";

const ACTIONS = ["create", "join", "update", "enable", "disable", "delete", "members", "lookup"];
const STATES = ["sealed", "held", "applying", "approved", "applied", "rejected", "superseded", "split", "abandoned"];
const NAMED = "an id, a digest, or its first characters (at least 8)";

/** `plan list|show|export|compare`: plans that were made, whatever became of them. */
export const register: Register = (group, world, ended) => {
  const list = group
    .command("list")
    .description("plans, newest first: what they hold, and what became of them")
    .option("--sync <name>", "only this sync's")
    .option("--state <state>", STATES.join(", "))
    .option("--limit <count>", "how many", "20");
  command(list, world, ended, listCommand);
  const show = group
    .command("show <plan>")
    .description(`a plan with its changes; <plan> is ${NAMED}`)
    .option("--action <action>", ACTIONS.join(", "))
    .option("--record <id>", "only what concerns this object id, record id or user principal name")
    .option("--text <text>", "only changes whose name, ids, reason or values hold it")
    .option("--limit <count>", "how many changes", "100")
    .option("--all", "every change");
  command(show, world, ended, showCommand);
  const write = group
    .command("export <plan>")
    .description("the whole plan with before and after of every attribute; redirect it into a file")
    .option("--format <format>", "json or csv; in csv no cell is taken for a formula", "json");
  command(write, world, ended, exportCommand);
  const compare = group
    .command("compare <first> <second>")
    .description("two plans record by record: what only one has, what differs")
    .option("--limit <count>", "how many records", "100")
    .option("--all", "every record");
  command(compare, world, ended, compareCommand);
};

async function listCommand(invocation: Invocation, _args: readonly string[], options: Options): Promise<undefined> {
  const { output } = invocation;
  const limit = numberOption(options, "limit", { min: 1, max: 1000 });
  const state = textOption(options, "state");
  if (state !== undefined) requireOneOf(state, "state", STATES);
  const installation = await invocation.open();
  const name = textOption(options, "sync");
  const sync = name === undefined ? undefined : (await findRow(installation, "syncs", name)).id;
  const plans = await listPlans(installation.store, { sync, state, limit });
  await output.value(plans);
  if (plans.length === 0) await output.say("There are no such plans. Make one: entrain sync plan NAME");
  else {
    const heading = ["MADE", "SYNC", "STATE", "WHAT", "ASKED BY", "DECIDED BY", "DIGEST", "PLAN"];
    await output.table(heading, plans.map(cellsOf));
  }
  return undefined;
}

function cellsOf(plan: ListedPlan): readonly string[] {
  const { createdAt, syncName, sync, counts, askedBy, decidedBy, digest, plan: id } = plan;
  return [
    timeInWords(createdAt),
    syncName ?? sync,
    stateInWords(plan),
    countsInWords(counts),
    askedBy?.id ?? "",
    decidedBy?.id ?? "",
    digest?.slice(0, 12) ?? "",
    id,
  ];
}

async function showCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const { output } = invocation;
  const limit =
    options.all === true ? Number.POSITIVE_INFINITY : numberOption(options, "limit", { min: 1, max: 100_000 });
  const asked = filterOf(options);
  const { store } = await invocation.open();
  const row = await findPlanRow(store, name);
  const filter = await byObjectId(store, row, asked);
  const plan = planView(row);
  const approval = row.state === "held" ? await approvalOf(store.db, row) : null;
  if (output.json) {
    const trace: unknown = row.trace === null ? null : JSON.parse(row.trace);
    const head = JSON.stringify({ ...plan, joinedBy: await joinedBy(store, { plan: row.id }), approval, trace });
    await output.piece(`${head.slice(0, -1)},"changes":[`);
    let first = true;
    for await (const { key: _key, ...change } of changesUpTo(store, { row, filter, limit })) {
      await output.piece(`${first ? "\n" : ",\n"}${JSON.stringify(change)}`);
      first = false;
    }
    await output.piece("]}\n");
    return undefined;
  }
  await output.say(...headLines(row));
  if (approval !== null) await output.say(`approval   ${approvalInWords(approval)}`);
  if (plan.counts.join > 0) {
    await output.say(`joins      ${joinedInWords(await joinedBy(store, { plan: row.id }))}`);
  }
  for (const { detail } of plan.holds) await output.say(`held       ${detail}`);
  let shown = 0;
  for await (const change of changesUpTo(store, { row, filter, limit })) {
    await output.say(changeLine(change, true), ...(await ownHoldLines(store, row.id, change)));
    shown += 1;
  }
  const filtered = Object.keys(filter).length > 0;
  if (shown === 0) await output.say(filtered ? "No change of it is like that." : whyNone(row));
  const more = shown === limit ? (await countChanges(store, row.id, filter)) - shown : 0;
  if (more > 0) await output.say(`… and ${grouped(more)} more: --all`);
  for (const { name: who, objectId, code, detail } of await planIssues(store, row.id, { after: -1, limit: 10 })) {
    await output.say(`  not planned: ${who ?? objectId ?? ""} (${code}): ${detail}`);
  }
  return undefined;
}

function whyNone({ state }: PlanRow): string {
  return state === "forgotten" || state === "abandoned"
    ? "Its changes are not kept any more; what was applied stands in the journal."
    : "It has no changes.";
}

function headLines(row: PlanRow): readonly string[] {
  const { plan, state, part, digest, counts, askedBy, decidedBy, createdAt, finishedAt, ...more } = planView(row);
  return [
    `plan       ${plan}`,
    `digest     ${digest ?? "none"}`,
    `state      ${stateInWords({ state, part, holds: more.holds })}`,
    `made       ${timeInWords(createdAt)}${askedBy === null ? "" : `, for ${askedBy.id}`}`,
    ...(decidedBy === null ? [] : [`decided    by ${decidedBy.id}`]),
    ...(finishedAt === null ? [] : [`ended      ${timeInWords(finishedAt)}`]),
    ...(more.splitFrom === null ? [] : [`split from ${more.splitFrom}`]),
    ...(more.undoes === null ? [] : [`undoes     ${more.undoes}`]),
    ...(more.selection === null ? [] : [`only       ${selectionInWords(more.selection)}`]),
    ...(more.seats === null ? [] : [`seats      ${seatsInWords(more.seats)}`]),
    `changes    ${countsInWords(counts)}`,
  ];
}

function filterOf(options: Options): ChangeFilter {
  const [action, record, text] = ["action", "record", "text"].map((name) => textOption(options, name));
  if (action !== undefined) requireOneOf(action, "action", ACTIONS);
  return {
    ...(action === undefined ? {} : { action }),
    ...(record === undefined ? {} : { record }),
    ...(text === undefined ? {} : { text }),
  };
}

/** People may be asked for by their user principal names, too. */
async function byObjectId(store: Store, row: PlanRow, filter: ChangeFilter): Promise<ChangeFilter> {
  if (filter.record === undefined) return filter;
  const [record = filter.record] = await recordsNamed(store, row, [filter.record]);
  return { ...filter, record };
}

async function* changesUpTo(
  store: Store,
  of: { readonly row: PlanRow; readonly filter: ChangeFilter; readonly limit: number },
): AsyncGenerator<PlannedChangeView> {
  let shown = 0;
  for await (const page of changePages(store, of.row.id, of.filter)) {
    for (const change of page) {
      if (shown === of.limit) return;
      yield change;
      shown += 1;
    }
  }
}

async function exportCommand(
  { output, open }: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const format = textOption(options, "format") ?? "json";
  requireOneOf(format, "format", ["json", "csv"]);
  const { store } = await open();
  const row = await findPlanRow(store, name);
  const pieces = format === "csv" ? planAsCsv(store, row) : planAsJson(store, row);
  for await (const piece of pieces) await output.text(piece);
  return undefined;
}

async function compareCommand(
  invocation: Invocation,
  [one = "", other = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const { output } = invocation;
  const limit =
    options.all === true ? Number.POSITIVE_INFINITY : numberOption(options, "limit", { min: 1, max: 100_000 });
  const { store } = await invocation.open();
  const [first, second] = [await findPlanRow(store, one), await findPlanRow(store, other)];
  const plans = { first: first.id, second: second.id };
  const counts = await countCompared(store, plans);
  const digests = { first: first.digest, second: second.digest };
  await output.piece(`${JSON.stringify({ ...plans, digests, counts }).slice(0, -1)},"records":[`);
  const alike = first.digest !== null && first.digest === second.digest;
  await output.say(
    alike ? "The two plans are the same: their digests are equal." : `first   ${first.id}\nsecond  ${second.id}`,
    `Only in the first: ${grouped(counts.first)}. Only in the second: ${grouped(counts.second)}. ` +
      `Different: ${grouped(counts.differs)}. The same: ${grouped(counts.same)}.`,
  );
  let shown = 0;
  for await (const record of comparePlans(store, plans)) {
    if (record.verdict === "same") continue;
    if (shown === limit) {
      await output.say(`… and ${grouped(counts.first + counts.second + counts.differs - shown)} more: --all`);
      break;
    }
    await output.piece(`${shown === 0 ? "\n" : ",\n"}${JSON.stringify(record)}`);
    await output.say(comparedLine(record));
    shown += 1;
  }
  await output.piece("]}\n");
  return undefined;
}

function comparedLine({ name, verdict, first, second, differing }: ComparedRecord): string {
  const told = (side: typeof first): string => (side === null ? "" : `${side.action} ${name}: ${side.reason}`);
  if (verdict === "first") return `- ${told(first)}`;
  if (verdict === "second") return `+ ${told(second)}`;
  return `~ ${name} (${differing.join(", ")})\n    first   ${told(first)}\n    second  ${told(second)}`;
}
