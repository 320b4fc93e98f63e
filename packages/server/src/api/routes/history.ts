import Type, { type TSchema } from "typebox";
import { type JournalKey, type JournalOf, journalPage } from "../../runs/journal-views.ts";
import { findGroups, findPeopleAt, membersAt, momentIn, personAt } from "../../runs/then.ts";
import { type ApiContext, findConnection, findSync, findTarget } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { notFound, RequestError } from "../problems.ts";
import { ANY, type Api, collectionOf, ID, LIMIT_DEFAULT, NAME, orNull, PAGE, strict, TIME } from "../schemas.ts";

const ENTRY: TSchema = Type.Object({
  stream: Type.String(),
  sequence: Type.Integer(),
  at: TIME,
  actor: Type.Object({ kind: Type.String(), id: Type.String() }),
  type: Type.String({ description: "intent, outcome, approved, rejected, configured, …" }),
  run: orNull(Type.String()),
  plan: orNull(Type.String()),
  ordinal: orNull(Type.Integer()),
  target: orNull(Type.String({ description: "The target's name, or its id where it is gone." })),
  kind: orNull(Type.String()),
  objectId: orNull(Type.String()),
  recordId: orNull(Type.String()),
  action: orNull(Type.String()),
  cause: orNull(Type.String()),
  status: orNull(Type.String()),
  code: orNull(Type.String()),
  reason: orNull(Type.String()),
  detail: orNull(Type.String()),
  before: ANY,
  after: ANY,
});

const MEMBER: TSchema = Type.Object({
  id: Type.String(),
  displayName: orNull(Type.String()),
  userPrincipalName: orNull(Type.String()),
  type: Type.String(),
  through: orNull(Type.String({ description: "The group inside the group; null for a direct member." })),
});

const THEN: TSchema = Type.Object({
  id: Type.String(),
  connection: Type.String({ description: "The connection's name." }),
  attributes: ANY,
  manager: orNull(Type.Object({ id: Type.String(), displayName: orNull(Type.String()) })),
  removed: orNull(Type.String()),
  groups: Type.Array(Type.Object({ id: Type.String(), displayName: orNull(Type.String()) })),
});

const AT = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: "Milliseconds since 1970 in UTC." });

/** The journal as a timeline, and the directory as it was. */
export function historyRoutes(app: Api, context: ApiContext): void {
  journal(app, context);
  then(app, context);
}

function journal(app: Api, { store }: ApiContext): void {
  app.get(
    "/journal",
    {
      schema: {
        operationId: "listJournal",
        summary: "The journal, newest first: of one person or group, one record of a target, one run, one sync, or all",
        tags: ["history"],
        querystring: strict({
          ...PAGE,
          person: Type.Optional(ID),
          target: Type.Optional(NAME),
          record: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: "With `target`." })),
          run: Type.Optional(ID),
          sync: Type.Optional(NAME),
          since: Type.Optional(AT),
          until: Type.Optional(AT),
        }),
        response: { 200: collectionOf(ENTRY) },
      },
    },
    async ({ query }) => {
      const { limit = LIMIT_DEFAULT, after, since = null, until = null } = query;
      const [at, stream, sequence] = fromCursor(after, ["number", "string", "number"]) ?? [];
      const before: JournalKey | null =
        at === undefined ? null : { at: Number(at), stream: String(stream), sequence: Number(sequence) };
      const found = await journalPage(store, await askedFor(query), { since, until, before, limit: limit + 1 });
      return pageOf(found, limit, (entry) => [entry.at, entry.stream, entry.sequence]);
    },
  );

  async function askedFor(query: {
    readonly person?: string;
    readonly target?: string;
    readonly record?: string;
    readonly run?: string;
    readonly sync?: string;
  }): Promise<JournalOf> {
    const { person, target, record, run, sync } = query;
    if ((target === undefined) !== (record === undefined)) {
      throw new RequestError("request_invalid", "A record is named by `target` and `record` together.");
    }
    return {
      ...(person === undefined ? {} : { person }),
      ...(target === undefined || record === undefined
        ? {}
        : { record: { target: (await findTarget(store, target)).id, id: record } }),
      ...(run === undefined ? {} : { run }),
      ...(sync === undefined ? {} : { sync: (await findSync(store, sync)).id }),
    };
  }
}

function then(app: Api, { store }: ApiContext): void {
  function requirePast(at: number | null): void {
    if (at === null || at <= store.clock.now()) return;
    throw new RequestError("request_invalid", "`at` lies in the future: nobody knows what the directory holds then.");
  }

  app.get(
    "/groups/:group/members",
    {
      schema: {
        operationId: "listMembers",
        summary: "Who is in a group of the directory, by its object id or name; with `at`, who was",
        tags: ["history"],
        params: strict({ group: NAME }),
        querystring: strict({
          ...PAGE,
          connection: Type.Optional(NAME),
          at: Type.Optional(AT),
          transitive: Type.Optional(Type.Boolean()),
        }),
        response: { 200: collectionOf(MEMBER) },
      },
    },
    async ({ params, query: { limit = LIMIT_DEFAULT, after, connection, at = null, transitive = false } }) => {
      const of = connection === undefined ? null : (await findConnection(store, connection)).id;
      requirePast(at);
      const [group, ...more] = await findGroups(store, { group: params.group, connection: of, at });
      if (group === undefined) throw notFound("group with this object id or name");
      if (more.length > 0) {
        const ids = [group, ...more].map((one) => `${one.id} of ${one.connection}`).join(", ");
        throw new RequestError(
          "request_invalid",
          `Several groups have this name: ${ids}. Give the object id, or a connection.`,
        );
      }
      const row = await findConnection(store, group.connection);
      const sequence = await momentIn(store, row, at);
      const members = await membersAt(store, { connection: row.id, sequence, group: group.id, transitive });
      const [begin = 0] = fromCursor(after, ["number"]) ?? [];
      const from = Math.max(0, Number(begin));
      return pageOf(members.slice(from, from + limit + 1), limit, () => [from + limit]);
    },
  );

  app.get(
    "/people/:id/then",
    {
      schema: {
        operationId: "getPersonThen",
        summary: "A person as the directory had them at a moment; one item for each connection",
        tags: ["history"],
        params: strict({ id: NAME }),
        querystring: strict({ at: AT }),
        response: { 200: collectionOf(THEN) },
      },
    },
    async ({ params: { id }, query: { at } }) => {
      requirePast(at);
      const found = await findPeopleAt(store, { idOrName: id, at });
      const items = await Promise.all(
        found.map(async ({ connection, objectId }) =>
          personAt(store, connection, { id: objectId, sequence: await momentIn(store, connection, at) }),
        ),
      );
      const known = items.filter((item) => item !== null);
      if (known.length === 0) throw notFound("person with this object id or sign-in name at that time");
      return { items: known, next: null };
    },
  );
}
