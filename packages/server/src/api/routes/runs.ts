import Type, { type TSchema } from "typebox";
import { findRun, type RunView, runHistory } from "../../runs/queries.ts";
import type { Store } from "../../store/store.ts";
import { activities, followRun, newestRun } from "../activity.ts";
import { type ApiContext, findSync } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { type NamedRun, withSyncNames } from "../names.ts";
import { notFound } from "../problems.ts";
import {
  type Api,
  collectionOf,
  FAULT,
  ID,
  LIMIT_DEFAULT,
  NAME,
  NAMED_RUN,
  orNull,
  PAGE,
  PROGRESS,
  strict,
  TIME,
} from "../schemas.ts";

const BY_ID = strict({ id: ID });

const PREVIEW: TSchema = Type.Object({
  id: Type.String(),
  sync: Type.String({ description: "The sync's id." }),
  state: Type.Union([Type.Literal("running"), Type.Literal("done"), Type.Literal("failed")]),
  startedAt: TIME,
  progress: PROGRESS,
  plan: orNull(Type.String({ description: "The plan, once it is made." })),
  error: orNull(FAULT),
});

/** What a stream's answer is; it is not serialized by its schema. */
const STREAM = {
  200: { description: "Server-sent events", content: { "text/event-stream": { schema: Type.String() } } },
};

/** Runs, previews, and the streams that follow them. */
export function runRoutes(app: Api, context: ApiContext): void {
  reading(app, context);
  following(app, context);
}

function reading(app: Api, { store, background }: ApiContext): void {
  app.get(
    "/runs",
    {
      schema: {
        operationId: "listRuns",
        summary: "Runs, newest first",
        tags: ["runs"],
        querystring: strict({ ...PAGE, sync: Type.Optional(NAME) }),
        response: { 200: collectionOf(NAMED_RUN) },
      },
    },
    async ({ query: { limit = LIMIT_DEFAULT, after, sync } }) => {
      const of = sync === undefined ? {} : { sync: (await findSync(store, sync)).id };
      const [before] = fromCursor(after, ["string"]) ?? [];
      const from = before === undefined ? {} : { before: String(before) };
      const found = await runHistory(store, { ...of, ...from, limit: limit + 1 });
      return pageOf(await withSyncNames(store, found), limit, ({ run }) => [run]);
    },
  );

  app.get(
    "/runs/:id",
    {
      schema: {
        operationId: "getRun",
        summary: "One run",
        tags: ["runs"],
        params: BY_ID,
        response: { 200: NAMED_RUN },
      },
    },
    async ({ params: { id } }) => {
      const run = await findRun(store, id);
      if (run === null) throw notFound(`run ${id}`);
      return await named(store, run);
    },
  );

  app.get(
    "/previews/:id",
    {
      schema: {
        operationId: "getPreview",
        summary: "A preview that this server made lately: how far it is, and its plan",
        tags: ["plans"],
        params: BY_ID,
        response: { 200: PREVIEW },
      },
    },
    async ({ params: { id } }) => {
      const work = background.find(id);
      if (work?.kind !== "preview") throw notFound(`preview ${id}; this server remembers the last hundred only`);
      return work;
    },
  );
}

async function named(store: Store, run: RunView): Promise<NamedRun | undefined> {
  return (await withSyncNames(store, [run]))[0];
}

function following(app: Api, context: ApiContext): void {
  const { store, background, streams } = context;
  const streamOf = (operationId: string, summary: string) => ({
    operationId,
    summary,
    tags: ["runs"],
    response: STREAM,
  });

  app.get(
    "/runs/:id/events",
    {
      schema: {
        ...streamOf("followRun", "A stream of `progress` events, ended by one `finished` event with the run"),
        params: BY_ID,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if ((await findRun(store, id)) === null) throw notFound(`run ${id}`);
      return await streams.answer(request, reply, {
        look: async () => {
          const followed = await followRun(store, background, id);
          if (followed === null) return { event: "finished", data: null };
          if (followed.run.result !== null) return { event: "finished", data: await named(store, followed.run) };
          return { event: "progress", data: followed.progress };
        },
        isLast: ({ event }) => event === "finished",
        mayGoOn: () => context.stillSignedIn(request),
      });
    },
  );

  app.get(
    "/events",
    {
      schema: streamOf(
        "followEverything",
        "A stream of `activity` events: everything under way, in this process and in others, and the newest run with its result, at every change",
      ),
    },
    async (request, reply) => {
      return await streams.answer(request, reply, {
        look: async () => {
          const items = await activities(store, background);
          return { event: "activity", data: { items, newest: await newestRun(store) } };
        },
        isLast: () => false,
        mayGoOn: () => context.stillSignedIn(request),
      });
    },
  );
}
