import { createHash } from "node:crypto";
import { uuidFrom } from "../state/identifiers.ts";
import type { DirectoryObject } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";

const DAY = 24 * 3600_000;
const ACTIVE_DAYS = 45;

/** "signInActivity resource type" of a person: what the record says, else made of the id; null for who never signed in. */
export function signInActivityOf({ id, properties }: DirectoryObject, now: number): Json {
  if (properties.signInActivity !== undefined) return properties.signInActivity;
  const chance = createHash("sha256").update(`activity ${id}`).digest();
  const [some = 0, day = 0, minute = 0] = chance;
  if (some < 26) return null;
  // Whole days before a fixed hour, so that a reader meets the same value twice.
  const today = Math.floor(now / DAY) * DAY;
  const idle = properties.accountEnabled === false ? ACTIVE_DAYS * 2 : 0;
  const last = today - (idle + (day % ACTIVE_DAYS)) * DAY + minute * 5 * 60_000 - DAY;
  const time = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
  const stamp = String(last);
  return {
    lastSignInDateTime: time(last),
    lastSignInRequestId: uuidFrom("sign-in", id, stamp),
    lastNonInteractiveSignInDateTime: time(last + 3600_000),
    lastNonInteractiveSignInRequestId: uuidFrom("background sign-in", id, stamp),
    lastSuccessfulSignInDateTime: time(last + 3600_000),
    lastSuccessfulSignInRequestId: uuidFrom("background sign-in", id, stamp),
  };
}
