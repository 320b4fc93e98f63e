import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeprovisionPolicy } from "@entrain/core";
import { heldPlans } from "../runs/queries.ts";
import { approveSync, type RunSummary, runSync } from "../runs/run.ts";
import { releaseUndone } from "../runs/undo/undo.ts";
import { isIn } from "./chronicle.ts";
import type { Held } from "./content.ts";
import { Breach, type Play } from "./play.ts";
import type { Person } from "./tenant.ts";

const DAY = 86_400_000;
const ROUNDS = 10;
/** So many good days a run may fail. */
const PATIENCE = 3;

/** Heals everything and runs every sync until there is nothing left to do. */
export async function settle(play: Play): Promise<void> {
  play.tell("everything is well again");
  const { quiet } = play;
  for (let round = 0; round < ROUNDS; round += 1) {
    play.time.advance(2 * DAY);
    let isQuiet = true;
    for (const sync of play.syncs) {
      const released = await play.work({ sync }, (engine, options) =>
        releaseUndone(engine, { ...options, records: null }),
      );
      if (released.how === "done" && released.value > 0) play.tell(`${released.value} are released`);
      const summary = await runOnce(play, sync, round < PATIENCE);
      if (summary === null) {
        isQuiet = false;
        continue;
      }
      const held = await heldPlans(play.others, sync);
      for (const { digest } of held) {
        const ended = await play.work({ sync }, (engine, options) => approveSync(engine, { ...options, digest }));
        play.tell(
          `  approve what is held: ${ended.how === "done" ? JSON.stringify([ended.value.result, ended.value.counts, ended.value.error?.message]) : ended.how}`,
        );
        play.refuseBug(ended);
        play.observe(null);
      }
      const did = Object.values(summary.counts).reduce((sum: number, count: number) => sum + count, 0);
      if (did + held.length + summary.conflicts + summary.unchanged > 0) isQuiet = false;
      quiet.set(sync, summary.run);
    }
    // The first round reads what is told late.
    if (isQuiet && round > 0) return;
  }
  throw new Breach(4, [`there is something left to do after ${ROUNDS} rounds of good days`]);
}

/** Runs a sync. A read may still have to get over what it was told before, so that it fails and is made again. */
async function runOnce(play: Play, sync: string, isPatient: boolean): Promise<RunSummary | null> {
  let ended = await play.work({ sync }, runSync);
  if (ended.how === "done" && ended.value.error?.code === "target_emptied")
    ended = await play.work({ sync }, (engine, options) => runSync(engine, { ...options, recreate: true }));
  play.tell(
    `run ${play.nameOf(sync)}: ${ended.how === "done" ? JSON.stringify([ended.value.result, ended.value.counts, ended.value.error?.message]) : ended.how}`,
  );
  if (ended.how === "done") tellLeft(play, sync, ended.value);
  play.observe(ended.how === "done" ? ended.value.run : null);
  play.refuseBug(ended);
  if (ended.how === "done" && ["succeeded", "partial", "held"].includes(ended.value.result)) return ended.value;
  if (isPatient && ended.how === "done" && ended.value.result === "failed") return null;
  throw new Breach(4, [
    `a run on a good day ends as ${ended.how === "done" ? `${ended.value.result}: ${ended.value.error?.message}` : ended.how === "refused" ? ended.fault.message : ended.how}`,
  ]);
}

/** Why a good day ends without being quiet: what could not be brought in step, and what was planned for nothing. */
function tellLeft(play: Play, sync: string, { conflicts, unchanged }: RunSummary): void {
  if (conflicts + unchanged > 0) play.tell(`    ${conflicts} conflicts, ${unchanged} unchanged`);
  const rows = play.reader.rows("select object_id, reason, code, detail from pending where sync = ?", sync);
  for (const { object_id: id, reason, code, detail } of rows) play.tell(`    ${id} ${reason} ${code}: ${detail}`);
}

/** Everything that holds once all is quiet, by the invariant's number. */
export async function checkEnd(play: Play): Promise<void> {
  const checks: readonly (readonly [number, (play: Play) => Promise<readonly string[]> | readonly string[]])[] = [
    [5, intentsHaveOutcomes],
    [4, runsAgainWithoutWork],
    [4, nothingTwice],
    [1, peopleAreInStep],
    [1, teamsAreInStep],
    [7, nothingSecret],
  ];
  for (const [invariant, check] of checks) {
    const breaches = await check(play);
    if (breaches.length > 0) throw new Breach(invariant, breaches);
  }
}

/** 5. No intent is open, and each has an outcome behind it. */
function intentsHaveOutcomes({ reader }: Play): readonly string[] {
  const open = reader.count("select count(*) from open_intents");
  const without = reader.rows(`select i.run, i.ordinal from journal i where i.type = 'intent' and not exists (
    select 1 from journal o where o.stream = i.stream and o.type = 'outcome' and o.run = i.run and o.ordinal = i.ordinal
      and o.sequence > i.sequence)`);
  return [
    ...(open > 0 ? [`${open} intents are open`] : []),
    ...without.map(({ run, ordinal }) => `the intent ${run}/${ordinal} has no outcome`),
  ];
}

/** 4. Running again plans nothing: the last run of each sync had no work. */
function runsAgainWithoutWork(play: Play): readonly string[] {
  const sql = "select c.action, c.name, c.object_id from plan_changes c join plans p on p.id = c.plan where p.run = ?";
  const planned = [...play.quiet].flatMap(([sync, run]) => {
    // What the target refuses is tried again for as long as it does.
    const open = unsynced(play, sync);
    return play.reader.rows(sql, run).filter(({ object_id: id }) => !open.has(String(id)));
  });
  return planned.map(({ action, name }) => `another run plans to ${action} ${name}`);
}

/** 4. No record is there twice. */
function nothingTwice({ content }: Play): readonly string[] {
  const keys = [...content.values()].flatMap(({ kind, values }) =>
    values.key === null ? [] : [`${kind} ${values.key}`],
  );
  return keys.filter((key, at) => keys.indexOf(key) !== at).map((key) => `${key} is there twice`);
}

/** Object ids that a sync says it could not bring in step. */
function unsynced({ reader }: Play, sync: string): ReadonlySet<string> {
  const rows = reader.rows(
    "select object_id from pending where sync = ? and reason in ('issue', 'failed', 'conflict')",
    sync,
  );
  return new Set(rows.map(({ object_id: id }) => String(id)));
}

function byKey({ content }: Play, kind: Held["kind"]): ReadonlyMap<string, Held> {
  return new Map(
    [...content.values()].flatMap((one) =>
      one.kind === kind && one.values.key !== null ? [[one.values.key, one]] : [],
    ),
  );
}

/** What of a person's leaving may count, and what it asks for. */
function verbsOf(play: Play, one: Person): readonly DeprovisionPolicy[] {
  const { deprovision } = play.definition;
  const isOut = !isIn(play.tenant, one, play.definition.scope);
  return [
    ...(one.state === "hard" ? [deprovision.deleted, deprovision.softDeleted] : []),
    ...(one.state === "soft" ? [deprovision.softDeleted] : []),
    ...(one.enabled ? [] : [deprovision.disabled]),
    ...(isOut ? [deprovision.outOfScope] : []),
  ];
}

/** 1. Once reads recover the true removals happen, and everybody who belongs is there, as the source says. */
async function peopleAreInStep(play: Play): Promise<readonly string[]> {
  const held = byKey(play, "person");
  const open = unsynced(play, play.people);
  const truth = await managersOf(play);
  const breaches: string[] = [];
  for (const one of play.tenant.people.values()) {
    const touched = play.touched.get(one.id) ?? new Set<string>();
    const record = held.get(one.id);
    if (open.has(one.id) || touched.has("all")) continue;
    const verbs = verbsOf(play, one);
    if (verbs.length > 0) {
      const origin = record === undefined ? undefined : play.origins.get(record.id);
      // What cannot be disabled is deleted, and a record that was there before us never is.
      const isOurs = origin !== undefined && (play.end.words.disables || origin === "create");
      if (isOurs && record?.active && !verbs.includes("ignore"))
        breaches.push(`${one.displayName} left, and is still active`);
      continue;
    }
    if (record === undefined || !record.active) {
      breaches.push(`${one.displayName} belongs, and is ${record === undefined ? "not there" : "disabled"}`);
      continue;
    }
    const { login, name, title, manager } = record.values;
    const wanted = { login: one.userPrincipalName, name: one.displayName, title: one.jobTitle };
    for (const [value, is] of Object.entries({ login, name, title })) {
      const should = wanted[value as keyof typeof wanted];
      if (is !== should && !touched.has(value))
        breaches.push(`the ${value} of ${one.displayName} is ${is} and should be ${should}`);
    }
    const boss = truth.get(one.id) ?? null;
    const should = play.end.words.names.manager !== null && boss !== null && held.has(boss) ? boss : null;
    const is = manager === null ? null : (play.content.get(manager)?.values.key ?? null);
    if (is !== should && !touched.has("manager") && !play.touched.has(boss ?? "") && !play.touched.has(is ?? ""))
      breaches.push(`the manager of ${one.displayName} is ${is} and should be ${should}`);
  }
  return breaches;
}

interface Listed {
  readonly value: readonly { readonly id: string; readonly manager?: { readonly id: string } | null }[];
}

async function managersOf({ tenant }: Play): Promise<ReadonlyMap<string, string>> {
  const { value } = (await tenant.send("GET", "/users?$top=999&$select=id&$expand=manager($select=id)")) as Listed;
  return new Map(value.flatMap(({ id, manager }) => (manager ? [[id, manager.id] as const] : [])));
}

/** 1. The same for groups and their members. */
async function teamsAreInStep(play: Play): Promise<readonly string[]> {
  if (play.groups === null) return [];
  const teams = byKey(play, "team");
  const open = unsynced(play, play.groups);
  const links = play.reader.rows("select object_id, record_id from links");
  const linked = new Set(links.map(({ object_id: id }) => String(id)));
  const ours = new Set(links.map(({ record_id: id }) => String(id)));
  // A joined record that undoing left to itself stays in the groups that runs put it into.
  const sql = "select record_id from plan_changes where cause = 'unjoined' and state in ('applied', 'unchanged')";
  const unjoined = new Set(play.reader.rows(sql).map(({ record_id: id }) => String(id)));
  const isLeft = (id: string): boolean => unjoined.has(id) && !ours.has(id);
  const breaches: string[] = [];
  for (const team of play.tenant.teams.values()) {
    const record = teams.get(team.id);
    if (open.has(team.id) || play.touched.has(team.id)) continue;
    if (team.state === "gone") {
      if (record !== undefined && play.origins.has(record.id) && play.definition.deprovision.softDeleted === "ignore")
        continue;
      if (record !== undefined) breaches.push(`the group ${team.displayName} is deleted, and still there`);
      continue;
    }
    if (record?.values.name !== team.displayName) {
      breaches.push(`the group ${team.displayName} is ${record?.values.name ?? "not there"}`);
      continue;
    }
    const { value } = (await play.tenant.send("GET", `/groups/${team.id}/members?$select=id&$top=999`)) as Listed;
    const wanted = value.map(({ id }) => id).filter((id) => linked.has(id) && !play.touched.has(id));
    const is = record.members
      .filter((id) => !isLeft(id))
      .flatMap((id) => play.content.get(id)?.values.key ?? [])
      .filter((id) => !play.touched.has(id));
    if (JSON.stringify(is.toSorted()) !== JSON.stringify(wanted.toSorted()))
      breaches.push(
        `${team.displayName} has the members ${is.toSorted().join(", ")} instead of ${wanted.toSorted().join(", ")}`,
      );
  }
  return breaches;
}

/** 7. No secret, token or temporary password anywhere in the store, nor in anything that was said. */
function nothingSecret(play: Play): readonly string[] {
  const { simulator, tokens } = play.tenant;
  const own = play.end.secret === null ? [] : [play.end.secret];
  const secrets = [simulator.secret, ...own, "Not-a-secret-1!", ...tokens];
  const files = ["entrain.sqlite", "entrain.sqlite-wal"].map((name) => readFileSync(join(play.folder, name), "latin1"));
  const said = [...play.said, ...play.trace].join("\n");
  return [...files, said].flatMap((text) => [
    ...secrets.filter((secret) => text.includes(secret)).map(() => "a secret stands in the store, or was told"),
    ...(/eyJ[\w-]{20,}\.eyJ/.test(text) ? ["an access token stands in the store, or was told"] : []),
  ]);
}
