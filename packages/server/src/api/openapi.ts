import fastifySwagger from "@fastify/swagger";
import { PROBLEM } from "./problems.ts";
import type { Api } from "./schemas.ts";

const TAGS = ["session", "connections", "setup", "targets", "syncs", "runs", "plans", "people"];

/** Describes every route of the API, as OpenAPI 3.1, from the schemas by which requests are judged. */
export async function registerOpenApi(app: Api, version: string): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Entrain",
        version,
        description:
          "Lists answer `{items, next}`: send `next` as `after` for the next page. Errors are problem details (RFC 9457) with a stable `code`. " +
          "Requests that change something repeat the session's `csrf` in the header X-CSRF-Token.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      tags: TAGS.map((name) => ({ name })),
      components: {
        securitySchemes: { session: { type: "apiKey", in: "cookie", name: "entrain" } },
      },
      security: [{ session: [] }],
    },
    transform: ({ schema, url }) => {
      const { response, ...rest } = (schema ?? {}) as { readonly response?: object };
      const problem = { description: "A problem", content: { "application/problem+json": { schema: PROBLEM } } };
      return { schema: { ...rest, response: { ...response, default: problem } }, url };
    },
  });
  app.get("/api/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
