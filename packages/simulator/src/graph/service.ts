import { contactAccess, groupAccess, permits, seesHiddenMembers, userAccess } from "../permissions.ts";
import type { Identity } from "../signin/identity.ts";
import type { Realm } from "../signin/realm.ts";
import { identityOf } from "../signin/realms.ts";
import type { Directory } from "../state/directory.ts";
import type { View } from "../state/view.ts";
import { checkDelegated } from "./app-rights.ts";
import { APP_ROLE_ASSIGNMENTS } from "./app-role-assignments.ts";
import { APPLICATIONS } from "./applications.ts";
import type { Caller, Context, DeltaPaging, TenantProfile } from "./context.ts";
import { DELETED_ITEMS } from "./deleted-items.ts";
import { deltaLinkNow } from "./delta.ts";
import { DIRECTORY_OBJECTS } from "./directory-objects.ts";
import { DIRECTORY_ROLE_READS } from "./directory-roles.ts";
import { type Effects, NO_EFFECTS } from "./effects.ts";
import { FEDERATED_CREDENTIALS } from "./federated-credentials.ts";
import { GROUP_WRITES } from "./group-writes.ts";
import { GROUP_READS } from "./groups.ts";
import { parseOptions } from "./odata/options.ts";
import { ORGANIZATION } from "./organization.ts";
import { PERMISSION_GRANTS } from "./permission-grants.ts";
import { badRequest, denied, GraphError, type GraphRequest, type GraphResponse } from "./request.ts";
import { type Route, RouteTable } from "./routes.ts";
import { SERVICE_PRINCIPALS } from "./service-principals.ts";
import { createStores, type Stores } from "./stores.ts";
import { TENANCY } from "./tenancy-endpoints.ts";
import { USER_WRITES } from "./user-writes.ts";
import { USER_READS } from "./users.ts";

/** What the Graph service is made of. */
export interface GraphOptions {
  readonly directory: Directory;
  readonly tenant: TenantProfile;
  readonly clock: () => number;
  readonly deltaPaging: DeltaPaging;
  /** Empty ones unless given. */
  readonly stores?: Stores;
  /** Apps, accounts and administrators; fresh ones unless given. */
  readonly identity?: Identity;
}

/** For callers that have no token: tests of the operations alone. */
const NOBODY: Caller = { tenant: "", client: "", principal: "", delegated: false };

/** Graph v1.0 of one tenant, free of HTTP: requests in, answers or `GraphError`s out. */
export class GraphService {
  readonly #options: GraphOptions;
  readonly #routes = new RouteTable([
    ...ORGANIZATION,
    ...USER_READS,
    ...USER_WRITES,
    ...GROUP_READS,
    ...GROUP_WRITES,
    ...DELETED_ITEMS,
    ...DIRECTORY_OBJECTS,
    ...APPLICATIONS,
    ...FEDERATED_CREDENTIALS,
    ...SERVICE_PRINCIPALS,
    ...APP_ROLE_ASSIGNMENTS,
    ...PERMISSION_GRANTS,
    ...DIRECTORY_ROLE_READS,
    ...TENANCY,
  ]);
  readonly #stores: Stores;
  readonly #identity: { readonly identity: Identity; readonly realm: Realm };
  /** Delta tokens issued before this time are refused, milliseconds UTC. */
  expiredBefore = 0;
  /** Absolute URL of `/v1.0`, known as soon as the server listens. */
  base = "";

  constructor(options: GraphOptions) {
    this.#options = options;
    this.#stores = options.stores ?? createStores(options);
    const identity = options.identity ?? identityOf([{ ...options, seed: 0 }], options.clock);
    const realm = identity.realm(options.tenant.id);
    if (realm === undefined) throw new Error(`The tenant ${options.tenant.id} has no sign-in service.`);
    this.#identity = { identity, realm };
  }

  /** Finds the operation of a request; refuses what Graph does not have. */
  route(request: GraphRequest): Route {
    return this.#routes.find(request.method, request.segments);
  }

  /** Answers one request of a token with these roles. */
  answer(
    request: GraphRequest,
    route: Route,
    roles: ReadonlySet<string>,
    effects: Effects = NO_EFFECTS,
    caller: Caller = NOBODY,
  ): GraphResponse | Promise<GraphResponse> {
    if (!permits(route.endpoint.rule, roles)) throw denied();
    this.#options.directory.expire();
    const context = this.#context(request, roles, effects, caller);
    checkDelegated(context, request.method !== "GET" && route.endpoint.reads !== true);
    if (context.options.skip !== null && route.endpoint.skips !== true) {
      throw badRequest("'$skip' is not supported by the service.");
    }
    return route.endpoint.handle(context, route.parameters);
  }

  /** Version of the directory now: what lists answer changes with nothing else. */
  get version(): number {
    this.#options.directory.expire();
    return this.#options.directory.log.head;
  }

  /** A delta link from the present state, for a round that a fault ends too early; null elsewhere. */
  deltaLink(request: GraphRequest, roles: ReadonlySet<string>): string | null {
    const [set, name] = request.segments;
    if (name !== "delta") return null;
    return deltaLinkNow(
      this.#context(request, roles, NO_EFFECTS, NOBODY),
      set === "groups" ? "group" : set === "contacts" ? "orgContact" : "user",
    );
  }

  #context(request: GraphRequest, roles: ReadonlySet<string>, effects: Effects, caller: Caller): Context {
    const { directory, tenant, clock, deltaPaging } = this.#options;
    const now = clock();
    return {
      ...this.#stores,
      ...this.#identity,
      request,
      options: parseOptions(request.search),
      directory,
      view: viewOf(directory, effects, now),
      tenant,
      roles,
      caller,
      access: {
        user: effects.nullProperties ? "basic" : userAccess(roles),
        group: groupAccess(roles),
        orgContact: contactAccess(roles),
      },
      hiddenMembers: seesHiddenMembers(roles) && !effects.hiddenMembers,
      base: this.base,
      now,
      expiredBefore: effects.expiredToken ? Number.POSITIVE_INFINITY : this.expiredBefore,
      deltaPaging,
      staleCount: effects.staleCount ?? ((count) => count),
    };
  }
}

function viewOf(directory: Directory, effects: Effects, now: number): View {
  if (effects.lagMs === 0 && effects.lagVersions === 0) return directory.current;
  const { log } = directory;
  const byTime = effects.lagMs === 0 ? log.head : log.headAt(now - effects.lagMs);
  return directory.asOf(Math.max(log.floor, Math.min(byTime, log.head - effects.lagVersions)));
}

/** The refusal of a request whose token is missing or not accepted. */
export function unauthorized(message: string, base: string): GraphError {
  const challenge = `Bearer realm="", authorization_uri="${base}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`;
  return new GraphError(401, "InvalidAuthenticationToken", message, { headers: { "www-authenticate": challenge } });
}

/** The refusal of a token that a revocation overtook ("Claims challenges, claims requests and client capabilities"). */
export function insufficientClaims(claims: string, base: string): GraphError {
  const challenge = `Bearer realm="", authorization_uri="${base}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", claims="${claims}"`;
  const message =
    "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp";
  return new GraphError(401, "InvalidAuthenticationToken", message, { headers: { "www-authenticate": challenge } });
}
