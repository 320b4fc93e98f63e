import { type Effects, NO_EFFECTS } from "../graph/effects.ts";
import type { WireResponse } from "../server/exchange.ts";
import type { FaultAction } from "./rules.ts";

const HTML =
  "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Network sign-in required</h1></body></html>";

/** The action of one type among those that strike a request. */
export function actionOf<T extends FaultAction["type"]>(
  actions: readonly FaultAction[],
  type: T,
): Extract<FaultAction, { readonly type: T }> | undefined {
  return actions.find((action): action is Extract<FaultAction, { readonly type: T }> => action.type === type);
}

/** How the faults bend the reading itself. */
export function effectsOf(actions: readonly FaultAction[]): Effects {
  if (actions.length === 0) return NO_EFFECTS;
  const lag = actionOf(actions, "lag");
  const stale = actionOf(actions, "stale-count");
  return {
    lagMs: lag?.ms ?? 0,
    lagVersions: lag?.versions ?? 0,
    nullProperties: actionOf(actions, "nulls") !== undefined,
    hiddenMembers: actionOf(actions, "hidden") !== undefined,
    staleCount: stale === undefined ? null : (count) => staleCountOf(count, stale),
    expiredToken: actionOf(actions, "expired") !== undefined,
  };
}

function staleCountOf(
  count: number,
  { percent = 0, less = 0 }: { readonly percent?: number; readonly less?: number },
): number {
  return Math.max(0, Math.round(count * (1 - percent / 100)) - less);
}

/** Replaces a page's content as `no-value`, `empty`, `replay` and `ends-empty` ask. */
export function bendPage(
  actions: readonly FaultAction[],
  json: unknown,
  links: { readonly self: string; readonly delta: () => string | null },
): unknown {
  if (json === null || typeof json !== "object" || !("value" in json)) return json;
  const { value, "@odata.nextLink": next, "@odata.deltaLink": delta, ...rest } = json as Record<string, unknown>;
  if (actionOf(actions, "no-value") !== undefined) return rest;
  if (actionOf(actions, "empty") !== undefined) return { ...rest, "@odata.nextLink": links.self, value: [] };
  if (actionOf(actions, "replay") !== undefined) return { ...rest, "@odata.nextLink": links.self, value };
  if (actionOf(actions, "ends-empty") === undefined) return json;
  const link = links.delta();
  return { ...rest, ...(link === null ? {} : { "@odata.deltaLink": link }), value: [] };
}

/** Marks an answer that a fault struck, so that nobody takes what it shows for a behaviour of Graph. */
export function faultHeader(actions: readonly FaultAction[]): Readonly<Record<string, string>> {
  return actions.length === 0 ? {} : { "x-simulator-fault": actions.map(({ type }) => type).join(",") };
}

/** Replaces a finished answer as `html` and `truncate` ask. */
export function bendAnswer(actions: readonly FaultAction[], answer: WireResponse): WireResponse {
  const html = actionOf(actions, "html");
  const mark = faultHeader(actions);
  if (html !== undefined) {
    return { status: html.status ?? 200, headers: { "content-type": "text/html; charset=utf-8", ...mark }, body: HTML };
  }
  const headers = { ...answer.headers, ...mark };
  if (actionOf(actions, "truncate") !== undefined) {
    return { ...answer, headers, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
  }
  return { ...answer, headers };
}
