import Type, { type TSchema } from "typebox";
import { findPeople, showPerson } from "../../runs/people.ts";
import { tracePerson } from "../../runs/trace-person.ts";
import { type ApiContext, findConnection } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { notFound } from "../problems.ts";
import { ANY, type Api, collectionOf, LIMIT_DEFAULT, NAME, orNull, PAGE, strict } from "../schemas.ts";

const PROTECTED_BY = Type.String({ description: "The list that protects the record: nothing is taken away from it." });

const PERSON_FIELDS = {
  id: Type.String({ description: "Object id." }),
  displayName: orNull(Type.String()),
  userPrincipalName: orNull(Type.String()),
  mail: orNull(Type.String()),
  accountEnabled: orNull(Type.Boolean()),
  connection: Type.String({ description: "The connection's name." }),
};

const PERSON: TSchema = Type.Object(PERSON_FIELDS);

const DETAIL: TSchema = Type.Object({
  ...PERSON_FIELDS,
  attributes: ANY,
  manager: orNull(Type.String({ description: "Object id." })),
  managerRecord: orNull(
    Type.Object({ id: Type.String(), displayName: orNull(Type.String()), userPrincipalName: orNull(Type.String()) }),
  ),
  removed: orNull(Type.String()),
  groupsRead: Type.Boolean({ description: "False while no sync of the connection asked for groups." }),
  groups: Type.Array(Type.Object({ id: Type.String(), displayName: orNull(Type.String()) })),
  links: Type.Array(
    Type.Object({
      target: Type.String(),
      kind: Type.String(),
      recordId: Type.String(),
      sync: orNull(Type.String()),
      origin: Type.String(),
      matchedBy: orNull(Type.String({ description: "Of a joined record: the attribute by which it was found." })),
      active: Type.Boolean(),
      known: ANY,
    }),
  ),
  pending: Type.Array(
    Type.Object({ sync: Type.String(), reason: Type.String(), code: Type.String(), detail: Type.String() }),
  ),
  home: orNull(
    Type.Object(
      {
        connection: Type.String(),
        id: Type.String(),
        displayName: orNull(Type.String()),
        userPrincipalName: Type.String(),
      },
      { description: "Who an invited account is at home, where that tenant is connected; nothing is linked by it." },
    ),
  ),
  syncs: Type.Array(
    Type.Object({
      sync: Type.String(),
      target: Type.String(),
      state: Type.String({ description: "synced, disabled, absent, waiting, held or unsynced." }),
      reason: Type.String({ description: "Why the target holds the person, or why not." }),
      record: orNull(
        Type.Object({
          kind: Type.String(),
          id: Type.String(),
          origin: Type.String(),
          active: Type.Boolean(),
          since: Type.Integer(),
          sync: orNull(Type.String()),
        }),
      ),
      plan: orNull(Type.Object({ id: Type.String(), digest: Type.String() })),
      retryAt: orNull(Type.Integer()),
      protectedBy: Type.Optional(PROTECTED_BY),
    }),
  ),
});

const TRACE_FIELD: TSchema = Type.Object({
  attribute: Type.String(),
  rule: ANY,
  sources: ANY,
  value: Type.Optional(ANY),
  emptied: Type.Boolean({ description: "The source has nothing for it." }),
  detail: orNull(
    Type.String({ description: "Why there is no value, what is wrong with it, or what writing it depends on." }),
  ),
  present: Type.Optional(ANY),
  written: Type.Boolean({ description: "The next plan writes `value`." }),
});

const TRACED: TSchema = Type.Object({
  id: Type.String({ description: "Object id." }),
  displayName: orNull(Type.String()),
  connection: Type.String({ description: "The connection's name." }),
  syncs: Type.Array(
    Type.Object({
      sync: Type.String(),
      target: Type.Optional(Type.String()),
      kind: Type.Optional(Type.String()),
      scope: Type.Optional(
        orNull(
          Type.Object({
            in: Type.Boolean(),
            reason: Type.String(),
            untold: Type.Optional(
              Type.Boolean({ description: "Out only as far as is known: nobody leaves the target by this." }),
            ),
          }),
        ),
      ),
      record: Type.Optional(
        orNull(Type.Object({ id: Type.String(), state: Type.String(), matchedBy: orNull(Type.String()) })),
      ),
      protectedBy: Type.Optional(PROTECTED_BY),
      sought: Type.Optional(Type.Array(Type.Object({ attribute: Type.String(), value: ANY }))),
      fields: Type.Optional(Type.Array(TRACE_FIELD)),
      outcome: Type.Optional(
        Type.Object({
          action: Type.String({ description: "A change's action, or none, issue, held." }),
          reason: Type.String(),
          code: orNull(Type.String()),
          before: ANY,
          after: ANY,
          digest: orNull(Type.String()),
        }),
      ),
      issues: Type.Optional(Type.Array(Type.Object({ code: Type.String(), detail: Type.String() }))),
      error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String(), fix: Type.String() })),
    }),
  ),
});

/** A search that finds more is too wide to be read; it says so by ending here. */
const FOUND_MAX = 1000;

/** Targets are asked; one that does not answer must not hold the caller for ever. */
const TRACE_LIMIT_MS = 60_000;

/** People of the directory. */
export function peopleRoutes(app: Api, { store, engine }: ApiContext): void {
  app.get(
    "/people",
    {
      schema: {
        operationId: "findPeople",
        summary: "People whose name, sign-in name, mail or object id contains the text; at most 1,000",
        tags: ["people"],
        querystring: strict({
          ...PAGE,
          search: Type.String({ minLength: 1, maxLength: 200 }),
          connection: Type.Optional(NAME),
        }),
        response: { 200: collectionOf(PERSON) },
      },
    },
    async ({ query: { limit = LIMIT_DEFAULT, after, search, connection } }) => {
      const of = connection === undefined ? {} : { connection: (await findConnection(store, connection)).id };
      const [skip = 0] = fromCursor(after, ["number"]) ?? [];
      const begin = Math.min(Math.max(0, Number(skip)), FOUND_MAX);
      const end = Math.min(begin + limit, FOUND_MAX);
      if (end === begin) return { items: [], next: null };
      const found = await findPeople(store, { text: search, ...of, limit: end === FOUND_MAX ? end : end + 1 });
      return pageOf(found.slice(begin), end - begin, () => [end]);
    },
  );

  app.get(
    "/people/:id",
    {
      schema: {
        operationId: "getPerson",
        summary: "Everything known of one person, by object id or sign-in name; one item for each connection",
        tags: ["people"],
        params: strict({ id: NAME }),
        response: { 200: collectionOf(DETAIL) },
      },
    },
    async ({ params: { id } }) => {
      const items = await showPerson(engine, id);
      if (items.length === 0) throw notFound("person with this object id or sign-in name");
      return { items, next: null };
    },
  );

  app.get(
    "/people/:id/trace",
    {
      schema: {
        operationId: "tracePerson",
        summary:
          "How each sync treats one person: scope, each field, matching, and what the next plan does; writes nothing",
        tags: ["people"],
        params: strict({ id: NAME }),
        querystring: strict({ sync: Type.Optional(NAME) }),
        response: { 200: collectionOf(TRACED) },
      },
    },
    async ({ params: { id }, query: { sync = null }, signal: gone }) => {
      const signal = AbortSignal.any([gone, AbortSignal.timeout(TRACE_LIMIT_MS)]);
      const items = await tracePerson(engine, { person: id, sync, signal });
      if (items.length === 0) throw notFound("person with this object id or sign-in name");
      return { items, next: null };
    },
  );
}
