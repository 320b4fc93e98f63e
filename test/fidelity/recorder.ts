import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import { isObject, type Json, type JsonObject, listIn, parseJson } from "./json.ts";
import { type Exchange, record } from "./recording.ts";

const VERSION = "/v1.0/";
const MOST = 4000; // Kinds of one process; more would be a mistake in telling kinds apart.
const MOST_ITEMS = 40;
const SIMULATOR = '"DataCenter":"Simulator"';
const seen = new Set<string>();
let full = false;
let stopped = false;

/** A wire that is being listened to. */
interface Wire {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly sent: Buffer[];
  readonly answered: Buffer[];
  headers: JsonObject;
}

/**
 * Writes down what servers of this process are asked as Graph and what they answer. Only one exchange of each kind is kept, so
 * that a test of a hundred thousand people stays as fast as it is.
 */
export function startRecording(folder: string): void {
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
    if (stopped || request.url?.startsWith(VERSION) !== true) return;
    if (seen.size < MOST) follow(folder, request, response);
    else if (!full) {
      full = true;
      record(folder, { kind: "full" });
    }
  });
}

/** From now on nothing of this process is written down: what it sends is somebody else's. */
export function stopRecording(): void {
  stopped = true;
}

/** Overhears this one exchange: the calls go on as they are. */
function follow(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const wire: Wire = { request, response, sent: [], answered: [], headers: {} };
  const { push } = request;
  request.push = (chunk: unknown, encoding) => {
    if (Buffer.isBuffer(chunk)) wire.sent.push(chunk);
    return push.call(request, chunk, encoding);
  };
  const { writeHead, write, end } = response;
  const overhear = (chunk: unknown): void => {
    if (typeof chunk === "string") wire.answered.push(Buffer.from(chunk));
    else if (chunk instanceof Uint8Array) wire.answered.push(Buffer.from(chunk));
  };
  response.writeHead = ((...args: Parameters<typeof writeHead>) => {
    const headers = args.findLast((one) => isObject(one));
    if (isObject(headers)) wire.headers = headers;
    return writeHead.apply(response, args);
  }) as typeof writeHead;
  response.write = ((...args: Parameters<typeof write>) => {
    overhear(args[0]);
    return write.apply(response, args);
  }) as typeof write;
  response.end = ((...args: Parameters<typeof end>) => {
    overhear(args[0]);
    for (const exchange of exchangesOf(wire)) record(folder, exchange);
    return end.apply(response, args);
  }) as typeof end;
}

/** What is new in the exchange: none when its kind was seen before. A batch is written down by its parts too. */
function exchangesOf(wire: Wire): readonly Exchange[] {
  const { request, response } = wire;
  const target = (request.url ?? "").slice(VERSION.length - 1);
  const sent = wire.sent.length === 0 ? undefined : parseJson(Buffer.concat(wire.sent).toString());
  const from = {
    product: request.headers["sec-fetch-mode"] === undefined && request.headers["user-agent"] === undefined,
    simulator: headerOf(wire, "x-ms-ags-diagnostic").includes(SIMULATOR) && headerOf(wire, "x-simulator-fault") === "",
  };
  const method = request.method ?? "GET";
  const eventual = request.headers.consistencylevel?.toString().toLowerCase() === "eventual";
  const outer = {
    method,
    target,
    ...from,
    eventual,
    status: response.statusCode,
    ...(sent === undefined ? {} : { body: sent }),
  };
  const fresh = isFresh(outer);
  const batch = target.toLowerCase() === "/$batch";
  if (!fresh && !batch) return [];
  const content = contentOf(wire);
  const answer = content.type.includes("json") ? parseJson(content.text) : content.text;
  const whole: Exchange = {
    kind: "exchange",
    ...outer,
    type: content.type,
    ...(answer === undefined || answer === "" ? {} : { answer: cut(answer) }),
  };
  return [...(fresh ? [whole] : []), ...(batch ? partsOf(whole, sent, answer, from) : [])];
}

/** The requests inside a batch, each with its answer ("Combine multiple HTTP requests using JSON batching"). */
function partsOf(
  whole: Exchange,
  sent: Json | undefined,
  answered: Json | undefined,
  from: Pick<Exchange, "product" | "simulator">,
): readonly Exchange[] {
  const answers = new Map(listIn(answered, "responses").map((one) => [isObject(one) ? one.id : null, one]));
  return listIn(sent, "requests").flatMap((request): readonly Exchange[] => {
    const answer = answers.get(isObject(request) ? (request.id ?? null) : null);
    if (!isObject(request) || !isObject(answer) || whole.status !== 200) return [];
    const lowered = Object.fromEntries(
      Object.entries(isObject(request.headers) ? request.headers : {}).map(([name, value]) => [
        name.toLowerCase(),
        String(value),
      ]),
    );
    const bent = isObject(answer.headers) && "X-Simulator-Fault" in answer.headers;
    const part = {
      method: String(request.method).toUpperCase(),
      target: `/${String(request.url)
        .replace(/^\/+/, "")
        .replace(/^v1\.0\//, "")}`,
      product: from.product,
      simulator: from.simulator && !bent,
      eventual: lowered.consistencylevel?.toLowerCase() === "eventual",
      status: Number(answer.status),
      ...(request.body === undefined ? {} : { body: request.body }),
    };
    if (!isFresh(part)) return [];
    const content =
      answer.body === undefined
        ? { type: "" }
        : { type: typeof answer.body === "string" ? "text/plain" : "application/json", answer: cut(answer.body) };
    return [{ kind: "exchange", ...part, ...content }];
  });
}

type Outline = Omit<Exchange, "kind" | "type" | "answer">;

/** Kinds differ in method, path without ids, query without values that vary, the body's names, and who asked whom what came of it. */
function isFresh({ method, target, product, simulator, eventual, status, body }: Outline): boolean {
  const shape = target.replaceAll(/(token=)[^&]*/gi, "$1").replaceAll(/[^/?&=,()'"\s+]*[0-9@%][^/?&=,()'"\s+]*/g, "#");
  const names = isObject(body)
    ? Object.keys(body)
        .toSorted((a, b) => (a < b ? -1 : 1))
        .join()
    : typeof body;
  const key = [method, shape, product, simulator, eventual, status, names].join(" ");
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function contentOf(wire: Wire): { readonly type: string; readonly text: string } {
  const bytes = Buffer.concat(wire.answered);
  const packed = headerOf(wire, "content-encoding") === "gzip";
  const type = headerOf(wire, "content-type");
  if (type.startsWith("image/")) return { type, text: "" };
  return { type, text: (packed ? gunzipSync(bytes) : bytes).toString() };
}

function headerOf({ headers, response }: Wire, name: string): string {
  return String(headers[name] ?? response.getHeader(name) ?? "");
}

/** Entries that hold the same names of the same types say the same; one of each stays. */
function cut(answer: Json): Json {
  if (!isObject(answer) || !Array.isArray(answer.value)) return answer;
  const kinds = new Map<string, Json>();
  for (const item of answer.value as readonly Json[]) {
    const kind = signatureOf(item);
    if (!kinds.has(kind)) kinds.set(kind, item);
    if (kinds.size >= MOST_ITEMS) break;
  }
  return { ...answer, value: [...kinds.values()] };
}

function signatureOf(item: Json): string {
  if (!isObject(item)) return typeof item;
  return Object.entries(item)
    .map(
      ([name, value]) =>
        `${name}:${value === null ? "null" : typeof value}${name === "@odata.type" ? String(value) : ""}`,
    )
    .join();
}
