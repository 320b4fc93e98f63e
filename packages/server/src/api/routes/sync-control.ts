import Type, { type TSchema } from "typebox";
import { pauseSync, requireUnpaused, resumeSync } from "../../runs/pause.ts";
import { requireAsked, stopSync } from "../../runs/stop.ts";
import { type ApiContext, actorOf, findSync } from "../context.ts";
import { RequestError } from "../problems.ts";
import { type Api, NAME, orNull, strict, TIME } from "../schemas.ts";

const NOTE_MAX = 500;
const BY_NAME = strict({ name: NAME });

/** How a sync is paused. */
export const PAUSE: TSchema = Type.Object({
  by: Type.Object({ kind: Type.String(), id: Type.String() }),
  since: TIME,
  until: orNull(TIME),
  note: orNull(Type.String()),
});

/** Of commands that begin a run: a paused sync is run only by who says so. */
export const ANYWAY: TSchema = Type.Union([
  Type.Null(),
  strict({ anyway: Type.Optional(Type.Boolean({ description: "Also when the sync is paused." })) }),
]);

/** @throws ConnectorError `sync_paused` unless the request says `anyway` */
export async function heedPause(
  { store }: ApiContext,
  sync: { readonly id: string; readonly name: string },
  body: unknown,
): Promise<void> {
  const anyway = typeof body === "object" && body !== null && "anyway" in body && body.anyway === true;
  if (!anyway) await requireUnpaused(store, sync);
}

/** Commands that keep a sync from running, let it run again, and stop what runs. */
export function syncControlRoutes(app: Api, context: ApiContext): void {
  const { store, clock } = context;

  app.post(
    "/syncs/:name/pause",
    {
      schema: {
        operationId: "pauseSync",
        summary: "Keep a sync from running by itself, until it is resumed or until a moment; what runs goes on",
        tags: ["syncs"],
        params: BY_NAME,
        body: Type.Union([
          Type.Null(),
          strict({
            until: Type.Optional({ ...TIME, description: "When it is over by itself, in milliseconds UTC." }),
            note: Type.Optional(Type.String({ maxLength: NOTE_MAX, description: "Why, for whoever wonders." })),
          }),
        ]),
        response: { 200: PAUSE },
      },
    },
    async (request) => {
      const sync = await findSync(store, request.params.name);
      const { until = null, note = "" } = (request.body ?? {}) as { readonly until?: number; readonly note?: string };
      if (until !== null && until <= clock.now()) {
        throw new RequestError("request_invalid", "The pause would be over already: `until` lies in the past.");
      }
      const actor = actorOf(context, request);
      return await pauseSync(store, sync.id, { actor, until, note: note.trim() === "" ? null : note.trim() });
    },
  );

  app.post(
    "/syncs/:name/resume",
    {
      schema: {
        operationId: "resumeSync",
        summary: "Let a paused sync run by itself again; one run makes good what it missed",
        tags: ["syncs"],
        params: BY_NAME,
        body: Type.Union([Type.Null(), strict({})]),
        response: { 200: Type.Object({ resumed: Type.Boolean({ description: "False: it was not paused." }) }) },
      },
    },
    async (request) => {
      const sync = await findSync(store, request.params.name);
      return { resumed: (await resumeSync(store, sync.id, actorOf(context, request))) !== null };
    },
  );

  app.post(
    "/syncs/:name/stop",
    {
      schema: {
        operationId: "stopSync",
        summary:
          "Stop what any process runs for a sync, after the batch it is writing; the next run goes on from there",
        tags: ["syncs"],
        params: BY_NAME,
        body: Type.Union([Type.Null(), strict({})]),
        response: { 202: Type.Object({ holder: Type.String(), run: orNull(Type.String()) }) },
      },
    },
    async (request, reply) => {
      const sync = await findSync(store, request.params.name);
      const asked = await stopSync(store, sync.id, { actor: actorOf(context, request), cause: "asked" });
      return reply.code(202).send(requireAsked(asked, sync.name));
    },
  );
}
