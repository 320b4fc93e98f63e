import { ConnectorError } from "@entrain/core";
import type { HttpAnswer } from "../../shared/http.ts";
import { isLoopback } from "../options.ts";
import type { Patience, Sender } from "../sender.ts";
import type { AssertionEndpoint } from "./credential.ts";
import { credentialFault } from "./fault.ts";

/** "Workload identity federation": the one audience that Microsoft accepts. */
const AUDIENCE = "api://AzureADTokenExchange";
const FIELDS = ["value", "id_token", "access_token", "token"];

/**
 * Fetches an assertion. The answer is the JWT itself, or JSON that holds it as `value`, `id_token`, `access_token` or `token`.
 * @throws ConnectorError `config_invalid` or `sign_in_refused`: whatever fails here is a fault of this credential alone
 */
export async function fetchAssertion(
  endpoint: AssertionEndpoint,
  sender: Sender,
  { patience, signal }: { readonly patience: Patience; readonly signal: AbortSignal },
): Promise<string> {
  const url = URL.parse(endpoint.url);
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url)))) {
    throw credentialFault("config_invalid", {
      message: "The address of the assertion is not https.",
      fix: "Give an https address; plain http is for this machine alone.",
    });
  }
  if (!url.searchParams.has("audience")) url.searchParams.set("audience", AUDIENCE);
  const authorization = endpoint.token === undefined ? {} : { authorization: `Bearer ${endpoint.token()}` };
  const headers = { accept: "application/json", ...authorization };
  const reach = endpoint.allowPrivate === true ? "private" : "public";
  const answer = await sender.send({ method: "GET", url, headers, reach }, signal, patience).catch((error: unknown) => {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    if (error.code === "config_invalid") {
      const fix = "Give an address on the internet, or allow a private one with `allowPrivate: true` beside the url.";
      throw credentialFault("config_invalid", { message: error.message, fix });
    }
    throw credentialFault("sign_in_refused", {
      message: `No assertion came from its address ${url.host}: ${error.message}`,
      fix: "Check the address, and that it can be reached from here; it is tried again later.",
    });
  });
  if (answer.status !== 200) {
    throw credentialFault("sign_in_refused", {
      message: `The assertion's address ${url.host} answered ${answer.status} instead of an assertion.`,
      fix: "Check the address, and the token that is sent to it.",
    });
  }
  const assertion = assertionIn(answer);
  if (assertion === null) {
    throw credentialFault("sign_in_refused", {
      message: `The assertion's address ${url.host} did not answer with an assertion.`,
      fix: "It must answer with the JWT itself, or with JSON that holds it as value, id_token, access_token or token.",
    });
  }
  return assertion;
}

function assertionIn({ text }: HttpAnswer): string | null {
  const plain = text.trim();
  if (isJwt(plain)) return plain;
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null) return null;
    const fields = body as Readonly<Record<string, unknown>>;
    const found = FIELDS.map((name) => fields[name]).find((value) => typeof value === "string" && isJwt(value));
    return typeof found === "string" ? found : null;
  } catch {
    return null;
  }
}

/** Looks like a signed JWT (RFC 7519, section 3); Microsoft judges the rest. */
export function isJwt(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}
