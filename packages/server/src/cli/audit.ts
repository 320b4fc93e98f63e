import { grouped, inWords, type Value } from "@entrain/core";
import { type JournalKey, type JournalOf, type JournalView, journalPage, namesIn } from "../runs/journal-views.ts";
import { verifyJournal } from "../store/journal.ts";
import {
  command,
  type ExitCode,
  type Invocation,
  numberOption,
  type Options,
  type Register,
  textOption,
  usage,
} from "./command.ts";
import { findRow } from "./entries.ts";
import { momentOf } from "./moment.ts";
import { timeInWords } from "./wording.ts";

const PAGE = 500;

export const register: Register = (group, world, ended) => {
  const list = group
    .command("list")
    .description("the journal, newest first: who did what to whom, when and why")
    .option("--person <id>", "of one person or group, by object id")
    .option("--record <target/id>", "of one record of a target, alone")
    .option("--run <run>", "of one run")
    .option("--sync <name>", "of one sync")
    .option("--since <time>", "from a day or a time on")
    .option("--until <time>", "up to a day, with it, or a time")
    .option("--limit <count>", "how many", "100");
  command(list, world, ended, listJournal);
  command(
    group.command("verify").description("check that nothing of the journal was changed or cut out"),
    world,
    ended,
    verify,
  );
};

async function listJournal(invocation: Invocation, _args: readonly string[], options: Options): Promise<undefined> {
  const { output } = invocation;
  const limit = numberOption(options, "limit", { min: 1, max: 1_000_000 });
  const [since, until] = [textOption(options, "since"), textOption(options, "until")];
  const span = {
    since: since === undefined ? null : momentOf(since, "since", "begin"),
    until: until === undefined ? null : momentOf(until, "until", "end") + 1,
  };
  const of = await whatOf(invocation, options);
  const { store } = await invocation.open();
  let before: JournalKey | null = null;
  let shown = 0;
  await output.piece("[");
  while (shown < limit) {
    const page: readonly JournalView[] = await journalPage(store, of, {
      ...span,
      before,
      limit: Math.min(PAGE, limit - shown),
    });
    const last = page.at(-1);
    if (last === undefined) break;
    before = { at: last.at, stream: last.stream, sequence: last.sequence };
    const names = output.json ? new Map<string, string>() : await namesIn(store, page.flatMap(membersIn));
    for (const entry of page) {
      await output.piece(`${shown > 0 ? "," : ""}\n${JSON.stringify(entry)}`);
      await output.say(...linesOf(entry, names));
      shown += 1;
    }
  }
  await output.piece(shown === 0 ? "]\n" : "\n]\n");
  if (shown === 0) await output.say("The journal has nothing of that.");
  else if (shown === limit) await output.say(`The newest ${limit}; --limit shows more.`);
  return undefined;
}

async function whatOf(invocation: Invocation, options: Options): Promise<JournalOf> {
  const installation = await invocation.open();
  const given = ["person", "record", "run", "sync"].filter((name) => textOption(options, name) !== undefined);
  if (given.length > 1 && given.includes("record"))
    throw usage(
      `--record stands alone, without ${given
        .filter((name) => name !== "record")
        .map((name) => `--${name}`)
        .join(" and ")}.`,
    );
  const [person, record, run, sync] = ["person", "record", "run", "sync"].map((name) => textOption(options, name));
  if (record !== undefined) {
    const [target = "", ...id] = record.split("/");
    if (id.length === 0) throw usage("--record takes the target's name and the record's id: desk/1234.");
    return { record: { target: (await findRow(installation, "targets", target)).id, id: id.join("/") } };
  }
  return {
    ...(person === undefined ? {} : { person }),
    ...(run === undefined ? {} : { run }),
    ...(sync === undefined ? {} : { sync: (await findRow(installation, "syncs", sync)).id }),
  };
}

/** Object ids of the members whom an entry moves, and record ids of those that the target lost. */
function membersIn({ action, after }: JournalView): readonly string[] {
  if (action !== "members" || !isAttributes(after)) return [];
  return Object.values(after).flatMap((value) => (Array.isArray(value) ? value.map(String) : []));
}

function linesOf(entry: JournalView, names: ReadonlyMap<string, string>): readonly string[] {
  const { at, actor, type, action, kind, objectId, target, recordId, status, code, reason, detail, run } = entry;
  const what = [type, action, kind, objectId ?? ""].filter((part) => part !== null && part !== "").join(" ");
  const where = target === null ? "" : ` in ${target}${recordId === null ? "" : ` (${recordId})`}`;
  const came = status === null ? "" : `: ${status}${code === null ? "" : ` (${code})`}`;
  const said = [reason, detail].filter((text) => text !== null && text !== "");
  return [
    `${timeInWords(at)}  ${what}${where}${came}  by ${actor.kind} ${actor.id}${run === null ? "" : `, ${run}`}`,
    ...said.map((text) => `    ${text}`),
    ...differences(entry, names).map((line) => `    ${line}`),
  ];
}

/** What an intent says that changes, field by field. */
function differences(
  { type, action, before, after }: JournalView,
  names: ReadonlyMap<string, string>,
): readonly string[] {
  if (type !== "intent" || !isAttributes(after)) return [];
  if (action === "members") return Object.entries(after).flatMap(([way, ids]) => membersInWords(way, ids, names));
  const was = isAttributes(before) ? before : {};
  return Object.entries(after).flatMap(([name, value]) => {
    const from = was[name];
    if (JSON.stringify(from ?? null) === JSON.stringify(value)) return [];
    return [`${name}: ${inWords(from)} → ${inWords(value)}`];
  });
}

const SAID_MEMBERS = 20;
const WAYS: { readonly [way: string]: string } = { add: "added", remove: "removed", gone: "lost by the target" };

/** Who joins or leaves a group: `added: Ana (id), Bo (id)`. */
function membersInWords(way: string, ids: Value, names: ReadonlyMap<string, string>): readonly string[] {
  if (!Array.isArray(ids) || ids.length === 0) return [];
  const said = ids.slice(0, SAID_MEMBERS).map(String);
  const who = said.map((id) => (names.has(id) ? `${inWords(names.get(id))} (${id})` : id)).join(", ");
  const more = ids.length - said.length;
  return [`${WAYS[way] ?? way}: ${who}${more > 0 ? ` and ${grouped(more)} more` : ""}`];
}

function isAttributes(value: Value): value is { readonly [name: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function verify(invocation: Invocation): Promise<ExitCode | undefined> {
  const { output } = invocation;
  const { store } = await invocation.open();
  const streams = await store.db.selectFrom("journal").select("stream").distinct().orderBy("stream").execute();
  const checks = [];
  for (const { stream } of streams) checks.push({ stream, ...(await verifyJournal(store, stream)) });
  const ok = checks.every(({ broken }) => broken === null);
  await output.value({ ok, streams: checks });
  for (const { stream, rows, erased, broken, head } of checks) {
    const said =
      broken === null
        ? `whole, ${rows} entries${erased > 0 ? `, of ${erased} the values were erased` : ""}`
        : `BROKEN at ${broken.sequence}: ${broken.problem}`;
    await output.say(`${stream}  ${said}${head === null ? "" : `, head ${head.sequence} ${head.hash}`}`);
  }
  if (checks.length === 0) await output.say("The journal is empty.");
  return ok ? undefined : 1;
}
