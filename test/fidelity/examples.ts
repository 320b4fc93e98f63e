import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isObject, type Json, type JsonObject, objectIn, textIn } from "./json.ts";
import { addressOf } from "./paths.ts";
import { graphFolder, readShared } from "./shared.ts";

/** One documented request to Graph with its documented answer. */
export interface Example {
  readonly name: string;
  readonly method: string;
  /** Path and query behind `/v1.0`, with the documentation's placeholders. */
  readonly target: string;
  /** With `/me` read as `/users/{id}`. */
  readonly segments: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
  /** Null where the page shows no answer. */
  readonly status: number | null;
  readonly answer: Json;
}

const GRAPH = "https://graph.microsoft.com/v1.0";

/** All documented pairs of the reference data; those that are not about Graph have `target` null. */
export function readExamples(): readonly (Example | { readonly name: string; readonly target: null })[] {
  return readdirSync(join(graphFolder(), "examples"))
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => {
      const name = file.slice(0, -".json".length);
      const document = readShared(join("examples", file));
      const request = objectIn(document, "request");
      const url = textIn(request, "url") ?? "";
      if (!url.startsWith(GRAPH)) return { name, target: null };
      const response = objectIn(document, "response");
      const headers = Object.entries(objectIn(request, "headers")).map(([key, value]) => [
        key.toLowerCase(),
        String(value),
      ]);
      const target = url.slice(GRAPH.length);
      return {
        name,
        method: textIn(request, "method") ?? "GET",
        target,
        segments: addressOf(target.replace(/^\/me(?=\/|\?|$)/, "/users/{id}")).segments,
        headers: Object.fromEntries(headers.filter(([key = ""]) => !/^(content-|authorization)/.test(key))),
        body: request.body ?? null,
        status: typeof response.status === "number" ? response.status : null,
        answer: response.body ?? null,
      };
    });
}

/** The records of an answer: the entries of its list, or the one that it is. */
export function recordsIn(answer: Json): readonly JsonObject[] {
  if (!isObject(answer)) return [];
  const list = Array.isArray(answer.value)
    ? (answer.value as readonly Json[])
    : [isObject(answer.value) ? answer.value : answer];
  return list.filter(isObject);
}
