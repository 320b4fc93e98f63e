import type { GrantView } from "../store/grants.ts";

/** What is wrong with an administrator's agreement, as the warnings of a connection tell it. */
export interface AgreementWarning {
  readonly detail: string;
  readonly fix: string;
  /** Since when. Milliseconds since 1970, UTC. */
  readonly endsAt: number;
  readonly days: number;
}

const DAY_MS = 86_400_000;

/** A warning for an agreement that Microsoft refuses or has ended; none while it works. `connection` is its name. */
export function agreementWarnings(
  grant: GrantView | null,
  connection: string,
  now: number,
): readonly AgreementWarning[] {
  if (grant === null || grant.state === "works") return [];
  const since = grant.since ?? grant.grantedAt;
  const day = new Date(since).toISOString().slice(0, 10);
  const who = `The sign-in of ${grant.account.username}`;
  const again = `entrain connection authorize ${connection}`;
  const told =
    grant.state === "ended"
      ? { detail: `${who} ended on ${day}.`, fix: `Have an administrator sign in again: ${again}.` }
      : {
          detail: `${who} is refused since ${day}, and kept, because it may work again.`,
          fix: `Mend what Microsoft says, or have another administrator sign in: ${again}.`,
        };
  const detail = grant.reason === null ? told.detail : `${told.detail} ${grant.reason}`;
  return [{ detail, fix: told.fix, endsAt: since, days: Math.floor((since - now) / DAY_MS) }];
}
