import { ConnectorError } from "@entrain/core";
import { AddressRefused, checkLiteral } from "./addresses.ts";

/** Where an API stands: its origin, and the path in front of all of its own, without a slash at the end. */
export interface BaseAddress {
  readonly origin: string;
  readonly hostname: string;
  readonly path: string;
}

/**
 * Reads the address of a target's API, named in sentences as `name`. Plain `http` is for loopback, unless `allowHttp`.
 * @throws ConnectorError `config_invalid` for an address that must not be used
 */
export function baseAddress(text: string, { name, allowHttp }: { name: string; allowHttp: boolean }): BaseAddress {
  const url = URL.parse(text);
  if (url === null) throw invalid(`The ${name} address is not a URL.`);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw invalid(`The ${name} address must begin with https, not ${url.protocol}//.`);
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw invalid(`The ${name} address must begin with https: over http the token travels readable.`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw invalid(`The ${name} address must hold no user, password, query or fragment.`);
  }
  try {
    checkLiteral(url.hostname);
  } catch (error) {
    throw error instanceof AddressRefused ? invalid(`The ${name} address cannot be used: ${error.message}.`) : error;
  }
  return { origin: url.origin, hostname: url.hostname, path: url.pathname.replace(/\/+$/, "") };
}

/** Whether a host, as it is written, is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}
