import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import {
  BEGIN_PATH,
  beginAuthorization,
  createAuthorizationLink,
  RETURN_PATH,
  takeAuthorization,
} from "../../authorize/browser.ts";
import type { Authorizing } from "../../authorize/sign-in.ts";
import { type ApiContext, findConnection } from "../context.ts";
import { authorizedPage, sendPage } from "../pages.ts";
import { type Api, NAME, strict, TIME } from "../schemas.ts";
import { redirectOrigin } from "./consent.ts";

const ATTEMPTS_A_MINUTE = 20;
const COOKIE = "entrain-authorize";
const STATUS = { authorized: 200, refused: 403, unknown: 410 } as const;

/**
 * Where an administrator begins to sign in for a connection, and where Microsoft sends them back to. Neither needs a session: a link is
 * worth one sign-in, and the cookie that it sets binds what comes back to the browser that began.
 */
export function authorizeCallbacks(app: Api, authorizing: Authorizing): void {
  const limited = { exposeHeadRoute: false, config: { rateLimit: { max: ATTEMPTS_A_MINUTE, timeWindow: 60_000 } } };
  app.get(
    BEGIN_PATH,
    {
      ...limited,
      schema: { hide: true, querystring: Type.Object({ ticket: Type.Optional(Type.String({ maxLength: 200 })) }) },
    },
    async (request, reply) => {
      if (isAhead(request, reply)) return reply.code(503).send();
      const signal = AbortSignal.timeout(60_000);
      const begun = await beginAuthorization(authorizing, request.query.ticket ?? "", signal);
      if (begun === null) return sendPage(reply.code(STATUS.unknown), authorizedPage(null));
      reply.setCookie(COOKIE, begun.key, { ...cookieOf(request), maxAge: begun.maxAgeS });
      return reply.redirect(begun.url, 303);
    },
  );
  app.get(
    RETURN_PATH,
    {
      ...limited,
      schema: { hide: true, querystring: Type.Record(Type.String(), Type.String({ maxLength: 8_000 })) },
    },
    async (request, reply) => {
      if (isAhead(request, reply)) return reply.code(503).send();
      const query = new URLSearchParams(request.query);
      const key = request.cookies[COOKIE] ?? "";
      const answer = await takeAuthorization(authorizing, { query, key }, AbortSignal.timeout(60_000));
      if (answer.result !== "unknown") reply.clearCookie(COOKIE, cookieOf(request));
      return sendPage(reply.code(STATUS[answer.result]), authorizedPage(answer));
    },
  );
}

/** The link that an operator opens, or sends to an administrator. */
export function authorizeRoutes(
  app: Api,
  context: ApiContext,
  { authorizing, publicOrigin }: { readonly authorizing: Authorizing; readonly publicOrigin: URL | null },
): void {
  app.post(
    "/connections/:name/authorization",
    {
      schema: {
        operationId: "createAuthorizationLink",
        summary: "Make a link by which an administrator signs in, so that the connection reads on their behalf",
        tags: ["connections"],
        params: strict({ name: NAME }),
        response: { 200: Type.Object({ url: Type.String(), redirectUri: Type.String(), expiresAt: TIME }) },
      },
    },
    async (request) => {
      const row = await findConnection(context.store, request.params.name);
      const origin = redirectOrigin(publicOrigin, request.protocol, request.host);
      const { operator } = context.session(request);
      return await createAuthorizationLink(authorizing, row, { origin, operator });
    },
  );
}

/** A browser that loads pages ahead must not use a link up (Fetch, "Sec-Purpose"). */
function isAhead(request: FastifyRequest, reply: FastifyReply): boolean {
  reply.header("referrer-policy", "no-referrer").header("cache-control", "no-store");
  return String(request.headers["sec-purpose"] ?? "").includes("prefetch");
}

/** Microsoft's page leads back from another site, where a strict cookie would not come along. */
function cookieOf({ protocol }: FastifyRequest): {
  path: string;
  httpOnly: boolean;
  sameSite: "lax";
  secure: boolean;
} {
  return { path: RETURN_PATH, httpOnly: true, sameSite: "lax", secure: protocol === "https" };
}
