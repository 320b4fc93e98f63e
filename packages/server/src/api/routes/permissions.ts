import type { PermissionStanding } from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import Type, { type TSchema } from "typebox";
import { changeConfiguration } from "../../config/apply.ts";
import { checkValue } from "../../config/read.ts";
import { plainConnection } from "../../config/render.ts";
import { saveEnds } from "../../store/credential-ends.ts";
import { type ApiContext, actorOf, findConnection } from "../context.ts";
import { notFound } from "../problems.ts";
import { type Api, FAULT, NAME, orNull, strict } from "../schemas.ts";
import type { SetupDeps } from "../setup-deps.ts";

const INSPECT_LIMIT_MS = 60_000;
const PERMISSION = Type.String({ pattern: "^[A-Za-z][A-Za-z0-9.-]{0,99}$", description: "such as Mail.Send" });
const BY_PERMISSION = strict({ name: NAME, permission: PERMISSION });

const STATES = ["needed", "missing", "welcome", "broader", "excess", "accepted"] as const;

const STANDING: TSchema = Type.Object({
  permission: Type.String(),
  state: Type.Union(
    STATES.map((one) => Type.Literal(one)),
    { description: "broader: not granted, but `instead` does its work and more" },
  ),
  features: Type.Array(Type.String()),
  purpose: Type.String(),
  instead: orNull(Type.String()),
  note: orNull(Type.String()),
});

const INSPECTION: TSchema = Type.Object({
  permissions: orNull(Type.Array(STANDING, { description: "null: the token does not show them, or there is none" })),
  error: orNull(FAULT),
});

/** How the application's permissions stand, and what of the excess somebody wants. */
export function permissionRoutes(app: Api, context: ApiContext, deps: SetupDeps): void {
  const { store } = context;

  app.post(
    "/connections/:name/inspect",
    {
      schema: {
        operationId: "inspectConnection",
        summary: "Ask Microsoft for the application's permissions, and for the ends of its credentials, which are kept",
        tags: ["connections"],
        params: strict({ name: NAME }),
        response: { 200: INSPECTION },
      },
    },
    async ({ params: { name } }) => {
      const row = await findConnection(store, name);
      const signal = AbortSignal.timeout(INSPECT_LIMIT_MS);
      const inspector = deps.openInspector(row);
      try {
        const permissions = await orFault(() => inspector.permissions(signal));
        await saveEnds(store, row.id, await inspector.ends(signal));
        return permissions;
      } finally {
        await inspector.close();
      }
    },
  );

  app.put(
    "/connections/:name/accepted/:permission",
    {
      schema: {
        operationId: "acceptPermission",
        summary: "Accept a permission beyond what is needed, with the reason why it is wanted",
        tags: ["connections"],
        params: BY_PERMISSION,
        body: strict({
          note: Type.String({ minLength: 1, maxLength: 200, pattern: "^[^\\u0000-\\u001f]*\\S[^\\u0000-\\u001f]*$" }),
        }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { name, permission } = request.params;
      await accept(context, deps, { name, permission, note: request.body.note.trim() }, actorOf(context, request));
      return reply.code(204).send(null);
    },
  );

  app.delete(
    "/connections/:name/accepted/:permission",
    {
      schema: {
        operationId: "refusePermission",
        summary: "Accept a permission no longer",
        tags: ["connections"],
        params: BY_PERMISSION,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { name, permission } = request.params;
      await accept(context, deps, { name, permission, note: null }, actorOf(context, request));
      return reply.code(204).send(null);
    },
  );
}

/** A sign-in that is refused still leaves the ends that certificate and configuration tell. */
async function orFault(
  ask: () => Promise<readonly PermissionStanding[] | null>,
): Promise<{ readonly permissions: readonly PermissionStanding[] | null; readonly error: object | null }> {
  try {
    return { permissions: await ask(), error: null };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const { code, message, fix } = error;
    return { permissions: null, error: { code, message, fix } };
  }
}

async function accept(
  { store }: ApiContext,
  { keyring, types, demo }: SetupDeps,
  wish: { readonly name: string; readonly permission: string; readonly note: string | null },
  actor: ReturnType<typeof actorOf>,
): Promise<void> {
  const row = await findConnection(store, wish.name);
  await changeConfiguration({ store, keyring, types, demo, actor, prune: false }, (current) => {
    const entry = current.connections.get(row.name);
    if (entry === undefined) throw notFound(`connection named ${row.name}`);
    const { permission, note } = wish;
    const others = (entry.accept ?? []).filter((one) => one.permission !== permission);
    const accepted = note === null ? others : [...others, { permission, note }];
    const changed = { ...plainConnection(entry), accept: accepted };
    return checkValue({ connections: { [row.name]: changed } }, { types, current });
  });
}
