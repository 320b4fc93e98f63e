import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from "fastify";
import Type, { type Static, type TInteger, type TObject, type TOptional, type TSchema, type TString } from "typebox";

/** Gives routes the types of their TypeBox schemas. */
export interface TypeBoxProvider extends FastifyTypeProvider {
  readonly validator: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
  readonly serializer: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
}

/** The server as routes are written on it. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxProvider
>;

const LIMIT_MAX = 200;
export const LIMIT_DEFAULT = 50;

/** What every collection takes. */
export const PAGE: { readonly limit: TOptional<TInteger>; readonly after: TOptional<TString> } = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT })),
  after: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: "`next` of the page before." })),
};

/** The path parameter of things that have a name and an id. */
export const NAME: TString = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: "^[^\\u0000]+$",
  description: "Name or id.",
});
/** The path parameter of things that have an id only. */
export const ID: TString = Type.String({ minLength: 1, maxLength: 200, pattern: "^[A-Za-z0-9_.-]+$" });

/** An object that takes nothing else: what is not known is refused, not ignored. */
export function strict<T extends { readonly [name: string]: TSchema }>(properties: T): TObject<T> {
  return Type.Object(properties, { additionalProperties: false });
}

/** A page of a collection: `next` is null on the last one. */
export function collectionOf(item: TSchema): TSchema {
  return Type.Object({ items: Type.Array(item), next: orNull(Type.String()) });
}

export function orNull(schema: TSchema): TSchema {
  return Type.Union([schema, Type.Null()]);
}

/** Milliseconds since 1970, UTC. */
export const TIME: TSchema = Type.Integer({ description: "Milliseconds since 1970, UTC." });

/** Who did something. */
export const ACTOR: TSchema = Type.Object({ kind: Type.String(), id: Type.String() });

export const APPROVAL: TSchema = Type.Object(
  {
    given: Type.Array(Type.Object({ actor: ACTOR, at: TIME })),
    missing: Type.Integer({ description: "How many more must approve it before it is applied." }),
    barred: Type.Array(Type.Object({ id: Type.String(), why: Type.Enum(["asked", "changed"]) }), {
      description: "Who cannot: they asked for the plan, or changed the sync last.",
    }),
  },
  { description: "Where the sync asks for a second operator." },
);

export const COUNTS: TSchema = Type.Object(
  {
    ...Object.fromEntries(
      ["create", "join", "update", "enable", "disable", "delete", "members"].map((kind) => [kind, Type.Integer()]),
    ),
    lookup: Type.Optional(Type.Integer()),
  },
  {
    description:
      "Changes by kind; `members` counts single additions plus removals, `lookup` values created in the target's lookups, where there are any.",
  },
);

export const BY_ATTRIBUTE: TSchema = Type.Array(Type.Object({ attribute: Type.String(), count: Type.Integer() }), {
  description: "Joins by the target attribute by which their records were found, most first.",
});

export const FINDING: TSchema = Type.Object({
  code: Type.String(),
  detail: Type.String(),
  objectId: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
});

const WAITING: TSchema = Type.Object(
  {
    message: Type.String({ description: "The wait in one clause, for an operator." }),
    service: Type.String(),
    status: orNull(Type.Integer({ description: "The HTTP status of its answer; null when there was none." })),
    seconds: Type.Integer(),
    attempt: Type.Integer({ description: "The attempt that follows." }),
    of: Type.Integer(),
  },
  { description: "Present while a request waits for a service that is busy or silent." },
);

/** How far something is, with its pace where one can be told. */
export const PROGRESS: TSchema = Type.Object({
  phase: Type.String(),
  detail: Type.String(),
  done: Type.Integer(),
  total: orNull(Type.Integer()),
  perSecond: orNull(Type.Number()),
  remainingMs: orNull(Type.Integer()),
  waiting: Type.Optional(WAITING),
});

export const FAULT: TSchema = Type.Object({ code: Type.String(), message: Type.String(), fix: Type.String() });

const RUN_FIELDS = {
  run: Type.String(),
  sync: Type.String({ description: "The sync's id." }),
  mode: Type.String(),
  phase: Type.String(),
  result: orNull(Type.String()),
  counts: COUNTS,
  failed: Type.Integer(),
  unchanged: Type.Integer(),
  progress: Type.Object({
    phase: Type.Optional(Type.String()),
    detail: Type.Optional(Type.String()),
    done: Type.Optional(Type.Integer()),
    total: Type.Optional(orNull(Type.Integer())),
    waiting: Type.Optional(WAITING),
  }),
  error: orNull(FAULT),
  stoppedBy: orNull(Type.Object({ kind: Type.String(), id: Type.String() })),
  plan: orNull(Type.String()),
  heldPlan: orNull(Type.String()),
  startedAt: TIME,
  finishedAt: orNull(TIME),
  ms: orNull(Type.Integer()),
  readMs: Type.Integer(),
};

export const RUN: TSchema = Type.Object(RUN_FIELDS);

export const NAMED_RUN: TSchema = Type.Object({
  ...RUN_FIELDS,
  syncName: orNull(Type.String({ description: "The sync's name, or the last one it had." })),
  syncRemoved: Type.Boolean({ description: "The sync is no longer there." }),
});

export const CHECKS: TSchema = Type.Object({
  ok: Type.Boolean(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String(), fix: orNull(Type.String()) }),
  ),
});

/** JSON of any shape. */
export const ANY: TSchema = Type.Unknown();
