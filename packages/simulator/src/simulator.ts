import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { type FaultPlan, FaultSet } from "./faults/rules.ts";
import type { DeltaPaging } from "./graph/context.ts";
import { GraphService } from "./graph/service.ts";
import { createStores } from "./graph/stores.ts";
import { type NotificationControl, notificationControl, withholdWithout } from "./notifications/control.ts";
import { EVERY_ROLE } from "./permissions.ts";
import { Admin } from "./server/admin.ts";
import { GraphFront } from "./server/graph-front.ts";
import { GraphFronts } from "./server/graph-fronts.ts";
import { pageOf, requestListener } from "./server/http.ts";
import { listen } from "./server/listen.ts";
import { RequestLog } from "./server/request-log.ts";
import type { AppRegistration, ClientSecret } from "./signin/app.ts";
import { type CloudName, graphOf } from "./signin/clouds.ts";
import type { Identity } from "./signin/identity.ts";
import { loadIdentity, saveIdentity } from "./signin/keeping.ts";
import { IdentityControl } from "./signin/levers.ts";
import { identityOf } from "./signin/realms.ts";
import { SignInService } from "./signin/service.ts";
import { TokenService } from "./signin/tokens.ts";
import { type Contacts, contactsOf } from "./state/contacts.ts";
import { uuidFrom } from "./state/identifiers.ts";
import { StateKeeper } from "./state/keeper.ts";
import type { Snapshot } from "./state/snapshot.ts";
import { tenantWriter } from "./state/writer.ts";
import { type TenancyControl, tenancyControl } from "./tenancy/control.ts";
import { DEFAULT_PAGING, firstApp, type OpenedTenant, type Tenancy } from "./tenancy.ts";
import { createChurn } from "./tenant/churn.ts";
import type { TenantFile } from "./tenant/types.ts";
import { openTenant } from "./tenant-state.ts";
import { Throttle } from "./throttle.ts";
import { makeLoopbackCertificate } from "./tls.ts";

/** How a simulated tenant is started; every option may be left out. */
export interface SimulatorOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number | undefined;
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /** HTTPS with a certificate made for loopback, or with one given as PEM. */
  readonly tls?: boolean | { readonly key: string; readonly cert: string } | undefined;
  /** Size of the generated tenant: 1,000 people and 50 groups unless given. */
  readonly people?: number | undefined;
  readonly groups?: number | undefined;
  /** At most this many direct memberships in the generated tenant. */
  readonly memberships?: number | undefined;
  /** Organizational contacts in the generated tenant; none unless given. */
  readonly contacts?: number | undefined;
  /** The same seed gives the same tenant, ids and secret. */
  readonly seed?: number | undefined;
  /** How many tenants there are: one unless given. The others are generated, of the same size, with their own people. */
  readonly tenants?: number | undefined;
  /** Milliseconds until granted and removed permissions, and federated credentials, show in tokens; 0 unless given. */
  readonly replicationMs?: number | undefined;
  /** Serves this tenant instead of a generated one. */
  readonly tenant?: TenantFile | undefined;
  /** Milliseconds that every answer waits. */
  readonly latencyMs?: number | undefined;
  /** The cloud whose Graph the tokens are for; global unless given. */
  readonly cloud?: CloudName | undefined;
  /** Whether the published limits are enforced; they are unless `off`. */
  readonly throttle?: "published" | "off" | undefined;
  readonly faults?: FaultPlan | undefined;
  /** Changes a minute that people make by themselves; none unless given. */
  readonly churnPerMinute?: number | undefined;
  /** Roles in the app's tokens; all that the simulator asks for unless given. */
  readonly roles?: readonly string[] | undefined;
  /** Client secrets in place of the seed's own. */
  readonly secrets?: readonly ClientSecret[] | undefined;
  /** Milliseconds UTC; the real clock unless given. */
  readonly clock?: (() => number) | undefined;
  /** Names this run, random unless given. Named runs repeat: same ids for the same writes in the same order. */
  readonly instance?: string | undefined;
  /** Sizes of delta pages; 200 objects and 1,000 members unless given. */
  readonly deltaPaging?: DeltaPaging | undefined;
  /**
   * Keeps the tenant, its history and so its delta tokens here across restarts. Written once a minute when something
   * changed, and by `close`; a save that fails meanwhile is told as a process warning and tried again.
   */
  readonly stateFile?: string | undefined;
}

/** A running tenant: where it is, how to sign in, and the levers that tests pull. */
export interface Simulator {
  /** Base address of sign-in: `{login}/{tenant}/oauth2/v2.0/token`. */
  readonly login: string;
  /** Base address of Graph: `{graph}/v1.0/users`. */
  readonly graph: string;
  readonly tenant: string;
  readonly client: string;
  /** The seed's client secret; a value of the simulator's own, of use nowhere else. */
  readonly secret: string;
  /** Roles that new tokens carry. */
  readonly roles: readonly string[];
  /** PEM of the certificate authority, when the certificate was made here. */
  readonly ca: string | null;
  readonly requests: RequestLog;
  readonly faults: FaultSet;
  /** Subscriptions and what was sent to them. */
  readonly notifications: NotificationControl;
  /** Organizational contacts, which Graph itself cannot write. */
  readonly contacts: Contacts;
  /** Licences and photos. */
  readonly tenancy: TenancyControl;
  /** Ids of all tenants, the first one above included. */
  readonly tenants: readonly string[];
  /** Apps, accounts, consent and policies of all tenants. */
  readonly identity: IdentityControl;
  /** Roles of tokens from now on; tokens that are out keep theirs, as in Entra. */
  setRoles(roles: readonly string[]): void;
  setSecrets(secrets: readonly ClientSecret[]): void;
  /** Moves the simulator's clock forward by milliseconds. */
  advance(ms: number): void;
  /** Makes every delta token issued so far expire. */
  expireDeltaTokens(): void;
  /** Makes this many changes as churn does, at once. */
  churn(changes: number): void;
  /** Saves the state file now, when there is one and it is not up to date. */
  save(): Promise<void>;
  /** Stops serving, then saves the state file when there is one. */
  close(): Promise<void>;
}

const DEFAULTS = { people: 1000, groups: 50, seed: 1, host: "127.0.0.1" } as const;
/** Seeds of further tenants lie this far apart, so that two simulators of near seeds share no tenant. */
const SEED_STEP = 1_000_003;

/**
 * Starts a simulated Microsoft tenant on a port of its own. Rejects with one sentence when the port is taken, or the
 * tenant or the state file is not valid.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const clock = new MovableClock(options.clock ?? Date.now);
  const { people = DEFAULTS.people, groups = DEFAULTS.groups, seed = DEFAULTS.seed } = options;
  const { tenant: file, stateFile, instance = randomUUID(), churnPerMinute = 0 } = options;
  const snapshot = await openTenant(
    {
      people,
      groups,
      seed,
      memberships: options.memberships,
      contacts: options.contacts,
      tenant: file,
      stateFile,
      instance,
    },
    clock.now,
  );
  const states = [{ ...snapshot, seed }, ...(await furtherTenants(options, { people, groups, seed }, clock.now))];
  const writer = tenantWriter(snapshot.directory);
  const churn = createChurn({ seed, perMinute: churnPerMinute === 0 ? 1 : churnPerMinute, writer });
  const parts = await makeParts(options, states, clock, (changes) => repeat(changes, churn.step));
  const made = options.tls === true ? makeLoopbackCertificate(Date.now()) : null;
  const server = await listen({
    port: options.port ?? 0,
    host: options.host ?? DEFAULTS.host,
    tls: made ?? (typeof options.tls === "object" ? options.tls : null),
    listener: (base) => listenerOf(parts, base),
  });
  const keeper = stateFile === undefined ? null : new StateKeeper(stateFile, keptOf(snapshot, parts.identity), warn);
  keeper?.start(every);
  if (churnPerMinute > 0) churn.start(every);
  const { app, requests, faults, levers } = parts;
  return {
    login: server.origin,
    graph: server.origin,
    tenant: snapshot.tenant.id,
    client: app.client,
    secret: secretOf(seed),
    get roles() {
      return app.roles;
    },
    ca: made?.ca ?? null,
    requests,
    faults,
    notifications: parts.notifications,
    contacts: contactsOf(snapshot.directory),
    tenancy: parts.tenancy,
    tenants: states.map(({ tenant }) => tenant.id),
    identity: parts.control,
    setRoles: (roles) => {
      app.roles = roles;
    },
    setSecrets: (secrets) => {
      app.secrets = secrets;
    },
    ...levers,
    save: async () => keeper?.save(),
    close: async () => {
      churn.stop();
      keeper?.stop();
      for (const { stores } of parts.tenancies) stores.notifications.notifier.close();
      await server.close();
      await keeper?.save();
    },
  };
}

/** What a state file keeps, as it is whenever it is looked at. */
function keptOf({ tenant, directory }: Snapshot, identity: Identity): Snapshot {
  return {
    tenant,
    directory,
    get identity() {
      return saveIdentity(identity);
    },
  };
}

/** What stands before the address is known. */
interface Parts {
  readonly app: AppRegistration;
  readonly identity: Identity;
  readonly control: IdentityControl;
  readonly tokens: TokenService;
  readonly tenancies: readonly Tenancy[];
  readonly faults: FaultSet;
  readonly requests: RequestLog;
  readonly notifications: NotificationControl;
  readonly tenancy: TenancyControl;
  readonly admin: Admin;
  readonly levers: Pick<Simulator, "advance" | "expireDeltaTokens" | "churn">;
  readonly latencyMs: number;
  readonly clock: () => number;
}

async function furtherTenants(
  { tenants = 1 }: SimulatorOptions,
  size: { readonly people: number; readonly groups: number; readonly seed: number },
  clock: () => number,
): Promise<readonly OpenedTenant[]> {
  if (!Number.isInteger(tenants) || tenants < 1)
    throw new Error(`There cannot be ${tenants} tenants; there must be at least one.`);
  const states: OpenedTenant[] = [];
  for (let number = 1; number < tenants; number++) {
    const source = { ...size, seed: size.seed + number * SEED_STEP, series: number, instance: randomUUID() };
    states.push({ ...(await openTenant(source, clock)), seed: source.seed });
  }
  return states;
}

async function makeParts(
  options: SimulatorOptions,
  states: readonly OpenedTenant[],
  clock: MovableClock,
  churn: (changes: number) => void,
): Promise<Parts> {
  const { seed = DEFAULTS.seed, roles, secrets } = options;
  const identity = identityOf(states, clock.now);
  identity.graph = graphOf(options.cloud ?? "global");
  const saved = states[0]?.identity;
  if (saved !== undefined) loadIdentity(identity, saved);
  const defaults = { roles: EVERY_ROLE, secrets: [{ value: secretOf(seed) }] };
  const app = firstApp(identity, { seed, roles, secrets, defaults });
  identity.applications.delayMs = options.replicationMs ?? 0;
  const faults = new FaultSet(options.faults);
  const requests = new RequestLog();
  const tenancies = states.map((state) => tenancyOf(options, { identity, state, faults, app }, clock.now));
  const [first] = tenancies;
  if (first === undefined) throw new Error("There must be a tenant.");
  const { subscriptions, notifier } = first.stores.notifications;
  const tenancy = tenancyControl(first.stores);
  const notifications = notificationControl(subscriptions, notifier);
  identity.applications.onChange = () => withholdWithout(app.roles, subscriptions, notifier);
  const levers = {
    advance: (ms: number): void => {
      clock.advance(ms);
      for (const { stores } of tenancies) stores.notifications.notifier.tick();
    },
    expireDeltaTokens: (): void => {
      for (const { service } of tenancies) service.expiredBefore = clock.now() + 1;
    },
    churn,
  };
  const { directory, tenant } = first;
  const status = (): Readonly<Record<string, unknown>> => ({
    tenant: tenant.id,
    people: directory.count("user"),
    groups: directory.count("group"),
    version: directory.log.head,
  });
  const control = new IdentityControl(identity, app.client);
  return {
    app,
    identity,
    control,
    tokens: await TokenService.create(clock.now, identity.graph),
    tenancies,
    faults,
    requests,
    notifications,
    tenancy,
    admin: new Admin({
      ...levers,
      contacts: contactsOf(directory),
      tenancy,
      notifications,
      faults,
      requests,
      app,
      control,
      now: clock.now,
      status,
    }),
    levers,
    latencyMs: options.latencyMs ?? 0,
    clock: clock.now,
  };
}

function tenancyOf(
  options: SimulatorOptions,
  of: {
    readonly identity: Identity;
    readonly state: OpenedTenant;
    readonly faults: FaultSet;
    readonly app: AppRegistration;
  },
  clock: () => number,
): Tenancy {
  const { identity, state, faults, app } = of;
  const { directory, tenant } = state;
  const stores = createStores({ directory, tenant, clock, faults });
  const deltaPaging = options.deltaPaging ?? DEFAULT_PAGING;
  return {
    ...state,
    stores,
    service: new GraphService({ directory, tenant, clock, deltaPaging, stores, identity }),
    throttle: new Throttle({
      people: directory.count("user"),
      enforced: options.throttle !== "off",
      clock,
      identity: { client: app.client, tenant: tenant.id },
    }),
  };
}

function listenerOf(parts: Parts, base: string): RequestListener {
  const { identity, tokens, tenancies, faults, requests, clock } = parts;
  const fronts = tenancies.map(({ tenant, service, throttle }) => {
    service.base = `${base}/v1.0`;
    const front = new GraphFront({
      service,
      tokens,
      throttle,
      base,
      issuer: `${base}/${tenant.id}/`,
      clock,
      challenge: (claims) => identity.challengeFor(claims),
      faults: ({ method, path, search }) => faults.take({ method, path: `/v1.0${path}`, page: pageOf(search) }),
      requests,
    });
    return [tenant.id, front] as const;
  });
  const signIn = new SignInService({ base, identity, tokens, clock });
  return requestListener({ ...parts, graph: new GraphFronts(fronts), signIn });
}

/** The real clock, or the one given, with the hours that tests let pass. */
class MovableClock {
  #offset = 0;
  readonly #source: () => number;

  constructor(source: () => number) {
    this.#source = source;
  }

  readonly now = (): number => this.#source() + this.#offset;

  readonly advance = (ms: number): void => {
    this.#offset += ms;
  };
}

function secretOf(seed: number): string {
  return `simulator-only-${uuidFrom("secret", seed).slice(0, 18)}`;
}

function every(milliseconds: number, tick: () => void): () => void {
  const timer = setInterval(tick, milliseconds).unref();
  return () => clearInterval(timer);
}

function warn(message: string): void {
  process.emitWarning(message);
}

function repeat(times: number, act: () => unknown): void {
  for (let i = 0; i < times; i++) act();
}
