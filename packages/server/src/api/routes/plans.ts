import Type, { type TArray, type TOptional, type TSchema, type TString } from "typebox";
import { approvalOf } from "../../runs/approval.ts";
import {
  joinedBy,
  listPlans,
  type PlannedChangeView,
  planChanges,
  planIssues,
  planView,
} from "../../runs/plan-queries.ts";
import { loadPlan, type PlanRow } from "../../store/plans.ts";
import type { Store } from "../../store/store.ts";
import { type ApiContext, findSync } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { notFound } from "../problems.ts";
import {
  ACTOR,
  ANY,
  APPROVAL,
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

export const SELECTION_FIELDS: {
  readonly only: TOptional<TArray<TString>>;
  readonly group: TOptional<TString>;
  readonly filter: TOptional<TString>;
} = {
  only: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 400 }), {
      minItems: 1,
      maxItems: 1000,
      description: "People by object id or user principal name, groups by object id or name.",
    }),
  ),
  group: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 400,
      description: "Its members, nested ones included; by object id or name.",
    }),
  ),
  filter: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1000, description: "A clause as in scopes: department EQUALS Sales" }),
  ),
};
const SELECTION: TSchema = Type.Object(SELECTION_FIELDS, { description: "What it was limited to." });

const SEATS: TSchema = Type.Object(
  { used: Type.Integer(), total: Type.Integer(), needed: Type.Integer(), waiting: Type.Integer() },
  { description: "Seats in the target as it told when the plan was made; `waiting`: creations without one." },
);

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
  part: Type.String({
    description:
      "changes, selected (some records only), removals (held), repair (of drift), remove (with the sync), or undo",
  }),
  undoes: orNull(Type.String({ description: "The run that it undoes." })),
  digest: orNull(Type.String()),
  complete: Type.Boolean({ description: "False: a side was read in part, so nothing is removed." }),
  counts: COUNTS,
  holds: Type.Array(FINDING),
  createdAt: TIME,
  askedBy: orNull(ACTOR),
  decidedBy: orNull(ACTOR),
  finishedAt: orNull(TIME),
  splitFrom: orNull(Type.String({ description: "The held plan that it was split from." })),
  selection: orNull(SELECTION),
  seats: orNull(SEATS),
};
const LISTED: TSchema = Type.Object({ ...PLAN_FIELDS, syncName: orNull(Type.String()) });
const PLAN_IN_FULL: TSchema = Type.Object({
  ...PLAN_FIELDS,
  joinedBy: BY_ATTRIBUTE,
  approval: orNull(APPROVAL),
  trace: Type.Unknown({
    description: "Of a plan for one record: how the sync treats it, as /people/{id}/trace tells.",
  }),
});

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
        response: { 200: collectionOf(LISTED) },
      },
    },
    async ({ query: { limit = LIMIT_DEFAULT, after, sync: name, state } }) => {
      const sync = name === undefined ? undefined : (await findSync(store, name)).id;
      const parts = fromCursor(after, ["number", "string"]);
      const before = parts && { createdAt: Number(parts[0]), plan: String(parts[1]) };
      const found = await listPlans(store, { sync, state, before, limit: limit + 1 });
      return pageOf(found, limit, ({ createdAt, plan }) => [createdAt, plan]);
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
        response: { 200: PLAN_IN_FULL },
      },
    },
    async ({ params: { id } }) => {
      const row = await planOf(store, id);
      return {
        ...planView(row),
        joinedBy: await joinedBy(store, { plan: id }),
        approval: row.state === "held" || row.state === "sealed" ? await approvalOf(store.db, row) : null,
        trace: row.trace === null ? null : (JSON.parse(row.trace) as unknown),
      };
    },
  );

  app.get(
    "/plans/:id/changes",
    {
      schema: {
        operationId: "listChanges",
        summary: "A plan's changes with their reasons, in the order in which they are applied",
        tags: ["plans"],
        params: BY_ID,
        querystring: strict({
          ...PAGE,
          action: Type.Optional(Type.Enum([...ACTIONS])),
          record: Type.Optional(
            Type.String({ minLength: 1, maxLength: 200, description: "An object id or a record id." }),
          ),
          text: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 200,
              description: "What a name, an id, the reason or a value holds.",
            }),
          ),
        }),
        response: { 200: collectionOf(CHANGE) },
      },
    },
    async ({ params: { id }, query: { limit = LIMIT_DEFAULT, after, ...filter } }) => {
      await planOf(store, id);
      const parts = fromCursor(after, ["number", "number", "number"]);
      const from = parts && { phase: Number(parts[0]), rank: Number(parts[1]), ordinal: Number(parts[2]) };
      const found = await planChanges(store, id, { ...filter, after: from, limit: limit + 1 });
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

/** @throws ConnectorError `not_found` */
export async function planOf(store: Store, id: string): Promise<PlanRow> {
  const plan = await loadPlan(store.db, id);
  if (plan === undefined) throw notFound(`plan ${id}`);
  return plan;
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
