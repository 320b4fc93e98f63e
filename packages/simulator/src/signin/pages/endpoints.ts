import { scopeNamed } from "../../applications/catalogue.ts";
import { type Application, redirectUris } from "../../applications/model.ts";
import type { WireResponse } from "../../server/exchange.ts";
import { missingConsent, notConsented } from "../consent.ts";
import { checkShared, clientForConsent, clientIn, realmNamed, SHARED_NAMES } from "../directory-lookup.ts";
import { SignInError } from "../errors.ts";
import { checkPolicies } from "../policies.ts";
import { parseScopes } from "../scopes.ts";
import type { Delegation } from "../sessions.ts";
import type { Flow, PageContext, Purpose } from "./flows.ts";
import { formPage, notePage, problemPage, redirect, withCookie } from "./html.ts";
import { answerApp, authorizeRequest, lacking, refusalFields, returnAddress } from "./request.ts";
import { alreadyAnswered } from "./settle.ts";
import { advance, SESSION_COOKIE } from "./visit.ts";

/** A request for a page. */
export interface PageRequest {
  /** The tenant as the path names it. */
  readonly name: string;
  /** Query, or the fields of a form that was posted. */
  readonly fields: URLSearchParams;
  readonly cookie: string | undefined;
}

/** `/{tenant}/oauth2/v2.0/authorize` ("Microsoft identity platform and OAuth 2.0 authorization code flow"). */
export function authorize(context: PageContext, request: PageRequest): WireResponse {
  const { fields, name } = request;
  const application = applicationOf(context, name, fields);
  const to = returnAddress(application, fields);
  try {
    const asked = authorizeRequest(application, fields);
    const scopes = parseScopes(needed(fields, "scope"), { base: context.base, graph: context.identity.graph }, name);
    const purpose: Purpose = { kind: "authorize", to, request: asked, scopes };
    const flow = flowOf(context, request, application, purpose, asked.hint);
    if (asked.prompt === "login" || asked.prompt === "select_account") flow.visitor = null;
    if (asked.prompt === "none") return silently(context, flow, purpose);
    return advance(context, context.flows.open(flow), flow, new URLSearchParams());
  } catch (error) {
    if (!(error instanceof SignInError)) throw error;
    return answerApp(to, refusalFields(error, context.base, context.clock()));
  }
}

/** `/{tenant}/v2.0/adminconsent`, and the older `/{tenant}/adminconsent`, which asks for what is registered. */
export function adminConsent(context: PageContext, request: PageRequest, version: 1 | 2): WireResponse {
  const { fields, name } = request;
  const application = applicationOf(context, name, fields);
  const to = returnAddress(application, fields);
  const asked = version === 2 ? needed(fields, "scope") : null;
  let scopes: readonly string[] | null = null;
  if (asked !== null) {
    const parsed = parseScopes(asked, { base: context.base, graph: context.identity.graph }, name);
    if (!parsed.everything)
      scopes = [...parsed.openid, ...parsed.graph].filter((scope) => scopeNamed(scope) !== undefined);
  }
  const purpose: Purpose = { kind: "admin", to: { ...to, mode: "query" }, scopes, asked };
  const flow = flowOf(context, request, application, purpose, fields.get("login_hint") ?? "");
  return advance(context, context.flows.open(flow), flow, new URLSearchParams());
}

/** What every form posts to. */
export function proceed(context: PageContext, { fields }: PageRequest): WireResponse {
  const id = fields.get("flow");
  const flow = context.flows.find(id);
  if (id === null || flow === undefined) {
    return problemPage(
      new SignInError(90100, "This sign-in has ended or was never begun. Go back to the app and start again."),
    );
  }
  return advance(context, id, flow, fields);
}

/** `/oauth2/v2.0/devicecode` ("device authorization grant"): JSON for the device. */
export function startDevice(context: PageContext, { name, fields }: PageRequest): Readonly<Record<string, unknown>> {
  const { identity, base, clock } = context;
  const clientId = needed(fields, "client_id");
  const application = identity.applications.byClientId(clientId);
  if (!SHARED_NAMES.has(name)) clientForConsent(identity, realmNamed(identity, name), clientId);
  if (application === undefined) throw unknownApp(clientId);
  checkShared(application, name);
  const scope = needed(fields, "scope");
  parseScopes(scope, { base, graph: identity.graph }, name);
  const device = identity.sessions.startDevice({ client: application.appId, tenantName: name, scope });
  const verification = `${base}/common/oauth2/deviceauth`;
  return {
    user_code: device.userCode,
    device_code: device.deviceCode,
    verification_uri: verification,
    expires_in: Math.round((device.endsAt - clock()) / 1000),
    interval: identity.deviceInterval,
    message: `To sign in, use a web browser to open the page ${verification} and enter the code ${device.userCode} to authenticate.`,
  };
}

/** `/common/oauth2/deviceauth`: where somebody types the code that a device shows. */
export function deviceAuth(context: PageContext, request: PageRequest): WireResponse {
  const { identity, clock } = context;
  const code = request.fields.get("user_code");
  if (code === null) return codePage(context, null);
  const device = identity.sessions.deviceByUserCode(code);
  if (device === undefined)
    return codePage(
      context,
      new SignInError(70018, "Invalid verification code due to user typing in wrong user code for device code flow."),
    );
  if (device.endsAt <= clock())
    return codePage(context, new SignInError(70019, "Verification code expired. Have the user retry the sign-in."));
  if (device.state !== "pending") return codePage(context, alreadyAnswered());
  const application = identity.applications.byClientId(device.client);
  if (application === undefined) return problemPage(unknownApp(device.client));
  const purpose: Purpose = {
    kind: "device",
    device,
    scopes: parseScopes(device.scope, { base: context.base, graph: identity.graph }, device.tenantName),
  };
  const flow = flowOf(context, { ...request, name: device.tenantName }, application, purpose, "");
  return advance(context, context.flows.open(flow), flow, new URLSearchParams());
}

/** `/{tenant}/oauth2/v2.0/logout` ("OpenID Connect on the Microsoft identity platform": single sign-out). */
export function logout(context: PageContext, { fields, cookie }: PageRequest): WireResponse {
  context.identity.sessions.closeBrowser(cookieIn(cookie));
  const to = fields.get("post_logout_redirect_uri");
  const state = fields.get("state");
  // Only a redirect URI of some registration is followed: this page must not send people anywhere else.
  const known = context.identity.realms
    .flatMap(({ profile }) => context.identity.applications.applications(profile.id))
    .flatMap((application) => (["web", "spa", "publicClient"] as const).flatMap((on) => redirectUris(application, on)));
  if (to === null || !known.includes(to)) {
    return withCookie(
      notePage("You signed out of your account", "It's a good idea to close all browser windows."),
      SESSION_COOKIE,
      null,
    );
  }
  const url = new URL(to);
  if (state !== null) url.searchParams.set("state", state);
  return withCookie(redirect(url.href), SESSION_COOKIE, null);
}

/** `prompt=none`: no page at all, the app is answered at once. */
function silently(
  context: PageContext,
  flow: Flow,
  purpose: Extract<Purpose, { readonly kind: "authorize" }>,
): WireResponse {
  const { identity } = context;
  const { visitor } = flow;
  if (visitor === null) {
    throw new SignInError(50058, "A silent sign-in request was sent but no user is signed in.");
  }
  const realm = realmNamed(identity, visitor.tenant);
  const client = clientIn(identity, realm, flow.application.appId);
  const person = realm.accounts.find(visitor.person);
  if (person === undefined) throw new SignInError(50058, "A silent sign-in request was sent but no user is signed in.");
  checkPolicies(realm, person, { methods: visitor.methods, interactive: false });
  if (missingConsent(identity.applications, client, person.id, purpose.scopes).length > 0) {
    throw new SignInError(65001, notConsented(client, identity.applications).message, {
      error: "interaction_required",
    });
  }
  return advance(context, context.flows.open(flow), flow, new URLSearchParams());
}

function flowOf(
  context: PageContext,
  { name, cookie }: PageRequest,
  application: Application,
  purpose: Purpose,
  hint: string,
): Flow {
  const session = context.identity.sessions.browser(cookieIn(cookie));
  const here =
    session !== null &&
    (SHARED_NAMES.has(name) || realmNamed(context.identity, name).profile.id === session.tenant) &&
    isHinted(context, session, hint);
  return { purpose, tenantName: name, application, hint, visitor: here ? { ...session } : null };
}

/** Whether the browser's session is the account that the app hopes for. */
function isHinted({ identity }: PageContext, session: Pick<Delegation, "tenant" | "person">, hint: string): boolean {
  if (hint === "") return true;
  const found = identity.realm(session.tenant)?.accounts.find(session.person);
  return String(found?.properties.userPrincipalName).toLowerCase() === hint.trim().toLowerCase();
}

function applicationOf({ identity }: PageContext, name: string, fields: URLSearchParams): Application {
  const clientId = needed(fields, "client_id");
  if (!SHARED_NAMES.has(name)) return clientForConsent(identity, realmNamed(identity, name), clientId).application;
  const application = identity.applications.byClientId(clientId);
  if (application === undefined) throw unknownApp(clientId);
  checkShared(application, name);
  return application;
}

function codePage({ base }: PageContext, problem: SignInError | null): WireResponse {
  return formPage({
    title: "Enter code to allow access",
    action: `${base}/common/oauth2/deviceauth`,
    hidden: {},
    problem,
    about: "<p>Enter the code displayed on your app or device.</p>",
    fields: [{ name: "user_code", label: "Code", type: "text", autocomplete: "off" }],
    buttons: [{ text: "Next" }],
  });
}

function unknownApp(clientId: string): SignInError {
  return new SignInError(700016, `Application with identifier '${clientId}' was not found in the directory.`);
}

function needed(fields: URLSearchParams, name: string): string {
  const value = fields.get(name);
  if (value === null || value === "") throw lacking(name);
  return value;
}

function cookieIn(header: string | undefined): string | null {
  const found = new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([^;]+)`).exec(header ?? "");
  return found?.[1] ?? null;
}
