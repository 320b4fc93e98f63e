import { type Check, ConnectorError } from "@entrain/core";
import type { TokenKind } from "../features.ts";

/** What a check found: a sentence when all is well, else also how to mend it. */
export type Found = string | { readonly detail: string; readonly fix: string };

/** How permissions come into such a token; their names go behind it. */
export function howToGrant(token: TokenKind): string {
  return `Add the ${token} permission on the application's API permissions page in Entra, then grant admin consent`;
}

/** Makes one check; a fault of ours is what it found, anything else goes on. `faulty` is its name when it could not be made. */
export async function checked(
  name: string,
  signal: AbortSignal,
  find: () => Promise<Found>,
  faulty: string = name,
): Promise<Check> {
  try {
    return checkOf(name, await find());
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    return { name: faulty, ok: false, detail: error.message, fix: error.fix };
  }
}

export function checkOf(name: string, found: Found): Check {
  return typeof found === "string" ? { name, ok: true, detail: found, fix: null } : { name, ok: false, ...found };
}
