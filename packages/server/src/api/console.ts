import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyReply } from "fastify";
import type { Clock } from "../clock.ts";
import { notBuiltPage, sendPage } from "./pages.ts";
import type { Api } from "./schemas.ts";

/** Stands in the built page where the nonce of each answer goes (Vite, `html.cspNonce`). */
const NONCE_PLACE = "ENTRAIN_CSP_NONCE";
const NONCE_BYTES = 16;

/**
 * Serves the console. Fluent's style engine (Griffel) writes style elements at run time; a nonce, new for every answer,
 * lets it do so and keeps every other inline style and script out, where 'unsafe-inline' would let all of them in.
 */
export async function consoleRoutes(
  app: Api,
  options: { readonly folder: string; readonly clock: Clock },
): Promise<void> {
  const { folder, clock } = options;
  await app.register(fastifyStatic, {
    root: join(folder, "assets"),
    prefix: "/assets/",
    // Names carry a hash of the content, so what a name stands for never changes.
    immutable: true,
    maxAge: "365d",
    preCompressed: true,
    index: false,
    decorateReply: false,
    // The page says so while nothing is built, and needs no restart afterwards.
    suppressWarning: true,
  });

  const answer = async (reply: FastifyReply): Promise<FastifyReply> => {
    const html = await readFile(join(folder, "index.html"), "utf8").catch(() => null);
    if (html === null) return sendPage(reply.code(503), notBuiltPage());
    const nonce = Buffer.from(clock.bytes(NONCE_BYTES)).toString("base64");
    return sendPage(reply, { html: html.replaceAll(NONCE_PLACE, nonce), policy: policyOf(nonce) });
  };

  app.get("/", { schema: { hide: true } }, async (_request, reply) => await answer(reply));
}

function policyOf(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
