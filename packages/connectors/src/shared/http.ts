import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type Dispatcher, Pool } from "undici";
import { AddressRefused, checkLiteral, guardedLookup, type Reach, type Resolve } from "./addresses.ts";

/** Bounds of one request, in milliseconds. `total` covers everything from the first byte sent to the last received. */
export interface Timeouts {
  readonly connect: number;
  readonly headers: number;
  readonly body: number;
  readonly total: number;
}

/** One HTTP request. `url` is absolute. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * The body of a success is no text but bytes, and no more than so many: `text` then holds one character for each byte (ISO
   * 8859-1). A larger one is a fault.
   */
  readonly bytesAtMost?: number;
  /** Where the url's name may lead. Default `private`: anywhere that a server can be. */
  readonly reach?: Reach;
  /** The caller's own id of the request, named in faults. */
  readonly id?: string;
}

/** One complete HTTP answer, decompressed. Header names are in lower case. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Why there is no complete answer. `broken` is a connection that was cut inside the answer, `invalid` an answer that
 * cannot be decompressed or is larger than any page may be, `refused` an address that must not be reached. The message names the host, never a header or a body.
 */
export class TransportFault extends Error {
  readonly kind: "unreachable" | "timeout" | "broken" | "invalid" | "refused";

  constructor(kind: TransportFault["kind"], message: string) {
    super(message);
    this.name = "TransportFault";
    this.kind = kind;
  }
}

/** Sends requests, one pool of connections for each origin. */
export interface Transport {
  /** Rejects with a {@link TransportFault}, or with the signal's reason when it aborts. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const DEFAULTS: Timeouts = { connect: 10_000, headers: 60_000, body: 60_000, total: 180_000 };
const MAX_COMPRESSED_BYTES = 64 * 1024 * 1024;
const MAX_BYTES = 256 * 1024 * 1024;
const MIN_CHUNK_BYTES = 16 * 1024;
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
const ISIZE_BYTES = 4;
const gunzipAsync = promisify(gunzip);

/**
 * `ca` (PEM) replaces the system's certificate authorities, for hosts with an authority of their own; `resolve` the system's
 * way of looking names up.
 */
export function createTransport(options: {
  readonly ca?: string;
  readonly timeouts?: Partial<Timeouts>;
  readonly connections?: number;
  readonly resolve?: Resolve;
}): Transport {
  const timeouts: Timeouts = { ...DEFAULTS, ...options.timeouts };
  const pools = new Map<string, Pool>();
  let closed = false;
  const poolOf = ({ origin, hostname }: URL, reach: Reach): Pool => {
    const key = `${reach} ${origin}`;
    const known = pools.get(key);
    if (known !== undefined) return known;
    const lookup = guardedLookup(isOwnName(hostname) ? "private" : reach, options.resolve);
    const connect = { timeout: timeouts.connect, lookup, ...(options.ca === undefined ? {} : { ca: options.ca }) };
    const pool = new Pool(origin, {
      connections: options.connections ?? 8,
      connect,
      headersTimeout: timeouts.headers,
      bodyTimeout: timeouts.body,
      maxResponseSize: MAX_COMPRESSED_BYTES,
    });
    pools.set(key, pool);
    return pool;
  };
  return {
    send: async (request, signal) => {
      if (closed) throw new TransportFault("invalid", closedHere(request.url));
      const { url, reach = "private" } = request;
      refuseLiteral(url);
      return send(poolOf(url, reach), request, timeouts.total, signal);
    },
    close: async () => {
      closed = true;
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

/** Trying again cannot mend that, and nobody is there any more to hear of it. */
function closedHere({ host }: URL): string {
  return `the connection to ${host} was closed on this side`;
}

/** Whoever writes it means this machine. */
function isOwnName(hostname: string): boolean {
  return hostname === "localhost";
}

function refuseLiteral({ hostname }: URL): void {
  try {
    checkLiteral(hostname);
  } catch (error) {
    throw error instanceof AddressRefused ? new TransportFault("refused", error.message) : error;
  }
}

async function send(pool: Pool, request: HttpRequest, totalMs: number, signal: AbortSignal): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const { method, url, body } = request;
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const timer = setTimeout(stop, totalMs);
  signal.addEventListener("abort", stop, { once: true });
  let answer: Dispatcher.ResponseData | null = null;
  try {
    const encoding = request.bytesAtMost === undefined ? "gzip" : "identity";
    const headers = { "accept-encoding": encoding, ...request.headers };
    const target = { path: url.pathname + url.search, method, headers, signal: controller.signal };
    answer = await pool.request(body === undefined ? target : { ...target, body });
    const { statusCode: status, headers: told } = answer;
    const most = status === 200 ? request.bytesAtMost : undefined;
    if (most !== undefined)
      return { status, headers: told, text: (await atMost(answer.body, most, url)).toString("latin1") };
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return { status, headers: told, text: await decode(bytes, told["content-encoding"], url) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TransportFault) throw error;
    if (controller.signal.aborted)
      throw new TransportFault("timeout", `${url.host} did not answer within ${totalMs} ms`);
    throw transportFault(error, url, answer !== null);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

async function atMost(body: Dispatcher.ResponseData["body"], most: number, url: URL): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    // Leaving the loop closes the connection.
    if (size > most) throw new TransportFault("invalid", `the answer of ${url.host} is larger than ${most} bytes`);
  }
  return Buffer.concat(chunks);
}

async function decode(bytes: Buffer, encoding: string | string[] | undefined, url: URL): Promise<string> {
  if (encoding === undefined || encoding === "identity") return bytes.toString("utf8");
  if (encoding !== "gzip")
    throw new TransportFault("invalid", `${url.host} answered in an encoding that was not asked for`);
  try {
    // One trip to the thread pool for most pages: by default zlib makes one for each 16 KiB. The last four bytes tell the
    // size (RFC 1952, ISIZE); who lies in them gets smaller or larger trips.
    const size = bytes.length < ISIZE_BYTES ? 0 : bytes.readUInt32LE(bytes.length - ISIZE_BYTES);
    const chunkSize = Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, size + 1));
    return (await gunzipAsync(bytes, { maxOutputLength: MAX_BYTES, chunkSize })).toString("utf8");
  } catch {
    throw new TransportFault("broken", `the compressed answer of ${url.host} is incomplete or damaged`);
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "the name could not be looked up",
  ECONNREFUSED: "nothing listens there",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to it",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "its certificate is self-signed and its authority was not given (NODE_EXTRA_CA_CERTS names a PEM file)",
  SELF_SIGNED_CERT_IN_CHAIN:
    "its certificate comes from an authority that was not given (NODE_EXTRA_CA_CERTS names a PEM file)",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate comes from an unknown authority (NODE_EXTRA_CA_CERTS names a PEM file to trust)",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "its certificate comes from an unknown authority (NODE_EXTRA_CA_CERTS names a PEM file to trust)",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS there",
};

/** Why a request of undici failed, in words. `answered`: after the headers of the answer had come. */
export function transportFault(error: unknown, url: URL, answered: boolean): TransportFault {
  const refused = refusedIn(error);
  if (refused !== null) return new TransportFault("refused", refused.message);
  const code = codeOf(error);
  if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED") return new TransportFault("invalid", closedHere(url));
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") {
    return new TransportFault("timeout", `${url.host} did not answer in time`);
  }
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    return new TransportFault("invalid", `the answer of ${url.host} is larger than any page may be`);
  }
  if (answered) return new TransportFault("broken", `the connection to ${url.host} was cut inside an answer`);
  const cause = CAUSES[code] ?? (code === "" ? "the connection failed" : `the connection failed (${code})`);
  return new TransportFault("unreachable", `${url.host} could not be reached: ${cause}`);
}

/** An `AggregateError` (one attempt for each address of a name) holds the code in its parts. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

function refusedIn(error: unknown): AddressRefused | null {
  if (error instanceof AddressRefused) return error;
  return error instanceof Error && error.cause !== undefined ? refusedIn(error.cause) : null;
}
