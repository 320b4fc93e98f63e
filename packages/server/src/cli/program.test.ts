import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { ConnectorError } from "@entrain/core";
import { type Clock, systemClock } from "../clock.ts";
import type { Progress } from "../runs/context.ts";
import { runProgram } from "./program.ts";
import { progressView } from "./progress.ts";
import { surroundings } from "./testing.ts";

test("a bug of ours is told in one sentence, and its stack only to who asks for it", async () => {
  const openInstallation = (): Promise<never> => Promise.reject(new TypeError("x is not\na function"));
  const bug = surroundings({ openInstallation });
  assert.equal(await runProgram(["sync", "list"], bug.world), 1);
  assert.equal(
    bug.err(),
    "error: Unexpected: x is not. Run it again with ENTRAIN_DEBUG=1 and report what it prints.\n",
  );
  const json = surroundings({ openInstallation });
  assert.equal(await runProgram(["sync", "list", "--json"], json.world), 1);
  const { error } = JSON.parse(json.err()) as { error: { code: string } };
  assert.equal(error.code, "internal");
  const debug = surroundings({ openInstallation, environment: { ENTRAIN_DEBUG: "1" } });
  await runProgram(["sync", "list"], debug.world);
  assert.match(debug.err(), /\n {4}at /);
});

test("a name from outside cannot move the cursor", async () => {
  const message = "There is no sync \u001b[2J\u202egnp.";
  const fault = new ConnectorError("not_found", message, { stops: "run", retry: "never" });
  const said = surroundings({ openInstallation: () => Promise.reject(fault) });
  await runProgram(["sync", "list"], said.world);
  assert.equal(said.err(), "error: There is no sync ?[2J?gnp.\n");
});

test("help and version are no errors, and every command is in the help", async () => {
  const help = surroundings();
  assert.equal(await runProgram(["--help"], help.world), 0);
  const text = help.out();
  for (const name of ["serve", "connection", "target", "sync", "channel", "person", "config", "operator", "doctor"]) {
    assert.match(text, new RegExp(`^ {2}${name} `, "m"));
  }
  const group = surroundings();
  assert.equal(await runProgram(["sync", "--help"], group.world), 0);
  assert.match(group.out(), /approve \[options\] <name>/);
  const version = surroundings();
  assert.equal(await runProgram(["--version"], version.world), 0);
  assert.equal(version.out(), "1.2.3\n");
});

test("a command that is missing is answered with the commands that there are, and is wrong usage", async () => {
  for (const args of [[], ["sync"], ["connection"]]) {
    const bare = surroundings();
    assert.equal(await runProgram(args, bare.world), 2);
    assert.match(bare.out(), /^Usage: entrain .*\n(?:.*\n)*Commands:\n/);
    assert.equal(bare.err(), "error: A command is missing. See --help.\n");
  }
  const machine = surroundings();
  assert.equal(await runProgram(["sync", "--json"], machine.world), 2);
  assert.equal(machine.out(), "");
});

test("a command that was stopped says that it was stopped", async () => {
  const stop = new AbortController();
  stop.abort();
  const openInstallation = (): Promise<never> => Promise.reject(stop.signal.reason);
  const said = surroundings({ signal: stop.signal, openInstallation });
  assert.equal(await runProgram(["sync", "run", "people"], said.world), 1);
  assert.equal(said.err(), "error: The command was stopped. Run it again; it goes on where it stopped.\n");
});

test("the bar of resumed work begins where that stands, and its rate counts only what is new", () => {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonic: () => now };
  const said = surroundings({ clock });
  const stderr = Object.assign(said.world.stderr, { isTTY: true });
  const view = progressView({ stderr, clock }, false);
  view.update({ phase: "reading", detail: "users", done: 4000, total: 9000 });
  now = 1000;
  view.update({ phase: "reading", detail: "users", done: 5000, total: 9000 });
  view.stop();
  const shown = said.err();
  assert.match(shown, /4,000 of 9,000/);
  assert.doesNotMatch(shown, / 0 of 9,000/);
  assert.doesNotMatch(shown, /[2-9],\d{3}\/s/);
});

test("progress off a terminal is at most one line a second, and none with --json", () => {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonic: () => now };
  const said = surroundings({ clock });
  const view = progressView(said.world, false);
  for (; now < 2500; now += 100) view.update({ phase: "reading", detail: "users", done: now, total: 9000 });
  view.stop();
  assert.deepEqual(said.err().trim().split("\n"), [
    'progress phase=reading detail="users" done=0 total=9000',
    'progress phase=reading detail="users" done=1000 total=9000',
    'progress phase=reading detail="users" done=2000 total=9000',
  ]);
  progressView(said.world, true).update({ phase: "reading", detail: "users", done: 1, total: null });
  assert.equal(said.err(), "");
});

const WAITING = {
  service: "Microsoft Graph",
  status: 429,
  seconds: 12,
  attempt: 2,
  of: 8,
  message: "Microsoft Graph is busy (429); trying again in 12 s (attempt 2 of 8)",
};

test("progress off a terminal tells each wait at once, and only once", () => {
  const clock: Clock = { ...systemClock, monotonic: () => 0 };
  const said = surroundings({ clock });
  const view = progressView(said.world, false);
  const reading: Progress = { phase: "reading", detail: "users", done: 999, total: 9000 };
  view.update(reading);
  view.update({ ...reading, waiting: WAITING });
  view.update({ ...reading, done: 1998, waiting: WAITING });
  view.update(reading);
  view.stop();
  assert.deepEqual(said.err().trim().split("\n"), [
    'progress phase=reading detail="users" done=999 total=9000',
    `waiting message=${JSON.stringify(WAITING.message)} service="Microsoft Graph" status=429 seconds=12 attempt=2 of=8`,
  ]);
});

test("progress on a terminal counts a wait down in place of the bar, and goes on with the bar", (t) => {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonic: () => now };
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 120, cursorTo: () => true });
  stderr.setEncoding("utf8");
  const shown = (): string => String(stderr.read());
  const view = progressView({ stderr, clock }, false);
  t.after(() => view.stop());
  const reading: Progress = { phase: "reading", detail: "users", done: 999, total: 9000 };
  view.update({ ...reading, waiting: WAITING });
  assert.match(shown(), /Microsoft Graph is busy \(429\); trying again in 12 s \(attempt 2 of 8\) · reading users/);
  now = 7500;
  view.update({ ...reading, done: 1000, waiting: WAITING });
  view.stop();
  assert.match(shown(), /trying again in 5 s \(attempt 2 of 8\) · reading users 1,000/);
  view.update(reading);
  view.stop();
  assert.match(shown(), /reading users .* 999 of 9,000/);
});

test("progress on a terminal shows rate and time left", () => {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonic: () => now };
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 120, cursorTo: () => true });
  const view = progressView({ stderr, clock }, false);
  view.update({ phase: "applying", detail: "", done: 0, total: 9000 });
  now = 2000;
  view.update({ phase: "applying", detail: "", done: 3000, total: 9000 });
  view.stop();
  assert.match(String(stderr.setEncoding("utf8").read()), /applying .* 3,000 of 9,000 · 1,500\/s · 4\.0 s left/);
});
