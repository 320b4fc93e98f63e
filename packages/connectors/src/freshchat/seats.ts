import type { FreshchatReply } from "./api.ts";
import type { FreshchatKind } from "./kinds.ts";

/** Payment Required (RFC 9110, 15.5.3) says it by itself. */
const PAYMENT_REQUIRED = 402;
const WORD = /SEAT|LICEN[CS]E_?(S_)?(LIMIT|EXCEEDED|EXHAUSTED)|AGENTS?_LIMIT|PLAN_LIMIT/;
const SENTENCE =
  /\bseats?\b|\bagents? limit\b|\blicen[cs]es?\b.{0,40}\b(limit|exceeded|exhausted|left|available|remaining)\b|\b(no|limit of|maximum).{0,20}\blicen[cs]es?\b/i;

/**
 * Whether a refused creation of an agent means that no paid seat is left. Freshchat's documents name no constant for it, so its
 * word is looked at first, and its sentence where the word says nothing: to be wrong in it costs a wait, not a record.
 */
export function isSeatRefusal(
  { endpoint }: FreshchatKind,
  reply: Exclude<FreshchatReply, { kind: "answer" }>,
): boolean {
  if (endpoint !== "/agents" || reply.kind !== "error" || reply.code !== "request_refused") return false;
  return reply.status === PAYMENT_REQUIRED || WORD.test(reply.word ?? "") || SENTENCE.test(reply.detail);
}
