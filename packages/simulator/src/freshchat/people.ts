import { createNameBook } from "../tenant/names.ts";
import { createRandom } from "../tenant/random.ts";
import type { FreshchatKinds } from "./steps.ts";

/** How many people an account begins with. */
export interface PeopleOptions {
  readonly seed: number;
  readonly agents: number;
  readonly contacts: number;
  /** Milliseconds UTC; they were created before that, a minute apart. */
  readonly now: number;
}

const ORIGINS = ["de", "fr", "es", "it", "nl", "pl", "sv"] as const;
const MINUTE = 60_000;
const STREAM = 0xf4e5;

/** Fills an account with agents, the first an account admin, and with users; the same people for the same seed. */
export function addPeople(kinds: FreshchatKinds, { seed, agents, contacts, now }: PeopleOptions): void {
  const random = createRandom(seed, STREAM);
  const names = createNameBook();
  const groups = kinds.groups.list().map(({ id }) => id);
  const person = (number: number, count: number): Person => {
    const name = names.draw(random, random.pick(ORIGINS));
    return {
      first_name: name.givenName,
      last_name: name.surname,
      email: `${name.address.given}.${name.address.surname}${number}@example.com`.replaceAll(/[^a-z0-9@.-]/g, ""),
      created_time: new Date(now - (count - number) * MINUTE).toISOString(),
    };
  };
  for (let number = 0; number < agents; number++) {
    const fields = person(number, agents);
    const role_id = number === 0 ? "ACCOUNT_ADMIN" : "AGENT";
    const joined = groups.length === 0 ? [] : [random.pick(groups)];
    kinds.agents.create({ ...fields, role_id, groups: joined, locale: "en", login_status: true });
  }
  for (let number = 0; number < contacts; number++) {
    const fields = person(number, contacts);
    const phone = `+49301${String(1_000_000 + number)}`;
    kinds.users.create({ ...fields, updated_time: fields.created_time, phone });
  }
}

interface Person {
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string;
  readonly created_time: string;
}
