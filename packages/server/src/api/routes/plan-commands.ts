import type { Counts } from "@entrain/core";
import Type, { type TSchema } from "typebox";
import { leaveOut } from "../../runs/leave-out.ts";
import { runSync } from "../../runs/run.ts";
import type { Selection } from "../../runs/selection.ts";
import type { PlanRow } from "../../store/plans.ts";
import { type ApiContext, actorOf, findSync } from "../context.ts";
import { RequestError } from "../problems.ts";
import { type Api, COUNTS, ID, NAME, strict } from "../schemas.ts";
import { SELECTION_FIELDS } from "./plans.ts";
import { heedPause } from "./sync-control.ts";

const RECORDS_MAX = 10_000;
const ANYWAY = Type.Optional(Type.Boolean({ description: "Also when the sync is paused." }));

/** Of a plan: what it is limited to, if to anything. */
export const SOME: TSchema = Type.Union([Type.Null(), strict(SELECTION_FIELDS)]);
/** Of a run: the same, and whether a pause counts. */
export const SOME_ANYWAY: TSchema = Type.Union([Type.Null(), strict({ ...SELECTION_FIELDS, anyway: ANYWAY })]);

const HALF: TSchema = Type.Object({ plan: Type.String(), digest: Type.String(), counts: COUNTS });

/** What a request limits a plan to. @throws RequestError `request_invalid` for more than one way of choosing */
export function selectionIn(body: unknown): Selection | undefined {
  const { only, group, filter } = (body ?? {}) as Selection;
  const ways = [only, group, filter].filter((way) => way !== undefined).length;
  if (ways > 1) throw new RequestError("request_invalid", "Give one of only, group and filter.");
  if (only !== undefined) return { only };
  if (group !== undefined) return { group };
  return filter === undefined ? undefined : { filter };
}

/** Reading a sync's two ends anew, and leaving records out of a held plan. */
export function planCommands(app: Api, context: ApiContext): void {
  const { store, engine, background } = context;

  app.post(
    "/syncs/:name/resync",
    {
      schema: {
        operationId: "resyncSync",
        summary: "Read tenant and target anew, evaluate everybody, and apply what no guard holds; behind this request",
        tags: ["syncs"],
        params: strict({ name: NAME }),
        body: Type.Union([
          Type.Null(),
          strict({
            anyway: ANYWAY,
            recreateMissing: Type.Optional(
              Type.Boolean({ description: "Whatever is gone from the target is made anew, however much." }),
            ),
          }),
        ]),
        response: { 202: Type.Object({ run: Type.String({ description: "Follow it at /runs/{run}/events." }) }) },
      },
    },
    async (request, reply) => {
      const sync = await findSync(store, request.params.name);
      await heedPause(context, sync, request.body);
      const recreate = request.body?.recreateMissing === true;
      const run = await background.run(sync, actorOf(context, request), (of, options) =>
        runSync(of, { ...options, resync: true, recreate }),
      );
      return reply.code(202).header("location", `/api/v1/runs/${run}`).send({ run });
    },
  );

  app.post(
    "/syncs/:name/plans/:digest/split",
    {
      schema: {
        operationId: "splitPlan",
        summary: "Leave records out of a held plan: they wait on in a plan of their own, all else under a new digest",
        tags: ["plans"],
        params: strict({ name: NAME, digest: Type.String({ pattern: "^[0-9a-f]{64}$" }) }),
        body: strict({ without: Type.Array(ID, { minItems: 1, maxItems: RECORDS_MAX, description: "Object ids." }) }),
        response: { 200: Type.Object({ rest: HALF, left: HALF }) },
      },
    },
    async (request) => {
      const { name, digest } = request.params;
      const sync = await findSync(store, name);
      const actor = actorOf(context, request);
      const { signal } = new AbortController();
      const given = { sync: sync.id, actor, signal, onProgress: () => undefined, digest };
      const { rest, left } = await leaveOut(engine, { ...given, records: request.body.without });
      return { rest: halfOf(rest), left: halfOf(left) };
    },
  );
}

function halfOf({ id, digest, counts }: PlanRow): object {
  return { plan: id, digest: digest ?? "", counts: JSON.parse(counts) as Counts };
}
