import Type, { type TSchema } from "typebox";
import type { ApiContext } from "../context.ts";
import { linkRefusedPage, sendPage } from "../pages.ts";
import { type Api, TIME } from "../schemas.ts";
import type { Sessions } from "../sessions.ts";

const ATTEMPTS_A_MINUTE = 20;

const SESSION: TSchema = Type.Object({
  operator: Type.String(),
  csrf: Type.String({ description: "Repeat it in the header X-CSRF-Token of every request that changes something." }),
  expiresAt: TIME,
  demo: Type.Boolean(),
  version: Type.String(),
});

/** The one-time link's page. It stands outside the API: whoever opens it has no session yet. */
export function signInRoute(app: Api, sessions: Sessions): void {
  app.get(
    "/sign-in",
    {
      // A HEAD request, as link checkers send, would use the link up.
      exposeHeadRoute: false,
      config: { rateLimit: { max: ATTEMPTS_A_MINUTE, timeWindow: 60_000 } },
      schema: {
        hide: true,
        querystring: Type.Object({ token: Type.Optional(Type.String({ maxLength: 200 })) }),
      },
    },
    async (request, reply) => {
      reply.header("referrer-policy", "no-referrer").header("cache-control", "no-store");
      // A browser that loads pages ahead must not use the link up either (Fetch, "Sec-Purpose").
      if (String(request.headers["sec-purpose"] ?? "").includes("prefetch")) return reply.code(503).send();
      const { token = "" } = request.query;
      if (token !== "" && (await sessions.signIn(token, reply))) return reply.redirect("/", 303);
      return sendPage(reply.code(410), linkRefusedPage());
    },
  );
}

/** Who is signed in, and signing out. */
export function sessionRoutes(app: Api, context: ApiContext, sessions: Sessions): void {
  app.get(
    "/session",
    {
      schema: {
        operationId: "getSession",
        summary: "Who is signed in, and the token that commands must repeat",
        tags: ["session"],
        response: { 200: SESSION },
      },
    },
    async (request) => ({ ...sessions.of(request), demo: context.demo, version: context.version }),
  );

  app.delete(
    "/session",
    {
      schema: {
        operationId: "signOut",
        summary: "Sign out",
        tags: ["session"],
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await sessions.signOut(request, reply);
      return reply.code(204).send(null);
    },
  );
}
