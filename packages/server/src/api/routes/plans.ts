import Type, { type TSchema } from "typebox";
import {
  findPlan,
  joinedBy,
  type PlannedChangeView,
  type PlanView,
  planIssues,
  planView,
} from "../../runs/plan-queries.ts";
import { shownChange } from "../../runs/seal.ts";
import type { PlanKey } from "../../store/plans.ts";
import type { Store } from "../../store/store.ts";
import { type ApiContext, findSync } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { notFound } from "../problems.ts";
import {
  ANY,
  type Api,
  BY_ATTRIBUTE,
  COUNTS,
  collectionOf,
  FINDING,
  ID,
  LIMIT_DEFAULT,
  NAME,
  orNull,
  PAGE,
  strict,
  TIME,
} from "../schemas.ts";

const ACTIONS = ["create", "join", "update", "enable", "disable", "delete", "members", "lookup"] as const;

const STATES = [
  "building",
  "sealed",
  "applying",
  "held",
  "approved",
  "applied",
  "rejected",
  "superseded",
  "split",
  "abandoned",
  "forgotten",
] as const;

const PLAN_FIELDS = {
  plan: Type.String(),
  sync: Type.String({ description: "The sync's id." }),
  state: Type.String(),
  part: Type.String({ description: "changes, removals (held), or undo" }),
  undoes: orNull(Type.String({ description: "The run that it undoes." })),
  digest: orNull(Type.String()),
  complete: Type.Boolean({ description: "False: a side was read in part, so nothing is removed." }),
  counts: COUNTS,
  holds: Type.Array(FINDING),
  createdAt: TIME,
};
const PLAN: TSchema = Type.Object(PLAN_FIELDS);
const PLAN_WITH_JOINS: TSchema = Type.Object({ ...PLAN_FIELDS, joinedBy: BY_ATTRIBUTE });

const CHANGE: TSchema = Type.Object({
  ordinal: Type.Integer(),
  state: Type.String(),
  hold: orNull(Type.String()),
  kind: Type.String(),
  objectId: Type.String(),
  name: Type.String(),
  action: Type.String(),
  cause: Type.String(),
  reason: Type.String(),
  recordId: orNull(Type.String()),
  before: ANY,
  after: ANY,
  active: orNull(Type.Boolean()),
  matchedBy: Type.Optional(
    Type.Object({ attribute: Type.String(), value: ANY }, { description: "Of a join: by what the record was found." }),
  ),
  add: Type.Array(Type.String()),
  remove: Type.Array(Type.String()),
  addTotal: Type.Integer({ description: "`add` holds at most the first 100." }),
  removeTotal: Type.Integer({ description: "`remove` holds at most the first 100." }),
});

const ISSUE: TSchema = Type.Object({
  ordinal: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  objectId: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
});

const BY_ID = strict({ id: ID });
/** A change of a large group may hold many thousands of members; a page shows the first ones and says how many. */
const MEMBERS_SHOWN = 100;

/** Plans, their changes with reasons, and what they could not plan. */
export function planRoutes(app: Api, { store }: ApiContext): void {
  app.get(
    "/plans",
    {
      schema: {
        operationId: "listPlans",
        summary: "Plans, newest first; with `state=held` those that wait for approval",
        tags: ["plans"],
        querystring: strict({ ...PAGE, sync: Type.Optional(NAME), state: Type.Optional(Type.Enum([...STATES])) }),
        response: { 200: collectionOf(PLAN) },
      },
    },
    async ({ query: { limit = LIMIT_DEFAULT, after, sync, state } }) => {
      let query = store.db.selectFrom("plans").selectAll();
      if (sync !== undefined) query = query.where("sync", "=", (await findSync(store, sync)).id);
      if (state !== undefined) query = query.where("state", "=", state);
      const parts = fromCursor(after, ["number", "string"]);
      if (parts !== null) {
        const [at, id] = [Number(parts[0]), String(parts[1])];
        query = query.where((eb) => eb(eb.refTuple("created_at", "id"), "<", eb.tuple(at, id)));
      }
      const ordered = query.orderBy("created_at", "desc").orderBy("id", "desc");
      const { items, next } = pageOf(await ordered.limit(limit + 1).execute(), limit, (row) => [
        row.created_at,
        row.id,
      ]);
      return { items: items.map(planView), next };
    },
  );

  app.get(
    "/plans/:id",
    {
      schema: {
        operationId: "getPlan",
        summary: "One plan, without its changes",
        tags: ["plans"],
        params: BY_ID,
        response: { 200: PLAN_WITH_JOINS },
      },
    },
    async ({ params: { id } }) => ({ ...(await planOf(store, id)), joinedBy: await joinedBy(store, { plan: id }) }),
  );

  app.get(
    "/plans/:id/changes",
    {
      schema: {
        operationId: "listChanges",
        summary: "A plan's changes with their reasons, in the order in which they are applied",
        tags: ["plans"],
        params: BY_ID,
        querystring: strict({ ...PAGE, action: Type.Optional(Type.Enum([...ACTIONS])) }),
        response: { 200: collectionOf(CHANGE) },
      },
    },
    async ({ params: { id }, query: { limit = LIMIT_DEFAULT, after, action } }) => {
      await planOf(store, id);
      const parts = fromCursor(after, ["number", "number", "number"]);
      const from = parts && { phase: Number(parts[0]), rank: Number(parts[1]), ordinal: Number(parts[2]) };
      const found = await changesOf(store, id, { after: from, limit: limit + 1, action });
      const { items, next } = pageOf(found, limit, ({ key }) => [key.phase, key.rank, key.ordinal]);
      return { items: items.map(shortened), next };
    },
  );

  app.get(
    "/plans/:id/issues",
    {
      schema: {
        operationId: "listIssues",
        summary: "Records that the plan could not plan, and why",
        tags: ["plans"],
        params: BY_ID,
        querystring: strict(PAGE),
        response: { 200: collectionOf(ISSUE) },
      },
    },
    async ({ params: { id }, query: { limit = LIMIT_DEFAULT, after } }) => {
      await planOf(store, id);
      const [last = -1] = fromCursor(after, ["number"]) ?? [];
      const found = await planIssues(store, id, { after: Number(last), limit: limit + 1 });
      return pageOf(found, limit, ({ ordinal }) => [ordinal]);
    },
  );
}

async function planOf(store: Store, id: string): Promise<PlanView> {
  const plan = await findPlan(store, id);
  if (plan === null) throw notFound(`plan ${id}`);
  return plan;
}

async function changesOf(
  store: Store,
  plan: string,
  options: { readonly after: PlanKey | null; readonly limit: number; readonly action: string | undefined },
): Promise<readonly PlannedChangeView[]> {
  const { after, action } = options;
  let query = store.db.selectFrom("plan_changes").selectAll().where("plan", "=", plan);
  if (action !== undefined) query = query.where("action", "=", action);
  if (after) {
    query = query.where((eb) =>
      eb(eb.refTuple("phase", "rank", "ordinal"), ">", eb.tuple(after.phase, after.rank, after.ordinal)),
    );
  }
  const rows = await query.orderBy("phase").orderBy("rank").orderBy("ordinal").limit(options.limit).execute();
  return rows.map((row) => {
    const { ordinal, state, hold, phase, rank } = row;
    return { ...shownChange(row), ordinal, state, hold, key: { phase, rank, ordinal } };
  });
}

function shortened(change: PlannedChangeView): object {
  const { add, remove } = change;
  return {
    ...change,
    add: add.slice(0, MEMBERS_SHOWN),
    remove: remove.slice(0, MEMBERS_SHOWN),
    addTotal: add.length,
    removeTotal: remove.length,
  };
}
