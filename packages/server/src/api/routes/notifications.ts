import Type from "typebox";
import type { Inbox } from "../../notifications/inbox.ts";
import type { Api } from "../schemas.ts";

/** Microsoft sends a few kilobytes; a thousand changes at once a few hundred. */
const BODY_MAX = 1024 * 1024;
const TOKEN_MAX = 2_000;
const PATHS = ["/notifications/:connection", "/notifications/:connection/lifecycle"];

/**
 * Where Microsoft posts what changed ("Receive change notifications through webhooks"). Open to the internet: whatever is
 * not a delivery for a subscription of ours is answered alike and not acted on. Answers at once; the reading comes later.
 */
export function notificationRoutes(app: Api, inbox: Inbox): void {
  // Microsoft's handshake comes as plain text without a body.
  app.addContentTypeParser("text/plain", { parseAs: "string" }, (_request, _body, done) => done(null, null));
  for (const path of PATHS) {
    app.post(
      path,
      {
        bodyLimit: BODY_MAX,
        // Ahead of the body: what nobody waits for is not worth parsing. An address holds a random id, so a flood does not know one.
        onRequest: async ({ params, query }, reply) => {
          reply.header("cache-control", "no-store");
          if (await inbox.isAwaited(params.connection)) return;
          return reply.code(query.validationToken === undefined ? 202 : 404).send();
        },
        schema: {
          hide: true,
          params: Type.Object({ connection: Type.String({ maxLength: 100 }) }),
          querystring: Type.Object({ validationToken: Type.Optional(Type.String({ maxLength: TOKEN_MAX })) }),
        },
      },
      async (request, reply) => {
        const { connection } = request.params;
        const { validationToken } = request.query;
        if (validationToken === undefined) {
          await inbox.take(connection, request.body);
          return reply.code(202).send();
        }
        return reply.code(200).type("text/plain; charset=utf-8").send(validationToken);
      },
    );
  }
}
