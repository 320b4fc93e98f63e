import { ConnectorError, type SourceKind } from "@entrain/core";
import { SIGN_IN_ACTIVITY, USUAL_ATTRIBUTES } from "./attributes.ts";
import { GraphRefusal } from "./client.ts";

/** What a reader asked Graph for, and who wanted each attribute, in words such as `the sync people`. */
export interface Selection {
  readonly kind: SourceKind;
  readonly names: readonly string[];
  readonly askedBy: (kind: SourceKind, name: string) => readonly string[];
}

const STATUSES: readonly (number | null)[] = [400, 403, 501];

/**
 * One attribute that Graph refuses stops the read of everything, so the fault names it with whoever asks for it. Graph
 * has no code for that: the name stands in the sentence alone ("Could not find a property named …"), and with 501 not
 * even there; then whatever is asked for beside the defaults is named.
 */
export function explainRefusal(error: unknown, selection: Selection): unknown {
  if (!(error instanceof GraphRefusal) || !STATUSES.includes(error.status)) return error;
  const { kind, names } = selection;
  const unusual = names.filter((name) => !USUAL_ATTRIBUTES[kind].includes(name));
  const told = names.filter((name) => new RegExp(`(?<![A-Za-z0-9_])${name}(?![A-Za-z0-9_])`).test(error.message));
  const suspects = told.length > 0 ? told : error.status === 501 ? unusual : activityOf(unusual, error);
  if (suspects.length === 0) return error;
  const who = suspects.map((name) => `${name} (${asked(selection, name)})`).join(", ");
  const what = told.length > 0 || suspects.length === 1 ? "the attribute" : "one of the attributes";
  const whose = kind === "user" ? "people" : `${kind}s`;
  const licence = suspects.includes(SIGN_IN_ACTIVITY) ? LICENCE : "";
  const message = `Graph does not tell ${what} ${who} of ${whose}, and refuses the whole read for it.${licence} ${error.message}`;
  const { requestId, status } = error;
  return new ConnectorError("attribute_refused", message, {
    stops: "connection",
    retry: "never",
    requestId,
    status,
    cause: error,
  });
}

const LICENCE = " signInActivity needs the permission AuditLog.Read.All and a Microsoft Entra ID P1 licence.";

/** A missing permission is this attribute's only where it is asked for, and where people can be read without it. */
function activityOf(unusual: readonly string[], { status, graphCode }: GraphRefusal): readonly string[] {
  if (status !== 403 || !unusual.includes(SIGN_IN_ACTIVITY)) return [];
  return graphCode.startsWith("Authentication_RequestFromNonPremiumTenant") ? [SIGN_IN_ACTIVITY] : [];
}

function asked({ kind, askedBy }: Selection, name: string): string {
  const by = askedBy(kind, name);
  return by.length === 0 ? "read by default" : `asked for by ${by.join(", ")}`;
}
