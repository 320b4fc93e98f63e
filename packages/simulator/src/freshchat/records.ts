import type { Account } from "./account.ts";
import { newAgent, roleName } from "./agents.ts";
import { AGENT_FIELDS, blankFields, USER_FIELDS } from "./fields.ts";
import type { FreshchatAgent, FreshchatGroup, FreshchatRecords, FreshchatRole, FreshchatUser } from "./model.ts";
import type { Shelf } from "./shelf.ts";
import type { FreshchatKinds } from "./steps.ts";
import { newUser } from "./users.ts";

/** What another administrator, and a test, sees and does. */
export function recordsOf(account: Account): FreshchatKinds {
  return {
    agents: agentRecords(account),
    users: userRecords(account),
    groups: tableRecords<FreshchatGroup>(account.groups, (fields) => ({
      id: account.newId(),
      name: "Group",
      description: "",
      routing_type: "BROADCAST",
      ...fields,
    })),
    roles: tableRecords<FreshchatRole>(account.roles, (fields) => ({
      id: account.newId(),
      name: "Role",
      description: "",
      is_custom_role: true,
      ...fields,
    })),
  };
}

function agentRecords(account: Account): FreshchatRecords<FreshchatAgent> {
  const named = (agent: FreshchatAgent): FreshchatAgent => ({ ...agent, role_name: roleName(account, agent.role_id) });
  return {
    ...readingOf(account.agents),
    create: (fields) => {
      const made = newAgent(account, blankFields(AGENT_FIELDS));
      const agent = named({ ...made, email: `${made.id}@example.com`, ...fields });
      account.agents.add(agent, account.now());
      return agent;
    },
    update: (id, fields) => {
      const agent = named({ ...there(account.agents.present(id), id), ...fields, id });
      account.agents.replace(agent);
      return agent;
    },
  };
}

function userRecords(account: Account): FreshchatRecords<FreshchatUser> {
  return {
    ...readingOf(account.users),
    create: (fields) => {
      const user = { ...newUser(account, blankFields(USER_FIELDS)), ...fields };
      account.users.add(user, Date.parse(user.created_time) + account.switches.indexDelayMs);
      return user;
    },
    update: (id, fields) => {
      const before = there(account.users.present(id), id);
      const user = { ...before, updated_time: account.timestamp(), ...fields, id };
      account.users.replace(user);
      return user;
    },
  };
}

function readingOf<T extends { readonly id: string }>(
  shelf: Shelf<T>,
): Pick<FreshchatRecords<T>, "list" | "get" | "remove"> {
  return {
    list: () => shelf.list(),
    get: (id) => shelf.get(id),
    remove: (id) => {
      there(shelf.get(id), id);
      shelf.drop(id);
    },
  };
}

function tableRecords<T extends { readonly id: string }>(
  table: Map<string, T>,
  make: (fields: Partial<T>) => T,
): FreshchatRecords<T> {
  const put = (record: T): T => {
    table.set(record.id, record);
    return record;
  };
  return {
    list: () => [...table.values()],
    get: (id) => table.get(id),
    create: (fields) => put(make(fields)),
    update: (id, fields) => put({ ...there(table.get(id), id), ...fields, id }),
    remove: (id) => {
      there(table.get(id), id);
      table.delete(id);
    },
  };
}

function there<T>(record: T | undefined, id: string): T {
  if (record === undefined) throw new RangeError(`There is no record ${id} in this account.`);
  return record;
}
