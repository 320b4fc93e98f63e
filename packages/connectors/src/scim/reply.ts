import type { Reply as AnyReply, Manner } from "../shared/reply.ts";
import { isJson, type Json, property } from "./resource.ts";

/** What became of a SCIM request. The word of a refusal is its `scimType` (RFC 7644 section 3.12). */
export type Reply = AnyReply<Json>;

/** How a SCIM server's answers are read. */
export const SCIM_MANNER: Manner<Json> = {
  who: "The server",
  parse,
  refusal: (body) => ({ word: property(body, "scimType"), sentence: property(body, "detail") }),
  page: (status) => `The server answered ${status} with HTML.`,
};

/** `null` for no body, `undefined` for one that is not a JSON object. */
function parse(text: string): Json | null | undefined {
  if (text.trim() === "") return null;
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
