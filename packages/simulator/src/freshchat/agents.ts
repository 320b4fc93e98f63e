import type { Account } from "./account.ts";
import { AGENT_FIELDS, type AgentFields, blankFields, readFields } from "./fields.ts";
import type { FreshchatAgent } from "./model.ts";
import { Refusal } from "./refusal.ts";

type Body = Readonly<Record<string, unknown>>;

/** POST /agents. Throws a Refusal: 400 for what cannot be, or the seat refusal. */
export function createAgent(account: Account, body: Body): FreshchatAgent {
  const fields = { ...blankFields(AGENT_FIELDS), locale: "en", ...readFields(AGENT_FIELDS, body) };
  checkAgent(account, fields, null);
  const agent = newAgent(account, fields);
  account.agents.add(agent, account.now());
  return agent;
}

/** PUT /agents/{id}. Throws a Refusal: 404, 400, or the seat refusal when a deactivated agent comes back. */
export function updateAgent(account: Account, id: string, body: Body): FreshchatAgent {
  const agent = account.agents.present(id);
  if (agent === undefined) throw noAgent();
  const given = readFields(AGENT_FIELDS, body);
  const changes = account.switches.put === "replace" ? { ...blankFields(AGENT_FIELDS), ...given } : given;
  const updated = { ...agent, ...changes };
  checkAgent(account, updated, agent);
  const named = { ...updated, role_name: roleName(account, updated.role_id) };
  account.agents.replace(named);
  return named;
}

/** DELETE /agents/{id}: accepted, and done by the clock. Throws a Refusal (404) for a second deletion too. */
export function deleteAgent(account: Account, id: string): void {
  if (account.agents.alive(id) === undefined) throw noAgent();
  account.agents.remove(id, account.goneAt());
}

/** GET /agents/{id}. Throws a Refusal (404). */
export function readAgent(account: Account, id: string): FreshchatAgent {
  const agent = account.agents.get(id);
  if (agent === undefined) throw noAgent();
  return shownAgent(account, agent);
}

/** GET /agents with its filters `group`, `is_deactivated` and `availability_status`; others are passed over. */
export function listAgents(account: Account, query: URLSearchParams): readonly FreshchatAgent[] {
  const [group, deactivated, availability] = ["group", "is_deactivated", "availability_status"].map((name) =>
    query.get(name),
  );
  if (deactivated !== null && deactivated !== "true" && deactivated !== "false") {
    throw new Refusal(400, "is_deactivated must be true or false");
  }
  return account.agents
    .list()
    .map((agent) => shownAgent(account, agent))
    .filter(
      (agent) =>
        (group === null || agent.groups.includes(String(group))) &&
        (deactivated === null || String(agent.is_deactivated) === deactivated) &&
        (availability === null || agent.availability_status === availability),
    );
}

/** A new agent with what the account itself sets. */
export function newAgent(account: Account, fields: AgentFields): FreshchatAgent {
  return {
    id: account.newId(),
    ...fields,
    role_name: roleName(account, fields.role_id),
    agent_status: { id: "active", name: "Active" },
    availability_status: "UNAVAILABLE",
    login_status: false,
    is_deleted: false,
    freshchat_access: true,
    round_robin_access: true,
    freshid_uuid: account.newId(),
    created_time: account.timestamp(),
  };
}

/** Name of a role; empty for one that was taken away. */
export function roleName(account: Account, id: string): string {
  return account.roles.get(id)?.name ?? "";
}

/** A group that was taken away leaves its agents. */
function shownAgent(account: Account, agent: FreshchatAgent): FreshchatAgent {
  if (agent.groups.every((id) => account.groups.has(id))) return agent;
  return { ...agent, groups: agent.groups.filter((id) => account.groups.has(id)) };
}

function checkAgent(account: Account, fields: AgentFields, before: FreshchatAgent | null): void {
  if (fields.email === "") throw new Refusal(400, "email is required");
  if (!account.roles.has(fields.role_id)) throw new Refusal(400, `role_id ${fields.role_id} is unknown`);
  const unknown = fields.groups.find((id) => !account.groups.has(id) && before?.groups.includes(id) !== true);
  if (unknown !== undefined) throw new Refusal(400, `group ${unknown} is unknown`);
  const twins = account.agents.taken("email", fields.email.toLowerCase()).filter(({ id }) => id !== before?.id);
  if (twins.length > 0 && account.switches.duplicates === "refused") {
    throw new Refusal(400, "an agent with this email exists");
  }
  if (takesSeat(fields) && !(before !== null && takesSeat(before)) && seatsTaken(account) >= account.seats) {
    throw new Refusal(account.switches.seatRefusal, "the account has no agent seat left");
  }
}

/** Seats are freed when an agent is deactivated, and when a deletion comes through. */
function seatsTaken(account: Account): number {
  return account.agents.presentAll().filter(takesSeat).length;
}

function takesSeat({ license_type, is_deactivated }: AgentFields): boolean {
  return license_type === "fulltime" && !is_deactivated;
}

function noAgent(): Refusal {
  return new Refusal(404, "agent not found", "AGENT_NOT_FOUND");
}
