import { USUAL_FEATURES } from "@entrain/connectors/entra";
import Type, { type TSchema } from "typebox";
import { RETURN_PATH } from "../../authorize/browser.ts";
import { connectionCredentials, connectionUses, reconcileEveryMs } from "../../config/current.ts";
import { consentAddress, consentState } from "../../consent/consent.ts";
import { agreementWarnings } from "../../expiry/agreement.ts";
import { expiryWarnings } from "../../expiry/warnings.ts";
import type { ConnectionRow } from "../../runs/context.ts";
import { mayMend } from "../../setup/mend.ts";
import { type KnownEnd, knownEnds } from "../../store/credential-ends.ts";
import { findGrant } from "../../store/grants.ts";
import { type ApiContext, findConnection } from "../context.ts";
import { pageByName } from "../cursor.ts";
import { ANY, type Api, CHECKS, collectionOf, NAME, orNull, PAGE, strict, TIME } from "../schemas.ts";
import { redirectOrigin } from "./consent.ts";

const VERIFY_LIMIT_MS = 60_000;

const READ = Type.Object({
  kind: Type.String({ description: "user, group or contact" }),
  phase: Type.String(),
  readAt: orNull(TIME),
  fullAt: orNull(TIME),
  incomplete: orNull(Type.Object({ code: Type.String(), detail: Type.String() })),
  reconciled: orNull(
    Type.Object(
      { at: TIME, added: Type.Integer(), changed: Type.Integer(), removed: Type.Integer() },
      { description: "what reading everything again found last that no delta had told" },
    ),
  ),
});

const CREDENTIAL = Type.Object({
  kind: Type.String({ description: "secret, certificate, federated, …; never the credential itself" }),
  endsAt: orNull(TIME),
  toldBy: orNull(Type.String({ description: "who tells the end: certificate, registration or configuration" })),
  checkedAt: orNull(TIME),
});

const CONSENT_RESULTS = ["granted", "declined", "right_missing", "wrong_tenant", "failed"] as const;

// There is no field for the credential, so none can be shown.
const CONNECTION: TSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  cloud: ANY,
  tenant: Type.String(),
  client: Type.String(),
  labels: Type.Array(Type.String()),
  people: Type.Integer(),
  groups: Type.Integer(),
  contacts: Type.Integer(),
  reads: Type.Array(READ),
  reconcileEveryMs: Type.Integer({ description: "after how many milliseconds everything is read again" }),
  warnings: Type.Array(Type.Object({ detail: Type.String(), fix: Type.String(), endsAt: TIME, days: Type.Integer() }), {
    description: "an administrator's sign-in that is refused, then credentials that end soon, the most urgent first",
  }),
  features: Type.Array(Type.String(), { description: "what it is used for" }),
  credentials: Type.Array(CREDENTIAL, { description: "in the order in which they are tried" }),
  consent: Type.Object({
    waitingUntil: orNull(TIME),
    last: orNull(Type.Object({ result: Type.Union(CONSENT_RESULTS.map((one) => Type.Literal(one))), at: TIME })),
  }),
  /** Who signed in, so that the connection reads on their behalf. */
  agreement: orNull(
    Type.Object({
      username: Type.String(),
      grantedAt: TIME,
      state: Type.Union((["works", "refused", "ended"] as const).map((one) => Type.Literal(one))),
    }),
  ),
  redirectUri: Type.String({ description: "to be registered with the application, under Web" }),
  signInRedirectUri: Type.String({
    description:
      "to be registered for an administrator's sign-in by the browser, under Mobile and desktop applications",
  }),
  createdAt: TIME,
});

const VERIFICATION: TSchema = Type.Intersect([
  CHECKS,
  Type.Object({
    mayMend: Type.Boolean({ description: "waiting may mend what failed, such as a consent that spreads" }),
  }),
]);

/** Connections: what they are, how well the directory was read, and their checks. */
export function connectionRoutes(app: Api, context: ApiContext, publicOrigin: URL | null): void {
  const { store } = context;

  app.get(
    "/connections",
    {
      schema: {
        operationId: "listConnections",
        summary: "Connections in the order of their names",
        tags: ["connections"],
        querystring: strict(PAGE),
        response: { 200: collectionOf(CONNECTION) },
      },
    },
    async ({ query, protocol, host }) => {
      const { items, next } = await pageByName(query, (name, most) =>
        store.db.selectFrom("connections").selectAll().where("name", ">", name).orderBy("name").limit(most).execute(),
      );
      const origin = redirectOrigin(publicOrigin, protocol, host);
      return { items: await Promise.all(items.map((row) => describeConnection(context, row, origin))), next };
    },
  );

  app.get(
    "/connections/:name",
    {
      schema: {
        operationId: "getConnection",
        summary: "One connection; never its credential",
        tags: ["connections"],
        params: strict({ name: NAME }),
        response: { 200: CONNECTION },
      },
    },
    async ({ params: { name }, protocol, host }) => {
      const origin = redirectOrigin(publicOrigin, protocol, host);
      return await describeConnection(context, await findConnection(store, name), origin);
    },
  );

  app.post(
    "/connections/:name/verify",
    {
      schema: {
        operationId: "verifyConnection",
        summary: "Run the connection's named checks",
        tags: ["connections"],
        params: strict({ name: NAME }),
        response: { 200: VERIFICATION },
      },
    },
    async ({ params: { name } }) => {
      const source = await context.engine.openSource(await findConnection(store, name));
      try {
        const checks = await source.verify(AbortSignal.timeout(VERIFY_LIMIT_MS));
        return { ok: checks.every(({ ok }) => ok), checks, mayMend: mayMend(checks) };
      } finally {
        await source.close();
      }
    },
  );
}

async function describeConnection({ store }: ApiContext, row: ConnectionRow, origin: string): Promise<object> {
  const ends = await knownEnds(store, row.id);
  const { id, name, tenant, client } = row;
  const now = store.clock.now();
  const counts = await store.db
    .selectFrom("records")
    .select(["kind", (eb) => eb.fn.countAll<number>().as("count")])
    .where("connection", "=", id)
    .where("removed", "is", null)
    .groupBy("kind")
    .execute();
  const countOf = (kind: string): number => Number(counts.find((one) => one.kind === kind)?.count ?? 0);
  const marks = await store.db
    .selectFrom("watermarks")
    .select(["kind", "phase", "read_at", "full_at", "incomplete", "reconciled"])
    .where("connection", "=", id)
    .orderBy("kind", "desc")
    .execute();
  const grant = await findGrant(store, id);
  return {
    id,
    name,
    cloud: JSON.parse(row.cloud) as object,
    tenant,
    client,
    labels: JSON.parse(row.labels) as string[],
    people: countOf("user"),
    groups: countOf("group"),
    contacts: countOf("contact"),
    reads: marks.map((mark) => ({
      kind: mark.kind,
      phase: mark.phase,
      readAt: mark.read_at,
      fullAt: mark.full_at,
      incomplete: mark.incomplete === null ? null : (JSON.parse(mark.incomplete) as object),
      reconciled: mark.reconciled === null ? null : (JSON.parse(mark.reconciled) as object),
    })),
    reconcileEveryMs: reconcileEveryMs(row),
    warnings: [...agreementWarnings(grant, name, now), ...expiryWarnings(ends, now)].map(
      ({ detail, fix, endsAt, days }) => ({ detail, fix, endsAt, days }),
    ),
    features: [...USUAL_FEATURES, ...(connectionUses(row).features ?? [])],
    credentials: credentialsOf(row, ends),
    consent: await consentState(store, id),
    agreement:
      grant === null ? null : { username: grant.account.username, grantedAt: grant.grantedAt, state: grant.state },
    redirectUri: consentAddress(origin),
    signInRedirectUri: `${origin}${RETURN_PATH}`,
    createdAt: row.created_at,
  };
}

/** The kinds of a connection's credentials with their ends, as far as they are known. */
function credentialsOf(row: ConnectionRow, ends: readonly KnownEnd[]): readonly object[] {
  return connectionCredentials(row).map(({ kind }, at) => {
    const told = ends.find((one) => one.at === at && one.kind === kind);
    return {
      kind,
      endsAt: told?.endsAt ?? null,
      toldBy: told?.toldBy ?? null,
      checkedAt: told?.checkedAt ?? null,
    };
  });
}
