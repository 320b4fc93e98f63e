import { isEmpty, type Scope, type SyncDefinition } from "@entrain/core";
import { type Person, STAFF, type Tenant } from "./tenant.ts";

/** Who is in scope, told without the engine: the few scopes that the schedules use. */
export function isIn(tenant: Tenant, one: Person, { groups, filters }: Scope): boolean {
  const wanted = filters?.[0]?.[0]?.value;
  if (wanted !== undefined && one.department !== wanted) return false;
  if (groups === undefined) return true;
  const staff = [...tenant.teams.values()].find(
    ({ displayName, state }) => displayName === STAFF && state === "present",
  );
  return staff?.members.has(one.id) ?? false;
}

/**
 * What was true of the tenant at some time of a schedule. A removal that was never true comes from a read that was not
 * whole; what was true once may be found out late.
 */
export class Chronicle {
  readonly #gone = new Set<string>();
  readonly #absent = new Set<string>();
  readonly #empty = new Set<string>();
  readonly #known = new Set<string>();
  readonly #managers = new Map<string, Set<string>>();

  /** Writes down how things stand, after each single change. */
  note(tenant: Tenant, people: SyncDefinition): void {
    for (const one of tenant.people.values()) {
      this.#known.add(one.id);
      const isGone = one.state !== "present" || !one.enabled || !isIn(tenant, one, people.scope);
      if (isGone) this.#gone.add(one.id);
      if (isEmpty(one.jobTitle)) this.#empty.add(`${one.id} title`);
      if (one.manager !== null) this.managersOf(one.id).add(one.manager);
      const boss = one.manager === null ? undefined : tenant.people.get(one.manager);
      if (boss?.state !== "present") this.#empty.add(`${one.id} manager`);
    }
    for (const team of tenant.teams.values()) {
      if (team.state === "gone") this.#gone.add(team.id);
      for (const id of tenant.people.keys()) {
        if (!team.members.has(id)) this.#absent.add(`${team.id} ${id}`);
      }
    }
  }

  /** A person who was ever deleted, disabled or out of scope; a group that was ever deleted. */
  wasGone(id: string): boolean {
    return this.#gone.has(id);
  }

  wasAbsent(team: string, member: string): boolean {
    return this.#absent.has(`${team} ${member}`) || this.#gone.has(member) || this.#gone.has(team);
  }

  /** Everybody whom a person ever reported to. */
  managersOf(id: string): Set<string> {
    const managers = this.#managers.get(id) ?? new Set();
    this.#managers.set(id, managers);
    return managers;
  }

  /** Whether a key is a person's object id. */
  knows(key: string): boolean {
    return this.#known.has(key);
  }

  wasEmpty(id: string, value: "title" | "manager"): boolean {
    return this.#empty.has(`${id} ${value}`);
  }
}
