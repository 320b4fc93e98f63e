import type { Judge, Verdict } from "./exchanges.ts";
import { isObject } from "./json.ts";
import { addressOf } from "./paths.ts";
import type { Exchange } from "./recording.ts";
import { nameOf } from "./specification.ts";

/** What became of all recorded exchanges. */
export interface Findings {
  /** Kinds of requests that our product sent; each was found in the specification, or is among the faults. */
  readonly product: ReadonlySet<string>;
  /** Kinds of requests that tests sent and the simulator accepted. */
  readonly tests: ReadonlySet<string>;
  /** Kinds of requests that are not as Microsoft describes and that the simulator refused. */
  readonly refused: ReadonlySet<string>;
  /** Kinds of answers of the simulator: a request kind with a status and what the answer holds. */
  readonly answers: ReadonlySet<string>;
  /** Sentences, each with the number of exchanges that it is about. */
  readonly faults: ReadonlyMap<string, number>;
}

/**
 * Judges what was recorded. A request of the product must be as Microsoft describes, whoever answered it. One of a test may be
 * wrong on purpose: then the simulator must have refused it. An answer of the simulator must always be as described.
 */
export function findIn(exchanges: readonly Exchange[], judge: Judge): Findings {
  const sets = {
    product: new Set<string>(),
    tests: new Set<string>(),
    refused: new Set<string>(),
    answers: new Set<string>(),
  };
  const faults = new Map<string, number>();
  const note = (fault: string): void => void faults.set(fault, (faults.get(fault) ?? 0) + 1);
  for (const exchange of exchanges) {
    const verdict = judge.judge(exchange);
    const kind = kindOf(exchange, verdict);
    const wrong = verdict.request.length > 0;
    if (exchange.product) {
      sets.product.add(kind);
      for (const fault of verdict.request) note(`our request ${kind}: ${fault}`);
    } else if (exchange.simulator && wrong && exchange.status >= 400) {
      sets.refused.add(`${kind}: ${verdict.request.join("; ")}`);
    } else if (exchange.simulator) {
      sets.tests.add(kind);
      for (const fault of verdict.request) note(`the simulator accepts ${kind} (${exchange.status}): ${fault}`);
    }
    if (!exchange.simulator) continue;
    sets.answers.add(`${kind} ${exchange.status} ${contentOf(exchange)}`);
    for (const fault of verdict.answer) note(`the simulator's answer to ${kind} (${exchange.status}): ${fault}`);
  }
  return { ...sets, faults };
}

/** Method, path and the names of the options; of an unknown operation the path as it came. */
function kindOf({ method, target }: Exchange, { operation }: Verdict): string {
  const { segments, query } = addressOf(target);
  const options = [...query.keys()].map((name) => name.toLowerCase()).toSorted(alphabetically);
  const name = operation === null ? `${method} /${segments.join("/")}` : nameOf(operation);
  return options.length === 0 ? name : `${name}?${options.join("&")}`;
}

function contentOf({ answer }: Exchange): string {
  return isObject(answer) ? Object.keys(answer).toSorted(alphabetically).join() : typeof answer;
}

function alphabetically(a: string, b: string): number {
  return a < b ? -1 : 1;
}
