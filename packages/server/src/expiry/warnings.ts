import type { CredentialEnd } from "@entrain/connectors/entra";

const DAY_MS = 86_400_000;
/** Days before the end at which somebody is told. */
const THRESHOLDS = [60, 30, 14, 7, 1] as const;

/** A credential that ends soon, or has ended. */
export interface ExpiryWarning {
  /** Position among the connection's credentials, from 0. */
  readonly at: number;
  readonly kind: CredentialEnd["kind"];
  readonly endsAt: number;
  /** Whole days left; negative once it has ended. */
  readonly days: number;
  /** The least threshold that is passed; 0 once it has ended. */
  readonly threshold: number;
  readonly detail: string;
  readonly fix: string;
}

const WORDS: { readonly [K in CredentialEnd["kind"]]?: string } = {
  secret: "client secret",
  certificate: "certificate",
  password: "password",
  delegated: "application's credential behind the administrator's sign-in",
};

/** The warnings for credentials whose end is known, the most urgent first. */
export function expiryWarnings(ends: readonly CredentialEnd[], now: number): readonly ExpiryWarning[] {
  return ends
    .flatMap(({ at, kind, endsAt }) => {
      if (endsAt === null) return [];
      const days = daysUntil(endsAt, now);
      const threshold = endsAt <= now ? 0 : THRESHOLDS.findLast((one) => days < one);
      if (threshold === undefined) return [];
      const what = `${ends.length > 1 ? `credential ${at + 1}, the ` : ""}${nameOf(kind)}`;
      const day = new Date(endsAt).toISOString().slice(0, 10);
      const detail =
        threshold === 0
          ? `${upper(ends.length > 1 ? what : `the ${what}`)} ended on ${day}.`
          : `${upper(ends.length > 1 ? what : `the ${what}`)} ends on ${day}, ${left(days)}.`;
      const fix =
        "Make its successor in Entra, give it here as a second credential, and remove the old one once the new one works.";
      return [{ at, kind, endsAt, days, threshold, detail, fix }];
    })
    .sort((a, b) => a.endsAt - b.endsAt);
}

/** Whole days until an end; negative once it has come. */
export function daysUntil(endsAt: number, now: number): number {
  return Math.floor((endsAt - now) / DAY_MS);
}

/** What a kind of credential is called in a sentence. */
export function nameOf(kind: CredentialEnd["kind"]): string {
  return WORDS[kind] ?? kind;
}

function left(days: number): string {
  return days === 0 ? "within a day" : days === 1 ? "in 1 day" : `in ${days} days`;
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
