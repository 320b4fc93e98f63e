import { newUser, reference } from "../runs/testing/tenant.ts";
import type { Chance } from "./chance.ts";
import type { Person, Tenant } from "./tenant.ts";

/** One change at the source: makes it in Graph and in what is known of the tenant; answers what happened, `null` if nothing could. */
type Move = (tenant: Tenant, chance: Chance) => Promise<string | null>;

/** A tenant without anybody is taken for a failed read, so that somebody always stays. */
const FEWEST = 2;

const nameOf = (one: { readonly displayName: string }): string => one.displayName;

async function patch(tenant: Tenant, one: Person, body: object): Promise<void> {
  await tenant.send("PATCH", `/users/${one.id}`, body);
}

async function join(tenant: Tenant, chance: Chance, userPrincipalName?: string): Promise<string> {
  const displayName = tenant.made("Joiner");
  const department = chance.once(4) ? "Legal" : "Sales";
  const more = { department, jobTitle: "New", ...(userPrincipalName === undefined ? {} : { userPrincipalName }) };
  const answer = await tenant.send("POST", "/users", newUser(displayName, more));
  const { id, userPrincipalName: login } = answer as { readonly id: string; readonly userPrincipalName: string };
  const own = { enabled: true, state: "present", manager: null, jobTitle: "New", department } as const;
  tenant.people.set(id, { id, displayName, userPrincipalName: login, ...own });
  const staff = tenant.presentTeams()[0];
  if (staff !== undefined && !chance.once(4)) await tenant.setMember(staff, id, true);
  return `${displayName} joins as ${login}`;
}

async function leave(tenant: Tenant, one: Person): Promise<void> {
  await tenant.send("DELETE", `/users/${one.id}`);
  one.state = "soft";
}

const MOVES: readonly (readonly [weight: number, Move])[] = [
  [3, (tenant, chance) => join(tenant, chance)],
  [
    3,
    async (tenant, chance) => {
      const one = chance.any(tenant.present());
      if (one === undefined || tenant.present().length <= FEWEST) return null;
      await leave(tenant, one);
      return `${nameOf(one)} is deleted`;
    },
  ],
  [
    1,
    async (tenant, chance) => {
      const one = chance.any([...tenant.people.values()].filter(({ state }) => state === "soft"));
      if (one === undefined) return null;
      await tenant.send("DELETE", `/directory/deletedItems/${one.id}`);
      one.state = "hard";
      return `${nameOf(one)} is deleted for good`;
    },
  ],
  [
    2,
    async (tenant, chance) => {
      const one = chance.any([...tenant.people.values()].filter(({ state }) => state === "soft"));
      if (one === undefined) return null;
      await tenant.send("POST", `/directory/deletedItems/${one.id}/restore`);
      one.state = "present";
      return `${nameOf(one)} is restored`;
    },
  ],
  [
    3,
    async (tenant, chance) => {
      const one = chance.any(tenant.present());
      if (one === undefined) return null;
      await patch(tenant, one, { accountEnabled: !one.enabled });
      one.enabled = !one.enabled;
      return `${nameOf(one)} is ${one.enabled ? "enabled" : "disabled"}`;
    },
  ],
  [
    2,
    async (tenant, chance) => {
      const one = chance.any(tenant.present());
      if (one === undefined) return null;
      const displayName = tenant.made("Renamed");
      const userPrincipalName = `${displayName.toLowerCase().replace(" ", ".")}@contoso.com`;
      await patch(tenant, one, { displayName, userPrincipalName });
      const before = nameOf(one);
      Object.assign(one, { displayName, userPrincipalName });
      return `${before} is now ${displayName}`;
    },
  ],
  [
    1,
    async (tenant, chance) => {
      const one = chance.any(tenant.present());
      if (one === undefined) return null;
      const login = one.userPrincipalName;
      const userPrincipalName = `old.${tenant.made("name").replace(" ", ".")}@contoso.com`;
      await patch(tenant, one, { userPrincipalName });
      one.userPrincipalName = userPrincipalName;
      return `${nameOf(one)} gives up ${login}; ${await join(tenant, chance, login)}`;
    },
  ],
  [
    4,
    async (tenant, chance) => {
      const one = chance.any(tenant.present());
      if (one === undefined) return null;
      const jobTitle = chance.once(4) ? null : tenant.made("Job");
      await patch(tenant, one, { jobTitle });
      one.jobTitle = jobTitle;
      return `${nameOf(one)} becomes ${jobTitle ?? "nothing"}`;
    },
  ],
  [
    2,
    async (tenant, chance) => {
      const one = chance.any(tenant.present());
      if (one === undefined) return null;
      const department = one.department === "Sales" ? "Legal" : "Sales";
      await patch(tenant, one, { department });
      one.department = department;
      return `${nameOf(one)} moves to ${department}`;
    },
  ],
  [
    2,
    async (tenant, chance) => {
      const [one, boss] = [chance.any(tenant.present()), chance.any(tenant.present())];
      if (one === undefined || boss === undefined || one === boss) return null;
      if (chance.once(3) && one.manager !== null) {
        // With a manager who was deleted the reference went, for good.
        await tenant.send("DELETE", `/users/${one.id}/manager/$ref`).catch(() => null);
        one.manager = null;
        return `${nameOf(one)} has no manager`;
      }
      await tenant.send("PUT", `/users/${one.id}/manager/$ref`, reference(boss.id));
      one.manager = boss.id;
      return `${nameOf(one)} reports to ${nameOf(boss)}`;
    },
  ],
  [
    5,
    async (tenant, chance) => {
      const team = chance.any(tenant.presentTeams());
      const one = chance.any(tenant.present());
      if (team === undefined || one === undefined) return null;
      const isIn = !team.members.has(one.id);
      await tenant.setMember(team, one.id, isIn);
      return `${nameOf(one)} ${isIn ? "joins" : "leaves"} ${nameOf(team)}`;
    },
  ],
  [
    1,
    async (tenant, chance) => {
      const team = chance.any(tenant.presentTeams().slice(1));
      if (team === undefined) return null;
      const displayName = tenant.made("Team renamed");
      await tenant.send("PATCH", `/groups/${team.id}`, { displayName });
      const before = nameOf(team);
      team.displayName = displayName;
      return `${before} is now ${displayName}`;
    },
  ],
  [
    1,
    async (tenant, chance) => {
      const team = chance.any(tenant.presentTeams().slice(1));
      if (team === undefined || !chance.once(2)) return null;
      await tenant.send("DELETE", `/groups/${team.id}`);
      team.state = "gone";
      return `${nameOf(team)} is deleted`;
    },
  ],
  [
    1,
    async (tenant, chance) => {
      const leavers = tenant
        .present()
        .slice(FEWEST)
        .filter(() => chance.once(2));
      for (const one of leavers) await leave(tenant, one);
      return leavers.length === 0 ? null : `${leavers.map(nameOf).join(", ")} are deleted`;
    },
  ],
];

const ALL = MOVES.flatMap(([weight, move]) => Array.from({ length: weight }, () => move));

/** Some changes at the source. `told` hears of each, when it has happened. */
export async function live(tenant: Tenant, chance: Chance, told: (line: string) => void): Promise<void> {
  for (let left = 1 + chance.below(4); left > 0; left -= 1) {
    const line = await chance.some(ALL)(tenant, chance);
    if (line !== null) told(line);
  }
}
