import { GUARD_COUNTERS, type GuardCounter } from "@entrain/core";
import Type, { type TSchema } from "typebox";
import { exemptSync } from "../../runs/exempt.ts";
import { guardsOf, LONGEST_RAISE_MS, lowerGuard, raiseGuard } from "../../runs/raise.ts";
import { type ApiContext, actorOf, findSync } from "../context.ts";
import { type Api, ID, NAME, orNull, strict, TIME } from "../schemas.ts";

const RECORDS_MAX = 10_000;
const COUNTER = Type.Enum([...GUARD_COUNTERS]);
const DIGEST = Type.String({ pattern: "^[0-9a-f]{64}$", description: "The plan's digest, in full." });
const BY_NAME = strict({ name: NAME });

/** A guard that lets more go than usual, for a while. */
export const RAISE: TSchema = Type.Object({
  counter: Type.String(),
  percent: Type.Number(),
  count: Type.Integer(),
  until: TIME,
  by: Type.Object({ kind: Type.String(), id: Type.String() }),
});

const GUARD: TSchema = Type.Object({
  counter: Type.String({ description: GUARD_COUNTERS.join(", ") }),
  percent: Type.Number({
    description: "As it is now; of the active records, or the memberships, when the window began.",
  }),
  count: Type.Integer(),
  windowMs: Type.Integer(),
  raised: orNull(RAISE),
  windows: Type.Array(
    Type.Object({
      windowMs: Type.Integer(),
      applied: Type.Integer({ description: "Without approval, within the window." }),
      allowed: Type.Integer({ description: "In all, within the window." }),
    }),
  ),
});

/** Guards of a sync: how they stand, raising one for a while, and leaving records out of a held plan. */
export function guardRoutes(app: Api, context: ApiContext): void {
  raising(app, context);
  exempting(app, context);
}

function raising(app: Api, context: ApiContext): void {
  const { store } = context;
  const tags = ["syncs"];

  app.get(
    "/syncs/:name/guards",
    {
      schema: {
        operationId: "listGuards",
        summary: "The guards of a sync as they are now, and how their windows are filled",
        tags,
        params: BY_NAME,
        response: { 200: Type.Object({ guards: Type.Array(GUARD) }) },
      },
    },
    async ({ params: { name } }) => ({ guards: [...(await guardsOf(store, await findSync(store, name)))] }),
  );

  app.post(
    "/syncs/:name/guards/:counter/raise",
    {
      schema: {
        operationId: "raiseGuard",
        summary: "Let a guard pass more for a while, a day at most; it falls back by itself",
        tags,
        params: strict({ name: NAME, counter: COUNTER }),
        body: strict({
          percent: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 100 })),
          count: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
          forMs: Type.Integer({ minimum: 1, maximum: LONGEST_RAISE_MS, description: "For so long, in milliseconds." }),
        }),
        response: { 200: RAISE },
      },
    },
    async (request) => {
      const { name, counter } = request.params as { readonly name: string; readonly counter: GuardCounter };
      const { percent, count, forMs } = request.body;
      const figures = { ...(percent === undefined ? {} : { percent }), ...(count === undefined ? {} : { count }) };
      const raise = { counter, ...figures, forMs, actor: actorOf(context, request) };
      return await raiseGuard(store, await findSync(store, name), raise);
    },
  );

  app.delete(
    "/syncs/:name/guards/:counter/raise",
    {
      schema: {
        operationId: "lowerGuard",
        summary: "Let a raised guard fall back now",
        tags,
        params: strict({ name: NAME, counter: COUNTER }),
        response: { 200: Type.Object({ lowered: Type.Boolean({ description: "False: it was not raised." }) }) },
      },
    },
    async (request) => {
      const { name, counter } = request.params as { readonly name: string; readonly counter: GuardCounter };
      const actor = actorOf(context, request);
      return { lowered: await lowerGuard(store, await findSync(store, name), { counter, actor }) };
    },
  );
}

function exempting(app: Api, context: ApiContext): void {
  const { store, engine } = context;

  app.post(
    "/syncs/:name/plans/:digest/exempt",
    {
      schema: {
        operationId: "exemptRecords",
        summary: "Leave records out of a held plan, and alone until they are released; the rest gets a new digest",
        tags: ["plans"],
        params: strict({ name: NAME, digest: DIGEST }),
        body: strict({
          records: Type.Array(ID, { minItems: 1, maxItems: RECORDS_MAX, description: "Object ids." }),
        }),
        response: {
          200: Type.Object({
            digest: orNull(Type.String({ description: "Of the rest; null when nothing is left of the plan." })),
            records: Type.Array(Type.String()),
          }),
        },
      },
    },
    async (request) => {
      const { name, digest } = request.params;
      const sync = await findSync(store, name);
      const { signal } = new AbortController();
      const of = { sync: sync.id, digest, actor: actorOf(context, request), signal, onProgress: () => undefined };
      const exempted = await exemptSync(engine, { ...of, records: request.body.records });
      return { ...exempted, records: [...exempted.records] };
    },
  );
}
