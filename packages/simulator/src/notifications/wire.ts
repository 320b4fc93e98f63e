/** How a subscriber answered; null status: not at all. */
export interface WireAnswer {
  readonly status: number | null;
  readonly type: string;
  readonly text: string;
  /** By the simulator's clock, so that a test can let time pass without waiting. */
  readonly tookMs: number;
}

const ANSWER_MS = 10_000;
const LONGEST_ANSWER = 4096;

/** Posts to a subscriber as Graph does: no redirects, no credentials, ten seconds. Never rejects. */
export async function post(
  url: string,
  content: { readonly type: string; readonly body: string },
  clock: () => number,
  stop: AbortSignal,
): Promise<WireAnswer> {
  const started = clock();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": content.type },
      body: content.body,
      redirect: "manual",
      signal: AbortSignal.any([AbortSignal.timeout(ANSWER_MS), stop]),
    });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    const tookMs = clock() - started;
    if (tookMs > ANSWER_MS) return { status: null, type: "", text: "", tookMs };
    return { status: response.status, type, text: text.slice(0, LONGEST_ANSWER), tookMs };
  } catch {
    return { status: null, type: "", text: "", tookMs: clock() - started };
  }
}

/**
 * The handshake of "notificationUrl validation": null when the subscriber sent the token back as plain text with 200,
 * else the sentence that the creation is refused with.
 */
export async function validateEndpoint(
  url: string,
  token: string,
  clock: () => number,
  stop: AbortSignal,
): Promise<{ readonly answer: WireAnswer; readonly refusal: string | null }> {
  const target = `${url}${url.includes("?") ? "&" : "?"}validationToken=${encodeURIComponent(token)}`;
  const answer = await post(target, { type: "text/plain; charset=utf-8", body: "" }, clock, stop);
  return { answer, refusal: refusalOf(answer, token) };
}

function refusalOf({ status, type, text }: WireAnswer, token: string): string | null {
  if (status === null) return "Subscription validation request timed out.";
  if (status !== 200) {
    return `Subscription validation request failed. HTTP status code is '${status}'. Notification endpoint must respond with 200 OK to validation request.`;
  }
  if (!/^text\/plain\b/i.test(type)) {
    return "Subscription validation request failed. The response must have the content type text/plain.";
  }
  if (text !== token) {
    return "Subscription validation request failed. Response must exactly match validationToken query parameter.";
  }
  return null;
}
