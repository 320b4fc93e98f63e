import { ConnectorError, type Wait } from "@entrain/core";
import { backoffMs, retryAfterMs } from "../shared/backoff.ts";
import { type HttpAnswer, type HttpRequest, type Transport, TransportFault } from "../shared/http.ts";
import { Gate } from "./gate.ts";
import type { Limiter, Urgency } from "./limiter.ts";
import type { EntraOptions } from "./options.ts";

/**
 * How often a request is tried: a service that answers "later" deserves more patience than one that is not there. A longer
 * wait than `longestMs` is left to the schedule of runs, or to the person who asked.
 */
export interface Patience {
  readonly answered: number;
  readonly unanswered: number;
  readonly longestMs: number;
}

export const PATIENT: Patience = { answered: 8, unanswered: 5, longestMs: 5 * 60_000 };
/** For someone who sits in front of the screen. */
export const HASTY: Patience = { answered: 3, unanswered: 2, longestMs: 5000 };

const RETRIED: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504, 509]);

type Runtime = Pick<EntraOptions, "clock" | "random" | "sleep" | "onRequest" | "onWait">;

/** A request, and how it is to be handled. */
export interface SenderRequest extends HttpRequest {
  /** How urgently others wait for its answer; `normal` unless given. */
  readonly urgency?: Urgency;
  /** False for what must not happen twice: it is sent again only when the service refused to look at it (429). */
  readonly repeatable?: boolean;
}

/**
 * Sends requests to one service and tries again what may succeed later: throttling, passing server faults, cut
 * connections. All requests share one gate: once the service asks to wait, none is sent before that time, because refused
 * requests count against the limit too ("Microsoft Graph throttling guidance").
 */
export class Sender {
  readonly #service: string;
  readonly #transport: Transport;
  readonly #runtime: Runtime;
  readonly #limiter: Limiter | null;
  readonly #gate: Gate;

  /** `service` is its name for operators. With a limiter, its limits and its gate are shared with whoever else uses it. */
  constructor(service: string, transport: Transport, runtime: Runtime, limiter: Limiter | null = null) {
    this.#limiter = limiter;
    this.#gate = limiter?.gate ?? new Gate();
    this.#service = service;
    this.#transport = transport;
    this.#runtime = runtime;
  }

  /** Sends to another service by the same means: what this one asks for does not concern that one. */
  beside(service: string): Sender {
    return new Sender(service, this.#transport, this.#runtime);
  }

  /**
   * The first answer that is not a passing refusal, or the last one. @throws ConnectorError when there is no answer at all, and
   * `throttled` without sending anything while the service wants to be left alone for longer than the patience lasts
   */
  async send(request: SenderRequest, signal: AbortSignal, patience: Patience = PATIENT): Promise<HttpAnswer> {
    const { repeatable = true } = request;
    let unanswered = 0;
    for (let retry = 0; ; retry++) {
      await this.#pass(signal, patience);
      const answer = await this.#once(request, signal, { retry, patience });
      if (answer instanceof TransportFault) {
        if (!repeatable || FINAL.has(answer.kind) || ++unanswered >= patience.unanswered)
          throw faultOf(answer, request);
        const attempts = { status: null, attempt: unanswered + 1, of: patience.unanswered };
        await this.#pause(this.#backoff(retry), attempts, signal);
        continue;
      }
      if (!RETRIED.has(answer.status)) return answer;
      const asked = askedWaitMs(answer, this.#runtime.clock.now());
      if (asked !== null) this.leaveAlone(asked);
      const refused = retry - unanswered + 1;
      if (!repeatable && answer.status !== 429) return answer;
      if (refused >= patience.answered || (asked ?? 0) > patience.longestMs) return answer;
      const wait = asked === null ? this.#backoff(retry) : this.#gate.remaining(this.#runtime.clock.now());
      await this.#pause(wait, { status: answer.status, attempt: refused + 1, of: patience.answered }, signal);
    }
  }

  /** Nothing is sent for so many milliseconds: the service asked for it, if only for a part of what was sent. */
  leaveAlone(ms: number): void {
    this.#gate.close(ms, this.#runtime.clock.now());
  }

  /** Waits at the gate, as long as the patience lasts. */
  async #pass(signal: AbortSignal, patience: Patience): Promise<void> {
    const ms = this.#gate.remaining(this.#runtime.clock.now());
    if (ms > patience.longestMs) {
      const message = `${this.#service} asked to be left alone; ${Math.ceil(ms / 1000)} s of that remain, so nothing was sent.`;
      throw new ConnectorError("throttled", message, { stops: "run", retry: "later", retryAfterMs: ms });
    }
    await this.#wait(ms, signal);
  }

  async #once(
    request: SenderRequest,
    signal: AbortSignal,
    { retry, patience }: { readonly retry: number; readonly patience: Patience },
  ): Promise<HttpAnswer | TransportFault> {
    const { clock, onRequest } = this.#runtime;
    const { method, url } = request;
    const leave = await this.#limiter?.enter(request, signal, request.urgency);
    let left: HttpAnswer | null = null;
    const started = clock.now();
    const report = (status: number | null): void =>
      onRequest?.({ method, host: url.host, path: url.pathname, status, ms: clock.now() - started, retry });
    try {
      // Somebody may have been asked to wait while this request waited for its place.
      await this.#pass(signal, patience);
      const answer = await this.#transport.send(request, signal);
      left = answer;
      report(answer.status);
      return answer;
    } catch (error) {
      if (!(error instanceof TransportFault)) throw error;
      report(null);
      return error;
    } finally {
      leave?.(left);
    }
  }

  #backoff(retry: number): number {
    return backoffMs(retry, this.#runtime.random());
  }

  /** A wait that whoever watches should know of. */
  async #pause(ms: number, attempts: Pick<Wait, "status" | "attempt" | "of">, signal: AbortSignal): Promise<void> {
    const { onWait } = this.#runtime;
    onWait?.({ service: this.#service, seconds: Math.ceil(ms / 1000), ...attempts });
    try {
      await this.#wait(ms, signal);
    } finally {
      onWait?.(null);
    }
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (ms > 0) await this.#runtime.sleep(ms, signal);
    signal.throwIfAborted();
  }
}

/** The wait that an answer asks for; `null` without a usable one (a wait of zero would hammer the service). */
export function askedWaitMs(answer: Pick<HttpAnswer, "headers">, now: number): number | null {
  const asked = retryAfterMs(headerOf(answer, "retry-after"), headerOf(answer, "date"), now);
  return asked === 0 ? null : asked;
}

/** A header's only or first value. */
export function headerOf(answer: Pick<HttpAnswer, "headers">, name: string): string | null {
  const value = answer.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

/** Faults that trying again does not mend. */
const FINAL: ReadonlySet<TransportFault["kind"]> = new Set(["invalid", "refused"]);

function faultOf(fault: TransportFault, request: HttpRequest): ConnectorError {
  if (fault.kind === "refused") {
    const message = `${request.url.host} was not connected to: ${fault.message}.`;
    return new ConnectorError("config_invalid", message, { stops: "connection", retry: "never" });
  }
  const code = fault.kind === "unreachable" || fault.kind === "timeout" ? fault.kind : "answer_invalid";
  const { id } = request;
  const trace = id === undefined ? "" : ` (client-request-id ${id})`;
  const message = `${request.method} ${request.url.pathname}: ${fault.message}.${trace}`;
  return new ConnectorError(code, message, { stops: "run", retry: "later", requestId: id ?? null });
}
