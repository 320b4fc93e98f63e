import { type Permission, scopeNamed } from "../../applications/catalogue.ts";
import { requiredPermissions } from "../../applications/required.ts";
import type { WireResponse } from "../../server/exchange.ts";
import type { DirectoryObject } from "../../state/objects.ts";
import { mayConsent, missingConsent } from "../consent.ts";
import { clientForConsent } from "../directory-lookup.ts";
import { SignInError } from "../errors.ts";
import { checkAssigned } from "../policies.ts";
import type { Realm } from "../realm.ts";
import type { DelegatedScopes } from "../scopes.ts";
import type { Delegation } from "../sessions.ts";
import type { Flow, PageContext, Purpose } from "./flows.ts";
import { escaped, formPage, notePage } from "./html.ts";
import { answerApp, refusalFields } from "./request.ts";

/** A visit whose visitor is known. */
export interface Arrived {
  readonly id: string;
  readonly flow: Flow;
  readonly visitor: NonNullable<Flow["visitor"]>;
  readonly realm: Realm;
  readonly person: DirectoryObject;
}

/** What remains once somebody is signed in: consent, then the answer to the app or the device. */
export function settle(context: PageContext, arrived: Arrived, decision: string | null): WireResponse {
  const { purpose } = arrived.flow;
  return purpose.kind === "admin"
    ? settleAdmin(context, arrived, purpose, decision)
    : settleDelegation(context, arrived, purpose, decision);
}

/** Somebody does not want to: the app is told, and the device's polling ends. */
export function decline(context: PageContext, id: string, { purpose }: Flow): WireResponse {
  context.flows.close(id);
  const refusal = new SignInError(65004, "User declined to consent to access the app.");
  if (purpose.kind === "device") {
    if (purpose.device.state === "pending") purpose.device.state = "declined";
    return notePage("You declined", "The device was not signed in. You may close this window.");
  }
  return answerApp(purpose.to, refusalOf(context, purpose, refusal));
}

/** Answers an app that may not be asked about on a page (`prompt=none`), or that the visitor goes back to. */
function refusalOf(
  { base, clock }: PageContext,
  purpose: Exclude<Purpose, { readonly kind: "device" }>,
  refusal: SignInError,
): Readonly<Record<string, string>> {
  const fields = refusalFields(refusal, base, clock());
  if (purpose.kind === "authorize") return fields;
  // "Admin consent on the Microsoft identity platform": admin_consent is True in every answer of this endpoint.
  return { admin_consent: "True", ...fields, ...(refusal.number === 65004 ? { error_subcode: "cancel" } : {}) };
}

function settleDelegation(
  context: PageContext,
  arrived: Arrived,
  purpose: Exclude<Purpose, { readonly kind: "admin" }>,
  decision: string | null,
): WireResponse {
  const { identity } = context;
  const { applications } = identity;
  const { flow, realm, person } = arrived;
  const { application, principal } = clientForConsent(identity, realm, flow.application.appId);
  if (principal !== undefined) checkAssigned(applications, realm, principal, person);
  const missing =
    principal === undefined
      ? askedOf(purpose.scopes, requiredPermissions(application))
      : missingConsent(applications, { application, principal }, person.id, purpose.scopes);
  const again = purpose.kind === "authorize" && purpose.request.prompt === "consent";
  // A device's code is confirmed even without anything to consent to: somebody else may have sent it.
  if (missing.length > 0 || principal === undefined || again || purpose.kind === "device") {
    if (decision === "refuse") return decline(context, arrived.id, flow);
    const asked = missing.length > 0 || !again ? missing : askedOf(purpose.scopes, requiredPermissions(application));
    if (!mayConsent(realm, person.id, missing, false)) return approvalPage(context, arrived, asked);
    if (decision !== "accept") return consentPage(context, arrived, asked);
    const installed = principal ?? applications.provision(application, realm.profile.id);
    if (missing.length > 0)
      applications.grantScopes(
        installed,
        person.id,
        missing.map(({ value }) => value),
        true,
      );
  }
  return finish(context, arrived, purpose);
}

function finish(
  context: PageContext,
  { id, flow, visitor }: Arrived,
  purpose: Exclude<Purpose, { readonly kind: "admin" }>,
): WireResponse {
  context.flows.close(id);
  const delegation: Delegation = {
    tenant: visitor.tenant,
    client: flow.application.appId,
    person: visitor.person,
    scopes: purpose.scopes,
    methods: visitor.methods,
    signedInAt: visitor.signedInAt,
    nonce: purpose.kind === "authorize" ? purpose.request.nonce : null,
  };
  if (purpose.kind === "device") {
    if (purpose.device.state !== "pending") throw alreadyAnswered();
    purpose.device.state = delegation;
    return notePage(
      "You have signed in",
      `You have signed in to ${nameOf(flow)} on your device. You may now close this window.`,
    );
  }
  const { request, to } = purpose;
  const code = context.identity.sessions.issueCode({
    ...delegation,
    redirectUri: to.uri,
    challenge: request.challenge,
    publicClient: to.publicClient,
    capable: request.capable,
  });
  return answerApp(to, { code, session_state: id.slice(0, 24) });
}

/** A device code that somebody has answered before. */
export function alreadyAnswered(): SignInError {
  return new SignInError(90120, "The request was already authorized or declined.");
}

function settleAdmin(
  context: PageContext,
  arrived: Arrived,
  purpose: Extract<Purpose, { readonly kind: "admin" }>,
  decision: string | null,
): WireResponse {
  const { identity } = context;
  const { flow, realm, person, id } = arrived;
  const { application } = clientForConsent(identity, realm, flow.application.appId);
  const asked =
    purpose.scopes === null
      ? requiredPermissions(application)
      : purpose.scopes.flatMap((name) => scopeNamed(name) ?? []);
  if (decision === "refuse") return decline(context, id, flow);
  if (!mayConsent(realm, person.id, asked, true)) return approvalPage(context, arrived, asked);
  if (decision !== "accept") return consentPage(context, arrived, asked);
  identity.applications.consent(application, realm.profile.id, purpose.scopes);
  context.flows.close(id);
  return answerApp(purpose.to, {
    admin_consent: "True",
    tenant: realm.profile.id,
    ...(purpose.asked === null ? {} : { scope: purpose.asked }),
  });
}

function askedOf(scopes: DelegatedScopes, required: readonly Permission[]): readonly Permission[] {
  if (scopes.everything) return required.filter(({ kind }) => kind === "Scope");
  return [...scopes.openid, ...scopes.graph].flatMap((name) => scopeNamed(name) ?? []);
}

function consentPage({ base }: PageContext, { id, flow, person }: Arrived, asked: readonly Permission[]): WireResponse {
  const device = flow.purpose.kind === "device";
  const question = device
    ? `Are you trying to sign in to ${nameOf(flow)}? Only continue if you began this on a device of yours.`
    : `${nameOf(flow)} would like to:`;
  return formPage({
    title:
      flow.purpose.kind === "admin" ? "Permissions requested: review for your organization" : "Permissions requested",
    action: `${base}/${flow.tenantName}/login`,
    hidden: { flow: id },
    about: `<p>${escaped(String(person.properties.userPrincipalName))}</p><p>${escaped(question)}</p>${listOf(asked)}`,
    buttons: [
      { text: "Accept", name: "consent", value: "accept" },
      { text: "Cancel", name: "consent", value: "refuse" },
    ],
  });
}

/** Shown to somebody who may not consent: AADSTS90094. The way back to the app tells it so. */
function approvalPage(context: PageContext, { id, flow }: Arrived, asked: readonly Permission[]): WireResponse {
  const { purpose } = flow;
  const refusal = new SignInError(
    90094,
    `${nameOf(flow)} needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.`,
  );
  if (purpose.kind === "authorize" && purpose.request.prompt === "none") {
    return answerApp(purpose.to, refusalOf(context, purpose, refusal));
  }
  return formPage({
    title: "Need admin approval",
    action: `${context.base}/${flow.tenantName}/login`,
    hidden: { flow: id },
    problem: refusal,
    about: listOf(asked),
    buttons: [{ text: "Return to the application without granting consent", name: "cancel", value: "1" }],
  });
}

function listOf(asked: readonly Permission[]): string {
  const items = asked.map(({ value, kind }) => {
    return `<li data-permission="${escaped(value)}" data-type="${kind}">${escaped(value)} (${kind === "Role" ? "application" : "delegated"})</li>`;
  });
  return `<ul>${items.join("")}</ul>`;
}

function nameOf({ application }: Flow): string {
  return String(application.properties.displayName ?? application.appId);
}
