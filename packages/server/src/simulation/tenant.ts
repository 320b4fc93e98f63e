import { type Simulator, startSimulator } from "@entrain/simulator";
import { group, longThere, person, reference } from "../runs/testing/tenant.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedTime } from "./clock.ts";

/** A person as the tenant has them; what a schedule did to them is known here without asking. */
export interface Person {
  readonly id: string;
  displayName: string;
  userPrincipalName: string;
  jobTitle: string | null;
  department: string;
  enabled: boolean;
  state: "present" | "soft" | "hard";
  manager: string | null;
}

/** A group, with the object ids of its members. */
export interface Team {
  readonly id: string;
  displayName: string;
  state: "present" | "gone";
  readonly members: Set<string>;
}

const DEPARTMENTS = ["Sales", "Sales", "Sales", "Legal"] as const;
const ROLES = [
  "User.ReadWrite.All",
  "User.DeleteRestore.All",
  "Group.ReadWrite.All",
  "GroupMember.ReadWrite.All",
  "Member.Read.Hidden",
] as const;
/** A token is kept for less than it lives. */
const TOKEN_MS = 1_800_000;

/** The group that scopes by membership name. */
export const STAFF = "Staff";

/** A small simulated tenant, and the administrator who changes it through Graph. */
export class Tenant {
  readonly people: Map<string, Person> = new Map();
  readonly teams: Map<string, Team> = new Map();
  /** Every access token that was issued to the administrator. */
  readonly tokens: string[] = [];
  readonly simulator: Simulator;
  readonly #time: SimulatedTime;
  #token = { text: "", until: 0 };
  #made = 0;

  private constructor(simulator: Simulator, time: SimulatedTime) {
    this.simulator = simulator;
    this.#time = time;
  }

  static async open(time: SimulatedTime, chance: Chance): Promise<Tenant> {
    const users = Array.from({ length: 5 + chance.below(8) }, (_, at) =>
      person(`Person ${at + 1}`, { jobTitle: `Job ${at}`, department: chance.some(DEPARTMENTS) }),
    );
    const groups = [group(STAFF), ...Array.from({ length: 1 + chance.below(3) }, (_, at) => group(`Team ${at + 1}`))];
    const memberships: Record<string, string[]> = {};
    for (const [at, { id }] of groups.entries())
      memberships[id] = users.filter(() => at === 0 || chance.once(2)).map((user) => user.id);
    const managers: Record<string, string> = {};
    for (const [at, { id }] of users.entries()) {
      const boss = users[chance.below(at + 1)];
      if (boss !== undefined && boss.id !== id && chance.once(2)) managers[id] = boss.id;
    }
    const simulator = await startSimulator({
      tenant: longThere({ users, groups, memberships, managers }),
      seed: 1 + chance.below(1000),
      instance: "simulation",
      throttle: "off",
      clock: time.world,
      roles: ROLES,
    });
    const tenant = new Tenant(simulator, time);
    for (const user of users) {
      const { id, displayName, userPrincipalName = "", department } = user;
      const jobTitle = typeof user.jobTitle === "string" ? user.jobTitle : null;
      const manager = managers[id] ?? null;
      const own = { enabled: true, state: "present", manager, department: String(department) } as const;
      tenant.people.set(id, { id, displayName, userPrincipalName: String(userPrincipalName), jobTitle, ...own });
    }
    for (const { id, displayName } of groups)
      tenant.teams.set(id, { id, displayName, state: "present", members: new Set(memberships[id]) });
    return tenant;
  }

  /** Nothing is wrong at Microsoft any more. */
  heal(): void {
    this.simulator.faults.clear();
    this.simulator.setRoles([...ROLES]);
  }

  /** A name that nobody ever had. */
  made(what: string): string {
    this.#made += 1;
    return `${what} ${this.#made}`;
  }

  present(): readonly Person[] {
    return [...this.people.values()].filter(({ state }) => state === "present");
  }

  presentTeams(): readonly Team[] {
    return [...this.teams.values()].filter(({ state }) => state === "present");
  }

  /** Sends a request as the administrator. @throws when Graph refuses it */
  async send(method: string, path: string, body?: unknown): Promise<unknown> {
    if (this.#token.until <= this.#time.world()) await this.#signIn();
    const response = await fetch(`${this.simulator.graph}/v1.0${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token.text}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  async setMember(team: Team, member: string, isIn: boolean): Promise<void> {
    if (isIn) await this.send("POST", `/groups/${team.id}/members/$ref`, reference(member));
    else await this.send("DELETE", `/groups/${team.id}/members/${member}/$ref`);
    if (isIn) team.members.add(member);
    else team.members.delete(member);
  }

  async #signIn(): Promise<void> {
    const { login, tenant, client, secret } = this.simulator;
    const response = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: client,
        client_secret: secret,
        scope: "https://graph.microsoft.com/.default",
      }),
    });
    const { access_token: text } = (await response.json()) as { readonly access_token: string };
    this.tokens.push(text);
    this.#token = { text, until: this.#time.world() + TOKEN_MS };
  }
}
