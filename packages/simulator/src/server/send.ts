import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import type { WireResponse } from "./exchange.ts";

const compress = promisify(gzip);
const SMALL = 1024; // Below this, compressing costs more than it saves.

/** Writes an answer, compressed when the client accepts gzip, as soon as `ready` says when it is all there. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: WireResponse,
  ready?: () => Promise<void>,
): Promise<void> {
  const body = typeof answer.body === "string" ? Buffer.from(answer.body, "utf8") : answer.body;
  const headers = { ...answer.headers };
  let content = body;
  if (body.length >= SMALL && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "")) {
    content = answer.page?.gzip ?? (await compress(body, { level: constants.Z_BEST_SPEED }));
    if (answer.page !== undefined) answer.page.gzip = content;
    headers["content-encoding"] = "gzip";
    headers.vary = "Accept-Encoding";
  }
  if (answer.status !== 204) headers["content-length"] = content.length;
  await ready?.();
  response.writeHead(answer.status, headers);
  response.end(content);
}
