import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../clock.ts";
import { RequestError } from "./problems.ts";

/** One server-sent event (WHATWG HTML, "Server-sent events"). */
export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

const TICK_MS = 250;
const HEARTBEAT_MS = 15_000;
const SESSION_CHECK_MS = 1000;
const STREAMS_MAX = 100;

/** Streams of events, bounded in number, ended with the server, with the session and with the browser's tab. */
export class EventStreams {
  readonly #clock: Clock;
  readonly #open = new Set<AbortController>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Answers with a stream. `look` is asked again and again; what differs from the last answer is sent. It ends after an
   * event for which `isLast` says so, and when `mayGoOn` no longer does. @throws RequestError `too_many_streams`
   */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    follow: {
      readonly look: () => Promise<StreamEvent>;
      readonly isLast: (event: StreamEvent) => boolean;
      readonly mayGoOn: () => Promise<boolean>;
    },
  ): Promise<FastifyReply> {
    if (this.#open.size >= STREAMS_MAX) throw new RequestError("too_many_streams", "Too many streams are open.");
    const controller = new AbortController();
    this.#open.add(controller);
    const stop = (): void => {
      this.#open.delete(controller);
      controller.abort();
    };
    reply.raw.once("close", stop);
    const stream = Readable.from(this.#events(follow, controller.signal), { objectMode: false });
    stream.on("error", (err) => {
      const facts = { request: request.id, route: request.routeOptions.url, err };
      request.log.error(facts, `The stream of events of ${request.routeOptions.url} broke off (${request.id})`);
      stop();
    });
    return reply
      .header("content-type", "text/event-stream; charset=utf-8")
      .header("cache-control", "no-store")
      .header("x-accel-buffering", "no")
      .send(stream);
  }

  close(): void {
    for (const controller of this.#open) controller.abort();
  }

  async *#events(
    { look, isLast, mayGoOn }: Parameters<EventStreams["answer"]>[2],
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    const clock = this.#clock;
    let last = "";
    let spoke = clock.monotonic();
    let checked = spoke;
    yield "retry: 2000\n\n";
    while (!signal.aborted) {
      const now = clock.monotonic();
      if (now - checked >= SESSION_CHECK_MS) {
        if (!(await mayGoOn())) return;
        checked = now;
      }
      const event = await look();
      const text = `event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
      if (text !== last || now - spoke >= HEARTBEAT_MS) {
        yield text === last ? ":\n\n" : text;
        last = text;
        spoke = now;
      }
      if (isLast(event)) return;
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
    }
  }
}
