import type { Check } from "@entrain/core";
import type { TokenKind } from "../features.ts";
import { featuresOf, judgePermissions, type PermissionStanding } from "../needs.ts";
import type { EntraOptions } from "../options.ts";
import { checkOf, howToGrant } from "./checking.ts";

/** How the permissions of a token stand to what the connection is used for. */
export function permissionStandings(
  options: Pick<EntraOptions, "features" | "attributes" | "accepted">,
  { roles, token }: { readonly roles: readonly string[]; readonly token: TokenKind },
): readonly PermissionStanding[] {
  return judgePermissions(roles, { features: featuresOf(options), accepted: options.accepted ?? [], token });
}

/** The consent that was given, what is missing of it, and what goes beyond the need. */
export function permissionChecks(
  options: EntraOptions,
  { roles, token }: { readonly roles: readonly string[] | null; readonly token: TokenKind },
): readonly Check[] {
  if (roles === null) return [];
  const standings = permissionStandings(options, { roles, token });
  const plural = roles.length === 1 ? "permission" : "permissions";
  const consent = checkOf("consent", `Consent was given to ${roles.length} ${plural}.`);
  const excess = excessCheck(standings);
  return [consent, neededCheck(standings, token), ...(excess === null ? [] : [excess])];
}

function neededCheck(standings: readonly PermissionStanding[], token: TokenKind): Check {
  const missing = standings.filter(({ state }) => state === "missing");
  if (missing.length === 0) {
    const needed = standings.filter(({ state }) => state === "needed" || state === "broader");
    const told = needed.map(({ permission, instead }) => instead ?? permission);
    return checkOf("permissions", `All that is needed is granted: ${[...new Set(told)].join(", ")}.`);
  }
  const told = missing.map(({ permission, purpose }) => `${permission} (to ${purpose})`).join("; ");
  const names = missing.map(({ permission }) => permission).join(", ");
  return checkOf("permissions", { detail: `Missing: ${told}.`, fix: `${howToGrant(token)}: ${names}.` });
}

/** A connector must not be able to do more than it does: a stolen secret would be worth far less. */
function excessCheck(standings: readonly PermissionStanding[]): Check | null {
  const excess = standings.filter(({ state }) => state === "excess").map(({ permission }) => permission);
  const accepted = standings.filter(({ state }) => state === "accepted");
  if (excess.length + accepted.length === 0) return null;
  const wanted = accepted.map(({ permission, note }) => `${permission} (${note})`).join(", ");
  const told = [
    excess.length === 0
      ? ""
      : `Works, but the application may do more than reading needs: ${excess.join(", ")}. ${howToRemove(excess, standings)} What is wanted can stay, accepted with a note under \`accept\` in the configuration.`,
    wanted === "" ? "" : `Accepted: ${wanted}.`,
  ];
  return checkOf("excess permissions", told.filter((part) => part !== "").join(" "));
}

/** What does the work of a needed permission goes last: the connection would stop without it. */
function howToRemove(excess: readonly string[], standings: readonly PermissionStanding[]): string {
  const replaced = standings.filter(({ instead }) => instead !== null && excess.includes(instead));
  const working = excess.filter((permission) => replaced.some(({ instead }) => instead === permission));
  const idle = excess.filter((permission) => !working.includes(permission));
  const needed = replaced.map(({ permission }) => permission);
  const parts: string[] = [];
  if (idle.length > 0) {
    const them = idle.length === 1 ? "it" : "them";
    parts.push(`Remove ${listed(idle)} on its API permissions page in Entra where nothing else uses ${them}.`);
  }
  if (working.length > 0) {
    parts.push(
      `Grant ${listed(needed)} first, and only then remove ${listed(working)}, without which the connection would stop.`,
    );
  }
  return parts.join(" ");
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
