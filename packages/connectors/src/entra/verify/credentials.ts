import type { Check } from "@entrain/core";
import { type Credential, credentialName } from "../credentials/credential.ts";
import { type CredentialEnd, credentialEnds } from "../credentials/ends.ts";
import { credentialProblems } from "../credentials/problems.ts";
import { SignInService } from "../credentials/sign-in.ts";
import type { EntraOptions } from "../options.ts";
import { HASTY, type Sender } from "../sender.ts";
import type { Asked } from "./application.ts";
import { checked, checkOf, type Found } from "./checking.ts";

const DAY_MS = 86_400_000;
/** From then on a credential should be replaced. */
const SOON_DAYS = 60;

/** Each credential by itself: whether it works, and when it ends. One alone was tried by the sign-in before. */
export async function credentialChecks(
  options: EntraOptions,
  { sender, asked }: { readonly sender: Sender; readonly asked: Asked },
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { credentials, clock } = options;
  const registration = asked.fault === null ? asked.registration : "unasked";
  const ends = credentialEnds(credentials, registration, clock.now());
  const [first] = ends;
  if (first !== undefined && ends.length === 1) return [checkOf("credential expiry", endFound(first, clock.now()))];
  const service = new SignInService(options, sender);
  const checks: Check[] = [];
  for (const [at, credential] of credentials.entries()) {
    const name = `credential ${at + 1}: ${credentialName(credential.kind)}`;
    checks.push(
      await checked(name, signal, async () => {
        const [problem] = credentialProblems(credential, clock.now());
        if (problem !== undefined) return problem;
        await service.grant(credential, { claims: null, patience: HASTY, signal });
        const end = ends[at];
        const found = end === undefined ? "" : endFound(end, clock.now());
        return typeof found === "string" ? `Works. ${found}`.trim() : found;
      }),
    );
  }
  return checks;
}

function endFound({ kind, endsAt, ends, unasked }: CredentialEnd, now: number): Found {
  const what = credentialName(kind);
  if (!ends) return `The ${what} has no end of its own.`;
  if (endsAt === null && unasked === true) {
    return `When the ${what} ends could not be asked this time.`;
  }
  if (endsAt === null) {
    return `Nobody tells when the ${what} ends: grant Application.Read.All, or write \`expires\` beside it in the configuration.`;
  }
  const day = new Date(endsAt).toISOString().slice(0, 10);
  const days = Math.floor((endsAt - now) / DAY_MS);
  if (endsAt <= now) {
    return { detail: `The ${what} ended on ${day}.`, fix: `Replace it: ${renewal(kind)}` };
  }
  const left = days === 0 ? "today" : days === 1 ? "in 1 day" : `in ${days} days`;
  if (days >= SOON_DAYS) return `The ${what} ends on ${day}, ${left}.`;
  return `Warning: the ${what} ends on ${day}, ${left}. Replace it before: ${renewal(kind)}`;
}

/** How a credential is replaced without a gap. */
function renewal(kind: Credential["kind"]): string {
  switch (kind) {
    case "certificate":
      return "upload a new certificate beside the old one, give it here as a second credential, and remove the old one once it works.";
    case "password":
      return "set a new password and give it here.";
    default:
      return "create a new client secret beside the old one, give it here as a second credential, and remove the old one once it works.";
  }
}
