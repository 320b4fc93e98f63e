import { GRAPH_APP_ID, scopeNamed } from "../applications/catalogue.ts";
import { SignInError } from "./errors.ts";

const OPENID = new Set(["openid", "profile", "email", "offline_access"]);

/** Where scopes are checked: the simulator's own address, and Graph's in the cloud that it stands for. */
export interface ScopeHosts {
  readonly base: string;
  readonly graph: string;
}

/** What a `scope` parameter of a delegated sign-in asks for. */
export interface DelegatedScopes {
  /** `openid`, `profile`, `email` and `offline_access` among what was asked. */
  readonly openid: ReadonlySet<string>;
  /** Permissions of Microsoft Graph by their own names. */
  readonly graph: readonly string[];
  /** Everything that the registration lists was asked for. */
  readonly everything: boolean;
  /** How the request wrote names: with Graph's address before them, or bare. Answers write them alike. */
  readonly prefix: string;
}

/** Checks the scope of a client-credentials request: `{Graph}/.default` alone ("client credentials flow"). */
export function checkAppScope(scope: string, hosts: ScopeHosts, tenant: string): void {
  const resources = scope.split(/\s+/).filter(Boolean);
  const [only = ""] = resources;
  if (resources.length !== 1 || !only.endsWith("/.default")) {
    throw new SignInError(
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  }
  checkResource(only.slice(0, -"/.default".length).replace(/\/$/, ""), scope, hosts, tenant);
}

/** Reads the scope of a delegated request ("Scopes and permissions in the Microsoft identity platform"). */
export function parseScopes(scope: string, hosts: ScopeHosts, tenant: string): DelegatedScopes {
  const openid = new Set<string>();
  const graph: string[] = [];
  let everything = false;
  let prefix = "";
  for (const asked of scope.split(/\s+/).filter(Boolean)) {
    const at = asked.lastIndexOf("/");
    const name = asked.slice(at + 1);
    if (at >= 0) {
      prefix = asked.slice(0, at + 1);
      checkResource(asked.slice(0, at).replace(/\/$/, ""), scope, hosts, tenant);
    }
    if (at < 0 && OPENID.has(name.toLowerCase())) openid.add(name.toLowerCase());
    else if (name === ".default") everything = true;
    else graph.push(graphScope(name));
  }
  if (everything && graph.length > 0) {
    throw new SignInError(
      70011,
      `The provided value for the input parameter 'scope' isn't valid. ${scope} isn't valid. .default scope can't be combined with resource-specific scopes.`,
    );
  }
  return { openid, graph: [...new Set(graph)], everything, prefix };
}

function graphScope(name: string): string {
  const known = scopeNamed(name);
  if (known !== undefined) return known.value;
  if (!/^[\w.-]+$/.test(name)) throw invalidScope(name);
  throw new SignInError(
    650053,
    `The application asked for scope '${name}' that doesn't exist on the resource '${GRAPH_APP_ID}'. Contact the app vendor.`,
  );
}

function checkResource(resource: string, scope: string, { base, graph }: ScopeHosts, tenant: string): void {
  if ([graph, GRAPH_APP_ID, base].includes(resource)) return;
  if (!URL.canParse(resource) && !/^[0-9a-f-]{36}$/i.test(resource)) throw invalidScope(scope);
  throw new SignInError(
    500011,
    `The resource principal named ${resource} was not found in the tenant named ${tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.`,
  );
}

function invalidScope(scope: string): SignInError {
  return new SignInError(
    70011,
    `The provided value for the input parameter 'scope' isn't valid. The scope ${scope} isn't valid.`,
  );
}
