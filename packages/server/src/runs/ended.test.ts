import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createScimTarget } from "@entrain/connectors/scim";
import { systemClock } from "../clock.ts";
import type { Engine, Progress } from "./context.ts";
import { type RunSummary, runSync } from "./run.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group } from "./testing/tenant.ts";

let scene: Scene;
afterEach(() => scene.close());

const groups = Array.from({ length: 60 }, (_, at) => group(`Group ${at + 1}`));
const actor = { kind: "operator", id: "olga" } as const;

interface Ended {
  readonly summary: RunSummary;
  readonly told: readonly Progress[];
  /** Who sleeps, and what was sent, at the moment the run has ended. */
  readonly sleeping: number;
  readonly sent: number;
}

/** Runs a sync of sixty groups against a SCIM server that is as told; whoever waits behind the first four waits for ever. */
async function runGroups(of: {
  readonly baseUrl?: string;
  readonly wakes: (sleeper: number) => boolean;
}): Promise<Ended> {
  const sync = await scene.addSync("groups", "scim", { records: "group" });
  let sleeping = 0;
  let slept = 0;
  const clock = {
    now: () => systemClock.now(),
    random: () => 0.5,
    sleep: async (_ms: number, until: AbortSignal): Promise<void> => {
      slept += 1;
      if (of.wakes(slept)) return;
      sleeping += 1;
      try {
        await new Promise((_resolve, reject) => {
          until.addEventListener("abort", () => reject(until.reason), { once: true });
        });
      } finally {
        sleeping -= 1;
      }
    },
  };
  const baseUrl = of.baseUrl ?? scene.scim.baseUrl;
  const engine: Engine = {
    ...scene.engine,
    openTarget: async (_row, onWait = () => undefined) =>
      // What the server says of itself would be asked first, by itself: here look-ups meet.
      createScimTarget({
        ...{ baseUrl, token: () => "scim-test-token", clock, groupSettleMs: 100, onWait },
        schema: "ignore",
      }),
  };
  const told: Progress[] = [];
  const signal = new AbortController().signal;
  const summary = await runSync(engine, { sync, actor, signal, onProgress: (progress) => told.push(progress) });
  return { summary, told, sleeping, sent: scene.scim.requests.length };
}

test("a run whose target ignores filters ends with its fault: no other look-up waits, and none is sent behind it", async () => {
  scene = await openScene({ simulator: { tenant: { users: crowd(3), groups } } });
  const stranger = { totalResults: 1, Resources: [{ id: "g0", displayName: "Somebody's", externalId: "else" }] };
  // Three of four look-ups wait before they ask again; the fourth hears of a record that it did not ask for.
  scene.disturb(({ ordinal }) => (ordinal < 4 ? { status: 500 } : { status: 200, body: JSON.stringify(stranger) }));
  const { summary, told, sleeping, sent } = await runGroups({ wakes: (sleeper) => sleeper === 4 });
  assert.deepEqual([summary.result, summary.error?.code], ["failed", "answer_invalid"]);
  assert.match(summary.error?.message ?? "", /a record that does not match it/);
  assert.deepEqual([sleeping, sent], [0, 5]);
  assert.equal(told.at(-1)?.waiting, undefined);
  const row = await scene.store.db.selectFrom("runs").select("progress").executeTakeFirstOrThrow();
  assert.equal((JSON.parse(row.progress) as Progress).waiting, undefined);
});

test("a run whose target is not there ends with the first look-up that gives up", async () => {
  scene = await openScene({ simulator: { tenant: { users: crowd(3), groups } } });
  const { baseUrl } = scene.scim;
  await scene.scim.close();
  // Only one of four goes on trying: it alone uses up its attempts.
  const { summary, told, sleeping } = await runGroups({ baseUrl, wakes: (sleeper) => sleeper >= 4 });
  assert.deepEqual([summary.result, summary.error?.code], ["failed", "unreachable"]);
  assert.equal(sleeping, 0);
  assert.equal(told.at(-1)?.waiting, undefined);
});
