import { ConnectorError, type SyncDefinition } from "@entrain/core";
import Type, { type TSchema } from "typebox";
import type { SyncRow } from "../../runs/context.ts";
import { syncStatus } from "../../runs/queries.ts";
import { approveOrRemove, type Removing } from "../../runs/remove/approve.ts";
import { isRemoval } from "../../runs/remove/remove.ts";
import { applySync, approveSync, rejectSync, runSync } from "../../runs/run.ts";
import { plansIn } from "../../store/plans.ts";
import { activities } from "../activity.ts";
import { type ApiContext, actorOf, findSync } from "../context.ts";
import { pageByName } from "../cursor.ts";
import { RequestError } from "../problems.ts";
import {
  ANY,
  APPROVAL,
  type Api,
  COUNTS,
  collectionOf,
  FINDING,
  NAME,
  orNull,
  PAGE,
  RUN,
  strict,
  TIME,
} from "../schemas.ts";
import { RAISE } from "./guards.ts";
import { SOME, SOME_ANYWAY, selectionIn } from "./plan-commands.ts";
import { ANYWAY, heedPause, PAUSE } from "./sync-control.ts";
import { BREAKER, QUARANTINE, unsyncedRoutes } from "./unsynced.ts";

const HELD: TSchema = Type.Object({
  plan: Type.String(),
  digest: Type.String(),
  counts: COUNTS,
  holds: Type.Array(FINDING),
  since: TIME,
  approval: orNull(APPROVAL),
});

const BEGUN: TSchema = Type.Object({
  digest: Type.String(),
  changes: Type.Integer({ description: "How many of its changes are left." }),
});

const SYNC: TSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  connection: Type.String({ description: "The connection's name." }),
  target: Type.String({ description: "The target's name." }),
  targetType: Type.String(),
  records: Type.String({ description: "The target's kind of record." }),
  definition: ANY,
  status: Type.Object({
    lastRun: orNull(RUN),
    running: Type.Boolean({
      description: "A process does something for it now; a last run without a result that nobody runs was broken off.",
    }),
    nextRun: orNull(TIME),
    paused: orNull(PAUSE),
    blackoutUntil: orNull(TIME),
    synced: Type.Integer(),
    failed: Type.Integer(),
    unsynced: Type.Integer(),
    dead: Type.Integer({ description: "Unsynced records that are not tried by themselves any more." }),
    ignored: Type.Integer({ description: "Records that somebody has ignored; `unsynced` leaves them out." }),
    pinned: Type.Integer({
      description: "Records and groups of which something stays as it was undone or exempted, until it is released.",
    }),
    quarantine: orNull(QUARANTINE),
    breaker: orNull(BREAKER),
    cursorLag: Type.Integer(),
    held: Type.Array(HELD),
    begun: Type.Array(BEGUN, {
      description: "Plans that were begun and not finished: the next whole run goes on with them.",
    }),
    raised: Type.Array(RAISE, { description: "Guards that let more go than usual, for a while." }),
  }),
});

const STARTED = Type.Object({ run: Type.String({ description: "Follow it at /runs/{run}/events." }) });
const DIGEST = Type.String({ pattern: "^[0-9a-f]{64}$", description: "The plan's digest, in full." });
const BY_NAME = strict({ name: NAME });
const BY_DIGEST = strict({ name: NAME, digest: DIGEST });
/** These commands take nothing but what the path says. */
const NO_BODY = Type.Union([Type.Null(), strict({})]);

/** Syncs: what they are, how they stand, and their commands. */
export function syncRoutes(app: Api, context: ApiContext, removing?: Removing): void {
  listing(app, context);
  unsyncedRoutes(app, context);
  commands(app, context);
  approvals(app, context, removing);
}

function listing(app: Api, context: ApiContext): void {
  const { store } = context;

  app.get(
    "/syncs",
    {
      schema: {
        operationId: "listSyncs",
        summary: "Syncs in the order of their names, with how they stand",
        tags: ["syncs"],
        querystring: strict(PAGE),
        response: { 200: collectionOf(SYNC) },
      },
    },
    async ({ query }) => {
      const { items, next } = await pageByName(query, (name, most) =>
        store.db.selectFrom("syncs").selectAll().where("name", ">", name).orderBy("name").limit(most).execute(),
      );
      return { items: await Promise.all(items.map((row) => describeSync(context, row))), next };
    },
  );

  app.get(
    "/syncs/:name",
    {
      schema: {
        operationId: "getSync",
        summary: "One sync: its definition and how it stands",
        tags: ["syncs"],
        params: BY_NAME,
        response: { 200: SYNC },
      },
    },
    async ({ params: { name } }) => await describeSync(context, await findSync(store, name)),
  );
}

function commands(app: Api, context: ApiContext): void {
  const { store, background } = context;

  app.post(
    "/syncs/:name/run",
    {
      schema: {
        operationId: "runSync",
        summary: "Run a sync now, for everybody or for some records, behind this request",
        tags: ["syncs"],
        params: BY_NAME,
        body: SOME_ANYWAY,
        response: { 202: STARTED },
      },
    },
    async (request, reply) => {
      const sync = await findSync(store, request.params.name);
      await heedPause(context, sync, request.body);
      const selection = selectionIn(request.body);
      const run = await background.run(sync, actorOf(context, request), (of, options) =>
        runSync(of, { ...options, ...(selection && { selection }) }),
      );
      return reply.code(202).header("location", `/api/v1/runs/${run}`).send({ run });
    },
  );

  app.post(
    "/syncs/:name/plan",
    {
      schema: {
        operationId: "planSync",
        summary: "Plan a sync, or some of its records, without applying anything; behind this request",
        tags: ["syncs"],
        params: BY_NAME,
        body: SOME,
        response: {
          202: Type.Object({ preview: Type.String({ description: "Its plan is named at /previews/{preview}." }) }),
        },
      },
    },
    async (request, reply) => {
      const sync = await findSync(store, request.params.name);
      const preview = await background.preview(sync, actorOf(context, request), selectionIn(request.body));
      return reply.code(202).header("location", `/api/v1/previews/${preview}`).send({ preview });
    },
  );

  app.post(
    "/syncs/:name/cancel",
    {
      schema: {
        operationId: "cancelSync",
        summary: "Stop what this server runs for a sync; what was applied stays, and the next run goes on",
        tags: ["syncs"],
        params: BY_NAME,
        body: NO_BODY,
        response: { 202: Type.Object({ id: Type.String() }) },
      },
    },
    async (request, reply) => {
      const sync = await findSync(store, request.params.name);
      const under = (await activities(store, background)).find((one) => one.sync === sync.id);
      if (under?.here === false) {
        throw new RequestError("run_elsewhere", `This sync is being run by ${under.holder}, not by this server.`);
      }
      return reply.code(202).send({ id: background.cancel(sync.id, actorOf(context, request)).id });
    },
  );
}

function approvals(app: Api, context: ApiContext, removing?: Removing): void {
  const { store, engine, background } = context;
  const commandOf = (operationId: string, summary: string) => ({
    operationId,
    summary,
    tags: ["plans"],
    params: BY_DIGEST,
    body: ANYWAY,
  });

  app.post(
    "/syncs/:name/plans/:digest/approve",
    {
      schema: {
        ...commandOf("approvePlan", "Approve a held plan by its digest and apply exactly that plan"),
        response: { 202: STARTED },
      },
    },
    async (request, reply) => {
      const { name, digest } = request.params;
      const sync = await findSync(store, name);
      await requirePlan(context, { sync: sync.id, digest, states: ["held", "sealed", "approved", "applying"] });
      // A sync that is being removed is paused for that very reason.
      if (!(await isRemoval(store, { sync: sync.id, digest }))) await heedPause(context, sync, request.body);
      const run = await background.run(sync, actorOf(context, request), async (of, options) => {
        if (removing === undefined) return await approveSync(of, { ...options, digest });
        return (await approveOrRemove(removing, of, { ...options, digest })).run;
      });
      return reply.code(202).header("location", `/api/v1/runs/${run}`).send({ run });
    },
  );

  app.post(
    "/syncs/:name/plans/:digest/apply",
    {
      schema: {
        ...commandOf(
          "applyPlan",
          "Apply a previewed plan by its digest; what the guard holds of it waits for approval",
        ),
        response: { 202: STARTED },
      },
    },
    async (request, reply) => {
      const { name, digest } = request.params;
      const sync = await findSync(store, name);
      await requirePlan(context, { sync: sync.id, digest, states: ["sealed"] });
      await heedPause(context, sync, request.body);
      const run = await background.run(sync, actorOf(context, request), (of, options) =>
        applySync(of, { ...options, digest }),
      );
      return reply.code(202).header("location", `/api/v1/runs/${run}`).send({ run });
    },
  );

  app.post(
    "/syncs/:name/plans/:digest/reject",
    {
      schema: {
        ...commandOf(
          "rejectPlan",
          "Reject a held plan, or what is left of a stopped one; its records are planned anew by the next run",
        ),
        body: NO_BODY,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { name, digest } = request.params;
      const sync = await findSync(store, name);
      const signal = new AbortController().signal;
      const actor = actorOf(context, request);
      await rejectSync(engine, { sync: sync.id, digest, actor, signal, onProgress: () => undefined });
      return reply.code(204).send(null);
    },
  );
}

/** A plan that is not there is said at once, not by a run that fails behind. @throws ConnectorError `plan_stale` */
async function requirePlan(
  { store }: ApiContext,
  wanted: { readonly sync: string; readonly digest: string; readonly states: readonly string[] },
): Promise<void> {
  const plans = await plansIn(store.db, wanted.sync, wanted.states);
  if (plans.some((plan) => plan.digest === wanted.digest)) return;
  const message = `No plan with the digest ${wanted.digest} is waiting for this sync.`;
  throw new ConnectorError("plan_stale", message, { stops: "run", retry: "never" });
}

async function describeSync({ store }: ApiContext, row: SyncRow): Promise<object> {
  const ends = await store.db
    .selectFrom("syncs")
    .innerJoin("connections", "connections.id", "syncs.connection")
    .innerJoin("targets", "targets.id", "syncs.target")
    .select(["connections.name as connection", "targets.name as target", "targets.type"])
    .where("syncs.id", "=", row.id)
    .executeTakeFirst();
  const status = await syncStatus(store, row.id);
  return {
    id: row.id,
    name: row.name,
    connection: ends?.connection ?? row.connection,
    target: ends?.target ?? row.target,
    targetType: ends?.type ?? "",
    records: row.records,
    definition: JSON.parse(row.definition) as SyncDefinition,
    status,
  };
}
