import Type from "typebox";
import { CONSENT_PATH, createConsentLink, takeConsentAnswer } from "../../consent/consent.ts";
import { asRedirectOrigin } from "../../origin.ts";
import type { Store } from "../../store/store.ts";
import { type ApiContext, findConnection } from "../context.ts";
import { consentPage, sendPage } from "../pages.ts";
import { type Api, NAME, strict, TIME } from "../schemas.ts";

const ATTEMPTS_A_MINUTE = 20;
const STATUS = {
  granted: 200,
  declined: 200,
  right_missing: 200,
  wrong_tenant: 409,
  failed: 502,
  unknown: 410,
} as const;

/**
 * Where Microsoft sends an administrator back to. Whoever opens it has no session, and need not be an operator: it shows
 * what came back, and grants nothing by itself.
 */
export function consentCallback(app: Api, store: Store): void {
  app.get(
    CONSENT_PATH,
    {
      exposeHeadRoute: false,
      config: { rateLimit: { max: ATTEMPTS_A_MINUTE, timeWindow: 60_000 } },
      schema: { hide: true, querystring: Type.Record(Type.String(), Type.String({ maxLength: 4_000 })) },
    },
    async (request, reply) => {
      reply.header("referrer-policy", "no-referrer");
      if (String(request.headers["sec-purpose"] ?? "").includes("prefetch")) return reply.code(503).send();
      const { result, connection } = await takeConsentAnswer(store, new URLSearchParams(request.query));
      return sendPage(reply.code(STATUS[result]), consentPage(result, connection));
    },
  );
}

/** Where administrators come back to: the public address or, without one, the address that the operator uses. */
export function redirectOrigin(publicOrigin: URL | null, protocol: string, host: string): string {
  return asRedirectOrigin(publicOrigin?.origin ?? `${protocol}://${host}`);
}

/** The link that an operator opens, or sends to an administrator. */
export function consentRoutes(app: Api, context: ApiContext, publicOrigin: URL | null): void {
  app.post(
    "/connections/:name/consent",
    {
      schema: {
        operationId: "createConsentLink",
        summary: "Make a link by which an administrator consents to the application's permissions",
        tags: ["connections"],
        params: strict({ name: NAME }),
        response: { 200: Type.Object({ url: Type.String(), redirectUri: Type.String(), expiresAt: TIME }) },
      },
    },
    async ({ params: { name }, protocol, host }) => {
      const row = await findConnection(context.store, name);
      return await createConsentLink(context.store, row, redirectOrigin(publicOrigin, protocol, host));
    },
  );
}
