import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { RequestError } from "./problems.ts";

/** This machine, by the names that no other machine can be reached under. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Refuses requests under a host that is not ours: a page of another site whose name was made to resolve to this machine
 * (DNS rebinding) reads nothing. Ours are loopback, the public origin's host, and the very address that was connected to.
 * @throws RequestError `host_refused`
 */
export function checkHost(request: FastifyRequest, publicOrigin: URL | null): void {
  const host = request.headers.host ?? "";
  const url = /^[A-Za-z0-9.:[\]-]+$/.test(host) ? URL.parse(`http://${host}`) : null;
  if (url !== null && url.pathname === "/") {
    if (isLoopback(url.hostname) || url.host === publicOrigin?.host) return;
    if (isOwnAddress(url.hostname, request.socket.localAddress)) return;
  }
  throw new RequestError("host_refused", "This server does not answer under the host that the request names.");
}

function isOwnAddress(hostname: string, localAddress: string | undefined): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  return isIP(address) !== 0 && address === localAddress?.replace(/^::ffff:/, "");
}

/**
 * Refuses what another site's page sends (Fetch Metadata, "Sec-Fetch-Site"; RFC 6454 Origin). Programs send neither header.
 * @throws RequestError `origin_refused`
 */
export function checkOrigin(request: FastifyRequest, publicOrigin: URL | null): void {
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  const own = origin === undefined || origin === publicOrigin?.origin || origin === `http://${host}`;
  if (own && site !== "cross-site" && site !== "same-site") return;
  throw new RequestError("origin_refused", "The request came from another site's page.");
}

/** True for methods that change nothing (RFC 9110, 9.2.1). */
export function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
