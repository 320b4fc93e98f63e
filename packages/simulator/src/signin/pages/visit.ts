import type { WireResponse } from "../../server/exchange.ts";
import { checkShared, clientForConsent, realmNamed, realmOfUser, SHARED_NAMES } from "../directory-lookup.ts";
import { SignInError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { checkPolicies, needsMfa } from "../policies.ts";
import type { Realm } from "../realm.ts";
import type { Flow, PageContext } from "./flows.ts";
import { escaped, formPage, problemPage, withCookie } from "./html.ts";
import { decline, settle } from "./settle.ts";

/** Name of the cookie by which a browser stays signed in. */
export const SESSION_COOKIE = "ESTSAUTH";

/** Takes a visit as far as the form allows: sign-in, second factor, consent, answer. */
export function advance(context: PageContext, id: string, flow: Flow, form: URLSearchParams): WireResponse {
  const { identity } = context;
  try {
    if (form.get("cancel") !== null) return decline(context, id, flow);
    const page = signIn(context, id, flow, form) ?? secondFactor(context, id, flow, form);
    const { visitor } = flow;
    if (page !== null || visitor === null) return page ?? loginPage(context, id, flow, null);
    const realm = realmNamed(identity, visitor.tenant);
    const person = realm.accounts.find(visitor.person);
    if (person === undefined) throw new SignInError(50034, "The user account does not exist any more.");
    checkPolicies(realm, person, { methods: visitor.methods, interactive: true });
    const answer = settle(context, { id, flow, visitor, realm, person }, form.get("consent"));
    const { person: key, ...session } = visitor;
    return withCookie(answer, SESSION_COOKIE, identity.sessions.openBrowser({ ...session, person: key }));
  } catch (error) {
    if (!(error instanceof SignInError)) throw error;
    context.flows.close(id);
    return problemPage(error);
  }
}

/** Null once somebody is signed in, who may have been before; else the page that asks. */
function signIn(context: PageContext, id: string, flow: Flow, form: URLSearchParams): WireResponse | null {
  if (flow.visitor !== null) return null;
  const login = form.get("login");
  const password = form.get("passwd");
  if (login === null || password === null) return loginPage(context, id, flow, null);
  try {
    const realm = realmFor(context.identity, flow, login);
    const person = realm.accounts.authenticate(login, password);
    flow.visitor = {
      tenant: realm.profile.id,
      person: person.id,
      methods: ["pwd"],
      signedInAt: context.clock(),
    };
    return null;
  } catch (error) {
    if (!(error instanceof SignInError) || !ASKED_AGAIN.has(error.number)) throw error;
    return loginPage(context, id, { ...flow, hint: login }, error);
  }
}

const ASKED_AGAIN = new Set([50034, 50053, 50055, 50056, 50057, 50126]);

/** The tenant in which somebody signs in: the one named, else the one of the user name. */
function realmFor(identity: Identity, flow: Flow, login: string): Realm {
  const { tenantName, application } = flow;
  const home = realmOfUser(identity, login);
  if (SHARED_NAMES.has(tenantName)) {
    checkShared(application, tenantName);
    if (tenantName === "consumers") {
      throw new SignInError(
        9002332,
        `Application '${application.appId}' is configured for use by Microsoft Entra users only. Please do not use the /consumers endpoint to serve this request.`,
      );
    }
    if (home === undefined) throw new SignInError(50034, `The user account ${login} does not exist in any directory.`);
    clientForConsent(identity, home, application.appId);
    return home;
  }
  const realm = realmNamed(identity, tenantName);
  if (home === undefined || home === realm || realm.accounts.find(login) !== undefined) return realm;
  throw new SignInError(
    50020,
    `User account '${login}' from identity provider '${home.profile.id}' does not exist in tenant '${String(realm.profile.organization.displayName)}' and cannot access the application '${application.appId}' in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Microsoft Entra user account.`,
  );
}

function secondFactor(context: PageContext, id: string, flow: Flow, form: URLSearchParams): WireResponse | null {
  const { visitor } = flow;
  if (visitor === null || visitor.methods.includes("mfa")) return null;
  const realm = realmNamed(context.identity, visitor.tenant);
  // Without any factor enrolled, the policies refuse: there is nothing to ask for.
  if (!needsMfa(realm, visitor.person) || realm.accounts.mfaOf(visitor.person) === "unenrolled") return null;
  const code = form.get("otc");
  if (code === null) return codePage(context, id, flow, null);
  if (code.trim() !== realm.accounts.mfaCodeOf(visitor.person)) {
    const wrong = new SignInError(500121, "Authentication failed during strong authentication request.");
    return codePage(context, id, flow, wrong);
  }
  visitor.methods = [...visitor.methods, "mfa"];
  return null;
}

function loginPage({ base }: PageContext, id: string, flow: Flow, problem: SignInError | null): WireResponse {
  const name = String(flow.application.properties.displayName ?? flow.application.appId);
  return formPage({
    title: "Sign in",
    action: `${base}/${flow.tenantName}/login`,
    hidden: { flow: id },
    problem,
    about: `<p>to continue to ${escaped(name)}</p>`,
    fields: [
      { name: "login", label: "User name", type: "email", value: flow.hint, autocomplete: "username" },
      { name: "passwd", label: "Password", type: "password", autocomplete: "current-password" },
    ],
    buttons: [{ text: "Sign in" }, { text: "Cancel", name: "cancel", value: "1" }],
  });
}

function codePage({ base }: PageContext, id: string, flow: Flow, problem: SignInError | null): WireResponse {
  return formPage({
    title: "Enter code",
    action: `${base}/${flow.tenantName}/login`,
    hidden: { flow: id },
    problem,
    about: "<p>Enter the code that your authenticator shows.</p>",
    fields: [{ name: "otc", label: "Code", type: "text", autocomplete: "one-time-code" }],
    buttons: [{ text: "Verify" }, { text: "Cancel", name: "cancel", value: "1" }],
  });
}
