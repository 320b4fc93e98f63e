import Type from "typebox";
import { releaseUndone, undoRun } from "../../runs/undo/undo.ts";
import { pinsPage } from "../../store/pins.ts";
import { type ApiContext, actorOf, findSync } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { RequestError } from "../problems.ts";
import { type Api, collectionOf, ID, LIMIT_DEFAULT, NAME, orNull, PAGE, strict, TIME } from "../schemas.ts";

const BY_NAME = strict({ name: NAME });
const RECORDS_MAX = 10_000;
const RECORDS = Type.Array(ID, { minItems: 1, maxItems: RECORDS_MAX, description: "Object ids." });
const CHANGES = Type.Array(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), {
  minItems: 1,
  maxItems: RECORDS_MAX,
  description: "Numbers of changes, in place of records.",
});
const STARTED = Type.Object({ run: Type.String({ description: "Follow it at /runs/{run}/events." }) });

const PIN = Type.Object({
  id: Type.String({ description: "Object id." }),
  name: Type.String(),
  record: Type.Boolean({ description: "The record itself stays as it is." }),
  members: Type.Integer({ description: "How many of its memberships do." }),
  run: orNull(Type.String({ description: "The run that was undone; null for what was exempted from a held plan." })),
  actor: Type.Object({ kind: Type.String(), id: Type.String() }),
  at: TIME,
});

/** Undoing runs, and what stays undone. */
export function undoRoutes(app: Api, context: ApiContext): void {
  const { store, engine, background } = context;

  app.post(
    "/syncs/:name/undo",
    {
      schema: {
        operationId: "undoRun",
        summary: "Plan the inverse of a run, or of chosen changes of it; the plan waits for approval",
        tags: ["syncs"],
        params: BY_NAME,
        body: strict({
          run: Type.Optional(Type.String({ description: "Without it the last one that changed something." })),
          records: Type.Optional(RECORDS),
          changes: Type.Optional(CHANGES),
        }),
        response: { 202: STARTED },
      },
    },
    async (request, reply) => {
      const { run: of = null, records, changes } = request.body;
      const sync = await findSync(store, request.params.name);
      if (records !== undefined && changes !== undefined)
        throw new RequestError("request_invalid", "Give one of records and changes.");
      const byRecord = records === undefined ? {} : { records: new Set(records) };
      const chosen = changes === undefined ? byRecord : { ordinals: new Set(changes) };
      const run = await background.run(sync, actorOf(context, request), (of_, options) =>
        undoRun(of_, { ...options, of, chosen }),
      );
      return reply.code(202).header("location", `/api/v1/runs/${run}`).send({ run });
    },
  );

  app.get(
    "/syncs/:name/undone",
    {
      schema: {
        operationId: "listUndone",
        summary: "What was undone and stays so until it is released",
        tags: ["syncs"],
        params: BY_NAME,
        querystring: strict(PAGE),
        response: { 200: collectionOf(PIN) },
      },
    },
    async ({ params: { name }, query: { limit = LIMIT_DEFAULT, after } }) => {
      const sync = await findSync(store, name);
      const [last = ""] = fromCursor(after, ["string"]) ?? [];
      const found = await pinsPage(store.db, sync.id, { after: String(last), limit: limit + 1 });
      return pageOf(found, limit, (pin) => [pin.id]);
    },
  );

  app.post(
    "/syncs/:name/release",
    {
      schema: {
        operationId: "releaseUndone",
        summary: "Let the next run decide again on what was undone: on these records, or with `all` on every one",
        tags: ["syncs"],
        params: BY_NAME,
        body: Type.Union([strict({ records: RECORDS }), strict({ all: Type.Literal(true) })]),
        response: { 200: Type.Object({ released: Type.Integer() }) },
      },
    },
    async (request) => {
      const sync = await findSync(store, request.params.name);
      const { body } = request;
      const records = "records" in body ? body.records : null;
      const { signal } = new AbortController();
      const actor = actorOf(context, request);
      const given = { sync: sync.id, actor, signal, onProgress: () => undefined, records };
      return { released: await releaseUndone(engine, given) };
    },
  );
}
