import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type FaultPlan, FaultSet } from "./faults/rules.ts";
import type { DeltaPaging } from "./graph/context.ts";
import { GraphService } from "./graph/service.ts";
import { EVERY_ROLE } from "./permissions.ts";
import { Admin } from "./server/admin.ts";
import { GraphFront } from "./server/graph-front.ts";
import { pageOf, requestListener } from "./server/http.ts";
import { RequestLog } from "./server/request-log.ts";
import { AppRegistration, type ClientSecret } from "./signin/app.ts";
import { SignInService } from "./signin/service.ts";
import { TokenService } from "./signin/tokens.ts";
import { Directory } from "./state/directory.ts";
import { uuidFrom } from "./state/identifiers.ts";
import { loadTenant } from "./state/load.ts";
import { generateTenant } from "./tenant/generate.ts";
import type { TenantFile } from "./tenant/types.ts";
import { tenantProfile } from "./tenant-profile.ts";
import { Throttle } from "./throttle.ts";

/** How a simulated tenant is started; every option may be left out. */
export interface SimulatorOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  readonly people?: number;
  readonly groups?: number;
  /** The same seed gives the same tenant, ids and secret. */
  readonly seed?: number;
  /** Loads this tenant instead of generating one. */
  readonly tenant?: TenantFile;
  /** Milliseconds that every answer waits. */
  readonly latencyMs?: number;
  /** Whether the published limits are enforced; they are unless `off`. */
  readonly throttle?: "published" | "off";
  readonly faults?: FaultPlan;
  /** Roles in the app's tokens; everything that the simulator knows unless given. */
  readonly roles?: readonly string[];
  /** Client secrets in place of the seed's own. */
  readonly secrets?: readonly ClientSecret[];
  /** Milliseconds UTC; the real clock unless given. */
  readonly clock?: () => number;
  /** Sizes of delta pages; 200 objects and 1,000 members unless given. */
  readonly deltaPaging?: DeltaPaging;
}

/** A running tenant: where it is, how to sign in, and the levers that tests pull. */
export interface Simulator {
  /** Base address of sign-in: `{login}/{tenant}/oauth2/v2.0/token`. */
  readonly login: string;
  /** Base address of Graph: `{graph}/v1.0/users`. */
  readonly graph: string;
  readonly tenant: string;
  readonly client: string;
  readonly secret: string;
  /** Roles that new tokens carry. */
  readonly roles: readonly string[];
  readonly requests: RequestLog;
  readonly faults: FaultSet;
  /** Roles of tokens from now on; tokens that are out keep theirs, as in Entra. */
  setRoles(roles: readonly string[]): void;
  setSecrets(secrets: readonly ClientSecret[]): void;
  /** Moves the simulator's clock forward by milliseconds. */
  advance(ms: number): void;
  /** Makes every delta token issued so far expire. */
  expireDeltaTokens(): void;
  close(): Promise<void>;
}

const DEFAULT_PAGING: DeltaPaging = { objects: 200, members: 1000 };

/** Starts a simulated Microsoft tenant on a port of its own. Rejects when the port is taken or the tenant is not valid. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const seed = options.seed ?? 1;
  let offset = 0;
  const realClock = options.clock ?? Date.now;
  const clock = (): number => realClock() + offset;
  const file = options.tenant ?? generateTenant({ people: options.people ?? 1000, groups: options.groups ?? 50, seed });
  const tenant = tenantProfile(file, seed);
  const directory = new Directory({ instance: randomUUID(), ids: `objects ${seed}`, clock });
  loadTenant(directory, file, { ids: `loaded ${seed}`, defaultDomain: tenant.defaultDomain, now: clock() });
  const secret = `simulator-only-${uuidFrom("secret", seed).slice(0, 18)}`;
  const app = new AppRegistration({
    client: uuidFrom("client", seed),
    principal: uuidFrom("service principal", seed),
    displayName: "Simulated connector",
    roles: options.roles ?? EVERY_ROLE,
    secrets: options.secrets ?? [{ value: secret }],
  });
  const tokens = await TokenService.create(clock);
  const faults = new FaultSet(options.faults);
  const requests = new RequestLog();
  let origin = "";
  const base = (): string => origin;
  const service = new GraphService({
    directory,
    tenant,
    base: () => `${origin}/v1.0`,
    clock,
    deltaPaging: options.deltaPaging ?? DEFAULT_PAGING,
  });
  const throttle = new Throttle({
    people: directory.count("user"),
    enforced: options.throttle !== "off",
    clock,
    identity: { client: app.client, tenant: tenant.id },
  });
  const graph = new GraphFront({
    service,
    tokens,
    throttle,
    base,
    issuer: () => `${origin}/${tenant.id}/`,
    clock,
    faults: ({ method, path, search }) => faults.take({ method, path: `/v1.0${path}`, page: pageOf(search) }),
  });
  const advance = (ms: number): void => {
    offset += ms;
  };
  const expireDeltaTokens = (): void => {
    service.expiredBefore = clock() + 1;
  };
  const listener = requestListener({
    graph,
    signIn: new SignInService({ base, tenant, app, tokens, clock }),
    admin: new Admin({
      faults,
      requests,
      app,
      now: clock,
      advance,
      expireDeltaTokens,
      status: () => ({
        tenant: tenant.id,
        people: directory.count("user"),
        groups: directory.count("group"),
        version: directory.log.head,
      }),
    }),
    faults,
    requests,
    latencyMs: options.latencyMs ?? 0,
    clock,
  });
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  const port = await listen(server, options.port ?? 0, options.host ?? "127.0.0.1");
  origin = `http://${options.host ?? "127.0.0.1"}:${port}`;
  return {
    login: origin,
    graph: origin,
    tenant: tenant.id,
    client: app.client,
    secret,
    get roles() {
      return app.roles;
    },
    requests,
    faults,
    setRoles: (roles) => {
      app.roles = roles;
    },
    setSecrets: (secrets) => {
      app.secrets = secrets;
    },
    advance,
    expireDeltaTokens,
    close: () => close(server),
  };
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
