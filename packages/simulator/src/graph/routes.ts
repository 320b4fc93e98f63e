import type { Rule } from "../permissions.ts";
import type { Service } from "../throttle.ts";
import { noSuchPath } from "./collections.ts";
import type { Context } from "./context.ts";
import { type GraphResponse, malformed, methodNotAllowed } from "./request.ts";

/** What the path's `{…}` segments held, decoded. */
export type Parameters = Readonly<Record<string, string>>;

/** One operation of Graph. */
export interface Endpoint {
  readonly method: string;
  /** Pattern such as `/users/{user}/manager/$ref`. `{cast}` matches only type names. */
  readonly path: string;
  readonly rule: Rule;
  /** Base cost in resource units ("Microsoft Graph service-specific throttling limits"); writes cost 1 and one write. */
  readonly cost: number;
  /** Set for a POST that asks a question: charged by its cost, and no write. */
  readonly reads?: true;
  /** The service behind Graph whose limits count; the directory's unless given. */
  readonly service?: Service;
  /** Set where pages are asked for with `$skip`, which directory objects refuse. */
  readonly skips?: true;
  readonly handle: (context: Context, parameters: Parameters) => GraphResponse | Promise<GraphResponse>;
}

/** An endpoint and what its pattern caught. */
export interface Route {
  readonly endpoint: Endpoint;
  readonly parameters: Parameters;
}

/** Finds endpoints by method and path: literal segments win over parameters. */
export class RouteTable {
  readonly #routes: readonly { readonly endpoint: Endpoint; readonly segments: readonly string[] }[];

  constructor(endpoints: readonly Endpoint[]) {
    this.#routes = endpoints
      .map((endpoint) => ({ endpoint, segments: endpoint.path.split("/").slice(1) }))
      .sort((a, b) => parametersIn(a.segments) - parametersIn(b.segments));
  }

  find(method: string, segments: readonly string[]): Route {
    let otherMethod = false;
    for (const { endpoint, segments: pattern } of this.#routes) {
      const parameters = matchSegments(pattern, segments);
      if (parameters === null) continue;
      if (endpoint.method === method) return { endpoint, parameters };
      otherMethod = true;
    }
    throw otherMethod ? methodNotAllowed() : noSuchPath(segments[segments.length - 1]);
  }
}

const CAST = /^(microsoft\.)?graph\.\w+$/i;

function parametersIn(segments: readonly string[]): number {
  return segments.filter((segment) => segment.startsWith("{") && segment !== "{cast}").length;
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Parameters | null {
  if (pattern.length !== segments.length) return null;
  const parameters: Record<string, string> = {};
  for (const [i, wanted] of pattern.entries()) {
    const segment = segments[i] ?? "";
    if (wanted.startsWith("{")) {
      if (wanted === "{cast}" ? !CAST.test(segment) : segment.startsWith("$")) return null;
      parameters[wanted.slice(1, -1)] = segment;
    } else if (wanted.toLowerCase() !== segment.toLowerCase()) {
      return null;
    }
  }
  return parameters;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw malformed("Bad Request - Invalid URL");
  }
}

/**
 * Splits a path below `/v1.0`, decoded; `users('id')` reads as `users/id`, `delta()` as `delta`, and an alternate key
 * such as `applications(appId='id')` as `applications/appId=id`.
 */
export function segmentsOf(path: string): readonly string[] {
  return path
    .split("/")
    .filter((segment) => segment !== "")
    .map(decoded)
    .flatMap((segment) => {
      const key = /^(\w+)\((\w+=)?'(.*)'\)$/.exec(segment);
      if (key === null) return [segment.replace(/\(\)$/, "")];
      return [key[1] ?? "", `${key[2] ?? ""}${(key[3] ?? "").replaceAll("''", "'")}`];
    });
}
