import { Readable } from "node:stream";
import Type, { type TSchema } from "typebox";
import { type ComparedKey, type ComparedRecord, comparePlans, countCompared } from "../../runs/plan-compare.ts";
import { planAsCsv, planAsJson } from "../../runs/plan-export.ts";
import type { ApiContext } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { ANY, type Api, ID, LIMIT_DEFAULT, orNull, PAGE, strict } from "../schemas.ts";
import { planOf } from "./plans.ts";

const SIDE: TSchema = Type.Object({
  action: Type.String(),
  reason: Type.String(),
  before: ANY,
  after: ANY,
  add: Type.Array(Type.String()),
  remove: Type.Array(Type.String()),
});

const COMPARED: TSchema = Type.Object({
  objectId: Type.String(),
  name: Type.String(),
  of: Type.Enum(["record", "members"]),
  verdict: Type.Enum(["first", "second", "differs", "same"]),
  differing: Type.Array(Type.String(), { description: "The action, attributes by name, `add` and `remove`." }),
  first: orNull(SIDE),
  second: orNull(SIDE),
});

const COUNTS: TSchema = Type.Object(
  { first: Type.Integer(), second: Type.Integer(), differs: Type.Integer(), same: Type.Integer() },
  { description: "Records of the whole comparison; only on its first page." },
);

/** Plans as documents, and two of them side by side. */
export function planDocuments(app: Api, { store }: ApiContext): void {
  app.get(
    "/plans/:id/export",
    {
      schema: {
        operationId: "exportPlan",
        summary: "A whole plan with before and after of every attribute, as JSON or as CSV; streamed",
        tags: ["plans"],
        params: strict({ id: ID }),
        querystring: strict({ format: Type.Optional(Type.Enum(["json", "csv"])) }),
        response: { 200: Type.Unknown({ description: "application/json, or text/csv without any formulas." }) },
      },
    },
    async ({ params: { id }, query: { format = "json" } }, reply) => {
      const plan = await planOf(store, id);
      const pieces = format === "csv" ? planAsCsv(store, plan) : planAsJson(store, plan);
      const type = format === "csv" ? "text/csv; charset=utf-8; header=present" : "application/json; charset=utf-8";
      reply.header("content-type", type);
      reply.header("content-disposition", `attachment; filename="plan-${id}.${format}"`);
      return reply.serializer((payload) => payload as string).send(Readable.from(pieces));
    },
  );

  app.get(
    "/plans/:id/compare/:other",
    {
      schema: {
        operationId: "comparePlans",
        summary: "Two plans record by record, in the order of object ids: what only one has, and what differs",
        tags: ["plans"],
        params: strict({ id: ID, other: ID }),
        querystring: strict({ ...PAGE, same: Type.Optional(Type.Boolean({ description: "Also what is the same." })) }),
        response: {
          200: Type.Object({
            items: Type.Array(COMPARED),
            next: orNull(Type.String()),
            counts: orNull(COUNTS),
          }),
        },
      },
    },
    async ({ params: { id, other }, query: { limit = LIMIT_DEFAULT, after, same = false } }) => {
      const plans = { first: (await planOf(store, id)).id, second: (await planOf(store, other)).id };
      const parts = fromCursor(after, ["string", "string"]);
      const from: ComparedKey | null = parts && {
        objectId: String(parts[0]),
        of: parts[1] === "members" ? "members" : "record",
      };
      const found: ComparedRecord[] = [];
      for await (const record of comparePlans(store, { ...plans, after: from })) {
        if (record.verdict !== "same" || same) found.push(record);
        if (found.length > limit) break;
      }
      const { items, next } = pageOf(found, limit, (record) => [record.objectId, record.of]);
      return { items: [...items], next, counts: parts === null ? await countCompared(store, plans) : null };
    },
  );
}
