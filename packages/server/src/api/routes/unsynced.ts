import { Readable } from "node:stream";
import Type, { type TSchema } from "typebox";
import { UNSYNCED_STATES, type UnsyncedFilter, unsyncedRecords } from "../../runs/failures/unsynced.ts";
import { heedRecords, ignoreRecords, retryRecords, type Which } from "../../runs/failures/unsynced-commands.ts";
import { unsyncedCsv } from "../../runs/failures/unsynced-export.ts";
import { UNSYNCED } from "../../runs/unsynced-reasons.ts";
import { type ApiContext, actorOf, findSync } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { type Api, collectionOf, LIMIT_DEFAULT, NAME, orNull, PAGE, strict, TIME } from "../schemas.ts";

const NOTE_MAX = 500;
const TEXT_MAX = 200;
const RECORDS_MAX = 1000;
const BY_NAME = strict({ name: NAME });
/** No store holds U+0000. */
const STORABLE = "^[^\\u0000]*$";
const CODE = Type.String({ maxLength: TEXT_MAX, pattern: "^[a-z0-9_]*$" });
const RECORDS = Type.Array(Type.String({ maxLength: TEXT_MAX, pattern: STORABLE }), {
  minItems: 1,
  maxItems: RECORDS_MAX,
  description: "Object ids of unsynced records.",
});

/** Why a sync is slowed down. */
export const QUARANTINE: TSchema = Type.Object({
  since: TIME,
  failures: Type.Integer({ description: "Bad runs in a row." }),
  code: Type.String(),
  reason: Type.String(),
  fix: Type.String({ description: "What to do about it." }),
  until: { ...TIME, description: "It does not run by itself before that." },
});

/** A target that did not answer. */
export const BREAKER: TSchema = Type.Object({ since: TIME, lastAt: TIME, detail: Type.String() });

const UNSYNCED_RECORD: TSchema = Type.Object({
  id: Type.String({ description: "Object id." }),
  name: Type.String(),
  userPrincipalName: orNull(Type.String()),
  reason: Type.String(),
  code: Type.String(),
  detail: Type.String(),
  state: Type.Enum([...UNSYNCED_STATES], {
    description: "Tried again by itself, not tried by itself any more, or ignored.",
  }),
  attempts: Type.Integer(),
  since: TIME,
  triedAt: orNull(TIME),
  retryAt: orNull(TIME),
  deadAt: orNull(TIME),
  ignored: orNull(
    Type.Object({
      note: Type.String(),
      actor: Type.Object({ kind: Type.String(), id: Type.String() }),
      at: TIME,
    }),
  ),
  fix: Type.String({ description: "What to do about it." }),
  sentence: Type.String({ description: "What happened, to which record, why, and what comes next." }),
});

const FILTER = {
  code: Type.Optional(CODE),
  reason: Type.Optional(Type.Enum([...UNSYNCED])),
  text: Type.Optional(Type.String({ maxLength: TEXT_MAX, description: "A part of name, sign-in name, id or detail." })),
  state: Type.Optional(
    Type.Enum([...UNSYNCED_STATES, "all"], { description: "Without it, all that nobody has ignored." }),
  ),
  before: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 8_640_000_000_000_000,
      description: "Unsynced since that moment or longer, in milliseconds UTC.",
    }),
  ),
};

/** Unsynced records of a sync: listed, exported, tried again, ignored. */
export function unsyncedRoutes(app: Api, context: ApiContext): void {
  listing(app, context);
  commands(app, context);
}

function listing(app: Api, { store }: ApiContext): void {
  app.get(
    "/syncs/:name/unsynced",
    {
      schema: {
        operationId: "listUnsynced",
        summary: "Records in scope that are not as they should be, and why",
        tags: ["syncs"],
        params: BY_NAME,
        querystring: strict({ ...PAGE, ...FILTER }),
        response: { 200: collectionOf(UNSYNCED_RECORD) },
      },
    },
    async ({ params: { name }, query }) => {
      const { limit = LIMIT_DEFAULT, after, ...filter } = query;
      const sync = await findSync(store, name);
      const [last = ""] = fromCursor(after, ["string"]) ?? [];
      const of = { sync: sync.id, after: String(last), limit: limit + 1, filter: filter as UnsyncedFilter };
      return pageOf(await unsyncedRecords(store, of), limit, (record) => [record.id]);
    },
  );

  app.get(
    "/syncs/:name/unsynced.csv",
    {
      schema: {
        operationId: "exportUnsynced",
        summary: "The same records as CSV, streamed; no cell is taken for a formula by a spreadsheet",
        tags: ["syncs"],
        params: BY_NAME,
        querystring: strict({
          ...FILTER,
          bom: Type.Optional(Type.Boolean({ description: "Begin with a byte order mark, for spreadsheets." })),
        }),
        response: { 200: Type.Unknown({ description: "text/csv (RFC 4180), UTF-8." }) },
      },
    },
    async ({ params: { name }, query: { bom = false, ...filter } }, reply) => {
      const sync = await findSync(store, name);
      reply.header("content-type", "text/csv; charset=utf-8; header=present");
      reply.header("content-disposition", `attachment; filename="unsynced-${fileName(sync.name)}.csv"`);
      const pieces = unsyncedCsv(store, { sync: sync.id, bom, filter: filter as UnsyncedFilter });
      return reply.serializer((payload) => payload as string).send(Readable.from(pieces));
    },
  );
}

/** A sync's name as it may stand in a file's name and between the quotes of a header (RFC 6266, RFC 9110 section 5.6.4). */
function fileName(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, "-");
}

function commands(app: Api, context: ApiContext): void {
  const { store } = context;

  app.post(
    "/syncs/:name/unsynced/retry",
    {
      schema: {
        operationId: "retryUnsynced",
        summary: "Have unsynced records tried by the next run, and end the sync's quarantine",
        tags: ["syncs"],
        params: BY_NAME,
        body: Type.Union([
          Type.Null({ description: "All that nobody has ignored." }),
          strict({}),
          strict({ records: RECORDS }),
          strict({ code: CODE }),
        ]),
        response: { 200: Type.Object({ records: Type.Integer(), quarantine: orNull(QUARANTINE) }) },
      },
    },
    async (request) => {
      const sync = await findSync(store, request.params.name);
      const body = request.body ?? {};
      const which: Which = "records" in body || "code" in body ? (body as Which) : "all";
      return await retryRecords(store, sync.id, { actor: actorOf(context, request), which });
    },
  );

  app.post(
    "/syncs/:name/unsynced/ignore",
    {
      schema: {
        operationId: "ignoreUnsynced",
        summary: "Leave unsynced records alone until they or the configuration change: they count in no run",
        tags: ["syncs"],
        params: BY_NAME,
        body: strict({ records: RECORDS, note: Type.String({ minLength: 1, maxLength: NOTE_MAX, pattern: STORABLE }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const sync = await findSync(store, request.params.name);
      const { records, note } = request.body;
      await ignoreRecords(store, sync.id, { actor: actorOf(context, request), records, note });
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/syncs/:name/unsynced/heed",
    {
      schema: {
        operationId: "heedUnsynced",
        summary: "Ignore records no more: the next run tries them",
        tags: ["syncs"],
        params: BY_NAME,
        body: strict({ records: RECORDS }),
        response: { 200: Type.Object({ records: Type.Integer({ description: "How many were ignored." }) }) },
      },
    },
    async (request) => {
      const sync = await findSync(store, request.params.name);
      const { records } = request.body;
      return { records: await heedRecords(store, sync.id, { actor: actorOf(context, request), records }) };
    },
  );
}
