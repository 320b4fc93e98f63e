import { heldPlans } from "../runs/queries.ts";
import { applySync, approveSync, planSync, type RunSummary, rejectSync, runSync } from "../runs/run.ts";
import { releaseUndone, undoRun } from "../runs/undo/undo.ts";
import type { Chance } from "./chance.ts";
import { live } from "./life.ts";
import { type Fate, UNHARMED } from "./machine.ts";
import type { Ended, Play } from "./play.ts";
import { policyOf } from "./policy.ts";
import { redefine } from "./setting.ts";
import { checkUndo } from "./undone.ts";
import { bendGraph, CLEAR, type Passage } from "./weather.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** One step of a schedule. */
type Step = (play: Play, chance: Chance) => Promise<void>;

/** How a piece of work ended, in words. */
function told(ended: Ended<RunSummary>): string {
  if (ended.how === "died") return "died";
  if (ended.how === "refused") return `refused: ${ended.fault.code}`;
  const { result, counts, failed, conflicts, held, error } = ended.value;
  const did = Object.entries(counts).flatMap(([action, count]) => (count === 0 ? [] : [`${count} ${action}`]));
  const more = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(conflicts > 0 ? [`${conflicts} conflicts`] : []),
    ...(held === null ? [] : [`${held.count} held`]),
    ...(error === null ? [] : [`${error.code}: ${error.message}`]),
  ];
  return [result, ...did, ...more].join(", ");
}

function fateOf(chance: Chance): Fate {
  const storeFaults = new Map<number, "full" | "busy" | "locked">();
  if (chance.once(5)) storeFaults.set(1 + chance.below(25), chance.some(["full", "busy", "locked"]));
  return {
    diesAt: chance.once(4) ? 1 + chance.below(chance.once(2) ? 70 : 25) : null,
    storeFaults,
    pausesAt: chance.once(8) ? 1 + chance.below(50) : null,
  };
}

function passageOf(chance: Chance): Passage {
  const calls = (often: number): ReadonlySet<number> => new Set(chance.once(often) ? [1 + chance.below(2)] : []);
  return {
    refuses: chance.once(5) ? 2 + chance.below(4) : 0,
    unheard: calls(3),
    unsent: calls(6),
    late: chance.once(2),
  };
}

/** Weather for one piece of work; what it is, in the trace. */
function bend(play: Play, chance: Chance): { readonly fate: Fate; readonly passage: Passage } {
  if (chance.once(3)) play.tell(`  Graph: ${bendGraph(play.tenant, chance)}`);
  if (play.end.secret !== null && chance.once(3)) play.tell(`  target: ${play.end.bend(chance)}`);
  const isCalm = chance.once(3);
  return isCalm ? { fate: UNHARMED, passage: CLEAR } : { fate: fateOf(chance), passage: passageOf(chance) };
}

/** After the weather everything answers again; whoever holds a lock or a lease lets go in time. */
function calm(play: Play): void {
  play.tenant.heal();
  play.end.heal();
  play.time.advance(2 * MINUTE);
}

async function inWeather(
  play: Play,
  chance: Chance,
  what: string,
  of: { readonly sync: string; readonly act: Parameters<Play["work"]>[1] },
): Promise<Ended<RunSummary>> {
  play.tell(what);
  const { fate, passage } = bend(play, chance);
  const meanwhile = async (): Promise<void> => {
    // Longer than a lease is kept for anybody who does not answer.
    play.time.advance(90_000);
    const ended = await play.beside(of.sync, runSync);
    play.tell(`    another process runs the sync: ${told(ended)}`);
  };
  const ended = (await play.work({ sync: of.sync, fate, passage, meanwhile }, of.act)) as Ended<RunSummary>;
  play.tell(`  ${told(ended)}`);
  calm(play);
  play.observe(ended.how === "done" ? ended.value.run : null);
  play.refuseBug(ended);
  return ended;
}

const run: Step = async (play, chance) => {
  const sync = chance.some(play.syncs);
  await inWeather(play, chance, `run ${play.nameOf(sync)}`, { sync, act: runSync });
};

const previewAndApply: Step = async (play, chance) => {
  const sync = chance.some(play.syncs);
  play.tell(`preview ${play.nameOf(sync)}`);
  const { fate, passage } = bend(play, chance);
  const planned = await play.work({ sync, fate, passage }, planSync);
  calm(play);
  play.observe(null);
  if (planned.how !== "done") return play.tell(`  ${planned.how}`);
  const { digest } = planned.value.plan;
  play.tell(`  ${planned.value.changes} changes`);
  if (chance.once(2)) await happen(play, chance);
  if (digest === null || chance.once(5)) return;
  const act: Parameters<Play["work"]>[1] = (engine, options) => applySync(engine, { ...options, digest });
  await inWeather(play, chance, `apply that preview`, { sync, act });
};

const decide: Step = async (play, chance) => {
  const sync = chance.some(play.syncs);
  const held = chance.any(await heldPlans(play.others, sync));
  if (held === undefined) return run(play, chance);
  const { digest } = held;
  if (chance.once(4)) {
    play.tell(`reject ${held.count} held changes of ${play.nameOf(sync)}`);
    const ended = await play.work({ sync }, (engine, options) => rejectSync(engine, { ...options, digest }));
    play.tell(`  ${ended.how}`);
    calm(play);
    return play.observe(null);
  }
  const act: Parameters<Play["work"]>[1] = (engine, options) => approveSync(engine, { ...options, digest });
  await inWeather(play, chance, `approve ${held.count} held changes of ${play.nameOf(sync)}`, { sync, act });
};

const undo: Step = async (play, chance) => {
  const sync = chance.some(play.syncs);
  play.tell(`undo the last run of ${play.nameOf(sync)}`);
  const digest = await plannedUndo(play, sync, null);
  if (digest === null || chance.once(4)) return;
  await approveUndo(play, { sync, digest, isOthers: false });
  const [plan] = play.reader.rows("select undoes from plans where digest = ? and part = 'undo'", digest);
  const { groups } = play;
  const of = String(plan?.undoes);
  const taken = play.reader.rows("select holder from taken_along where run = ? and attribute = '' limit 1", of);
  if (groups === null || sync === groups || taken.length === 0) return;
  play.tell("undo the same run of the groups");
  const rest = await plannedUndo(play, groups, of);
  if (rest !== null) await approveUndo(play, { sync: groups, digest: rest, isOthers: true });
};

async function plannedUndo(play: Play, sync: string, of: string | null): Promise<string | null> {
  const planned = await play.work({ sync }, (engine, options) => undoRun(engine, { ...options, of, chosen: {} }));
  play.tell(`  ${told(planned)}`);
  calm(play);
  play.observe(null);
  play.refuseBug(planned);
  if (planned.how !== "done" || planned.value.result !== "held") return null;
  return planned.value.held?.digest ?? null;
}

async function approveUndo(
  play: Play,
  { sync, digest, isOthers }: { readonly sync: string; readonly digest: string; readonly isOthers: boolean },
): Promise<void> {
  const before = play.content;
  play.tell("approve the undoing");
  const ended = await play.work({ sync }, (engine, options) => approveSync(engine, { ...options, digest }));
  play.tell(`  ${told(ended)}`);
  calm(play);
  play.observe(null);
  play.refuseBug(ended);
  if (ended.how === "done") checkUndo(play, { digest, before, isOthers });
}

const release: Step = async (play, chance) => {
  const sync = chance.some(play.syncs);
  const ended = await play.work({ sync }, (engine, options) => releaseUndone(engine, { ...options, records: null }));
  play.tell(`release what was undone of ${play.nameOf(sync)}: ${ended.how === "done" ? ended.value : ended.how}`);
  calm(play);
};

const reconfigure: Step = async (play, chance) => {
  const definition = { ...play.definition, ...policyOf(chance) };
  await redefine(play.others, play.people, definition);
  play.definitions.push(definition);
  play.note();
  play.tell(
    `the operator changes the sync: scope ${JSON.stringify(definition.scope)}, ${JSON.stringify(definition.deprovision)}`,
  );
};

const jump: Step = async (play, chance) => {
  const back = chance.once(3);
  const ms = back ? -chance.below(3 * HOUR) : chance.below(chance.once(3) ? 72 * HOUR : 3 * HOUR);
  play.time.skewMs += ms;
  play.tell(`the machine's clock jumps ${Math.round(ms / MINUTE)} minutes`);
};

const wait: Step = async (play, chance) => {
  const ms = chance.below(chance.once(4) ? 40 * HOUR : 2 * HOUR);
  play.time.advance(ms);
  play.tell(`${Math.round(ms / MINUTE)} minutes pass`);
};

/** Somebody else's hand in the target: our records changed or deleted, strangers added. */
const byHand: Step = async (play, chance) => {
  const { words } = play.end;
  const target = play.end.open(play.others);
  const { signal } = new AbortController();
  const send = (change: object) =>
    target.apply(
      [{ ordinal: 0, kind: words.person, recordId: null, set: {}, action: "update", ...change } as never],
      signal,
    );
  const one = chance.any([...play.content.values()].filter(({ kind }) => kind === "person"));
  const what = chance.below(4);
  if (what === 0 || one === undefined) {
    const stranger = chance.any(
      play.tenant
        .present()
        .filter(
          ({ userPrincipalName: login }) => ![...play.content.values()].some(({ values }) => values.login === login),
        ),
    );
    const name = play.tenant.made("Stranger");
    const login =
      chance.once(2) && stranger !== undefined
        ? stranger.userPrincipalName
        : `${name.replace(" ", ".").toLowerCase()}@elsewhere.example`;
    // A CSV file holds no line without a key.
    const key = play.end.type === "csv" ? { [words.names.key]: `by-hand-${name}` } : {};
    await send({
      action: "create",
      set: { ...key, [words.names.login]: login, [words.names.name]: name },
      active: true,
    });
    play.tell(`somebody adds ${name} as ${login} to the target`);
  } else if (what === 1) {
    await send({ action: "delete", recordId: one.id });
    play.touched.set(one.values.key ?? one.id, new Set(["all"]));
    play.tell(`somebody deletes ${one.values.name} from the target`);
  } else {
    const title = play.tenant.made("By hand");
    await send({ recordId: one.id, set: { [words.names.title]: title } });
    const key = one.values.key ?? one.id;
    play.touched.set(key, new Set([...(play.touched.get(key) ?? []), "title"]));
    play.tell(`somebody makes ${one.values.name} "${title}" in the target`);
  }
  await target.close();
  // A deletion may only be accepted at first.
  play.time.advance(MINUTE);
  play.lookAgain();
};

async function happen(play: Play, chance: Chance): Promise<void> {
  await live(play.tenant, chance, (line) => {
    play.tell(`* ${line}`);
    play.note();
  });
}

const STEPS: readonly (readonly [weight: number, Step])[] = [
  [8, run],
  [3, previewAndApply],
  [4, decide],
  [3, undo],
  [1, release],
  [1, reconfigure],
  [2, byHand],
  [1, jump],
  [2, wait],
];
const ALL = STEPS.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));

/** One step, drawn; the source lives on before most of them. */
export async function takeStep(play: Play, chance: Chance): Promise<void> {
  if (!chance.once(4)) await happen(play, chance);
  await chance.some(ALL)(play, chance);
  if (play.breach !== null) throw play.breach;
}
