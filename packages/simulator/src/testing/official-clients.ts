import { ConfidentialClientApplication } from "@azure/msal-node";
import { Client, PageIterator } from "@microsoft/microsoft-graph-client";

/** Run by a test in a process of its own, which trusts the simulator's authority from the start. */
interface Target {
  readonly login: string;
  readonly tenant: string;
  readonly client: string;
  readonly secret: string;
}

function connect({ login, tenant, client, secret }: Target): ConfidentialClientApplication {
  return new ConfidentialClientApplication({
    auth: {
      clientId: client,
      clientSecret: secret,
      authority: `${login}/${tenant}`,
      knownAuthorities: [new URL(login).host],
    },
  });
}

async function accessToken(msal: ConfidentialClientApplication): Promise<string> {
  const answer = await msal.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] });
  return answer?.accessToken ?? "";
}

interface Item {
  readonly id: string;
  readonly "@removed"?: object;
}

async function collect(
  graph: Client,
  path: string,
): Promise<{ readonly items: readonly Item[]; readonly delta: string }> {
  const items: Item[] = [];
  const first: unknown = await graph.api(path).get();
  const iterator = new PageIterator(graph, first as ConstructorParameters<typeof PageIterator>[1], (item: Item) => {
    items.push(item);
    return true;
  });
  await iterator.iterate();
  return { items, delta: iterator.getDeltaLink() ?? "" };
}

async function read(target: Target): Promise<unknown> {
  const msal = connect(target);
  const graph = Client.init({
    baseUrl: `${target.login}/`,
    customHosts: new Set([new URL(target.login).hostname]),
    authProvider: (done) => {
      accessToken(msal).then(
        (token) => done(null, token),
        (error: unknown) => done(error, null),
      );
    },
  });
  const users = await collect(graph, "/users?$select=id&$top=99");
  const delta = await collect(graph, "/users/delta?$select=displayName");
  const groups = await collect(graph, "/groups?$select=id,mailNickname&$top=999");
  let members: readonly Item[] = [];
  for (const { id } of groups.items) {
    const found = await collect(graph, `/groups/${id}/members?$select=id&$top=50`);
    if (found.items.length > members.length) members = found.items;
  }
  await graph.api(`/users/${users.items[0]?.id ?? ""}`).delete();
  const changed = await collect(graph, delta.delta);
  const batch = (await graph.api("/$batch").post({
    requests: [
      { id: "1", method: "GET", url: "/users?$top=1" },
      { id: "2", method: "GET", url: "/users/nobody@contoso.com" },
    ],
  })) as { readonly responses: readonly { readonly status: number }[] };
  return {
    users: users.items.map(({ id }) => id),
    delta: delta.items.map(({ id }) => id),
    removed: changed.items.filter((item) => item["@removed"] !== undefined).map(({ id }) => id),
    members: members.map(({ id }) => id),
    batch: batch.responses.map(({ status }) => status),
  };
}

if (import.meta.main) {
  const target = JSON.parse(process.env.SIMULATOR ?? "{}") as Target;
  if (process.argv[2] === "read") console.log(JSON.stringify(await read(target)));
  else await accessToken(connect(target)).catch((error: unknown) => console.log(String(error)));
}
