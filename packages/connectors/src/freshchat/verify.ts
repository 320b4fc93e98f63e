import { type Check, ConnectorError } from "@entrain/core";
import { type FreshchatReply, PAGE_FIX } from "./api.ts";
import { isJson, textIn } from "./json.ts";
import { type Asking, type List, readPage } from "./page.ts";
import { type Reader, wholeList } from "./reader.ts";

/** Where a token is found differs with the product that Freshchat belongs to. */
const TOKEN_FIX =
  "Make a token as an account administrator (Admin > Configure > API Tokens; in the Freshsales Suite: Settings > Admin Settings > Website Tracking and APIs), and put it where the target's credential is read from. It expires: renew it there.";

/** Named checks that only read: the API answers and takes the token, and all is readable that a sync reads. */
export async function verifyFreshchat(
  agents: Reader,
  contacts: Reader,
  random: () => number,
): Promise<readonly Check[]> {
  const { client, signal } = agents;
  signal.throwIfAborted();
  // A page in place of an answer will be there the next time, too: it is not asked for again.
  const reply = await client.send({ method: "GET", path: "/accounts/configuration", repeatable: false }, signal);
  const checks = [accountCheck(reply)];
  if (checks[0]?.ok === true) {
    const rights = "Make the token as an account administrator: it then reads and writes everything.";
    checks.push(await readingCheck(agents, { what: "agents", list: wholeList(agents.kind), fix: rights }));
    checks.push(await readingCheck(contacts, { what: "contacts", list: wholeList(contacts.kind), fix: rights }));
    checks.push(await filterCheck(contacts, random));
    for (const [what, single] of [
      ["groups", "group"],
      ["roles", "role"],
    ] as const) {
      const list: List = { path: `/${what}`, filter: {}, names: [what, single] };
      const fix = `${rights} Without them no mapping can write an agent's ${single}.`;
      checks.push(await readingCheck(agents, { what, list, fix }));
    }
  }
  signal.throwIfAborted();
  return checks;
}

/** Some accounts give their configuration under a name of its own. */
function accountCheck(reply: FreshchatReply): Check {
  const name = "Address and token";
  if (reply.kind === "answer") {
    const body = isJson(reply.body) ? reply.body : {};
    const account = isJson(body.configuration) ? body.configuration : body;
    const [domain, id] = [textIn(account.account_domain), textIn(account.account_id)];
    if (domain !== null || id !== null || textIn(account.app_id) !== null) {
      return passed(name, `Freshchat takes the token, for the account ${domain ?? id ?? textIn(account.app_id)}.`);
    }
    return failed(name, "The address answers, but not with a Freshchat account.", PAGE_FIX);
  }
  if (reply.code === "credential_refused") return failed(name, reply.detail, TOKEN_FIX);
  if (reply.code === "answer_invalid") return failed(name, reply.detail, PAGE_FIX);
  if (reply.kind === "error" && reply.status === 403) {
    return failed(name, reply.detail, "The token has no right to the API: make it as an account administrator.");
  }
  if (reply.kind === "error" && reply.status !== 429) return failed(name, reply.detail, PAGE_FIX);
  return failed(name, reply.detail, fixOf(reply));
}

async function readingCheck(
  asking: Asking,
  { what, list, fix }: { readonly what: string; readonly list: List; readonly fix: string },
): Promise<Check> {
  const name = `Reading ${what}`;
  try {
    const { total } = await readPage(asking, list, { page: 1, size: 1 });
    return passed(name, total === null ? `The ${what} can be read.` : `The ${what} can be read; there are ${total}.`);
  } catch (error) {
    return failedBy(name, error, fix);
  }
}

async function filterCheck(contacts: Reader, random: () => number): Promise<Check> {
  const name = "Looking up contacts";
  const { endpoint, names } = contacts.kind;
  const nobody = `nobody-${Math.floor(random() * 1e9)}`;
  try {
    const list = { path: endpoint, names, filter: { reference_id: nobody } };
    const { rows } = await readPage(contacts, list, { page: 1, size: 1 });
    if (rows.length === 0) return passed(name, "A reference id that nobody has gives an empty list.");
    const detail = "A reference id that nobody has gave a contact: the filter is ignored.";
    return failed(
      name,
      detail,
      "Ask Freshworks for the filter `reference_id` of GET /users; nobody can be matched without it.",
    );
  } catch (error) {
    return failedBy(name, error, "Ask Freshworks for the filter `reference_id` of GET /users.");
  }
}

function failedBy(name: string, error: unknown, fix: string): Check {
  if (!(error instanceof ConnectorError)) throw error;
  return failed(name, error.message, error.code === "request_refused" ? fix : error.fix);
}

function fixOf(reply: Exclude<FreshchatReply, { kind: "answer" }>): string {
  return new ConnectorError(reply.code, reply.detail, { stops: "sync", retry: "later" }).fix;
}

function passed(name: string, detail: string): Check {
  return { name, ok: true, detail, fix: null };
}

function failed(name: string, detail: string, fix: string): Check {
  return { name, ok: false, detail, fix };
}
