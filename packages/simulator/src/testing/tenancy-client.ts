import { Client, PageIterator } from "@microsoft/microsoft-graph-client";

/** Run by a test in a process of its own, which trusts the simulator's authority from the start. */
interface Target {
  readonly login: string;
  readonly tenant: string;
  readonly client: string;
  readonly secret: string;
  /** A subscriber of change notifications. */
  readonly webhook: string;
}

async function fetchToken({ login, tenant, client, secret }: Target): Promise<string> {
  const response = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: client,
      client_secret: secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  return ((await response.json()) as { readonly access_token: string }).access_token;
}

async function collect(graph: Client, path: string): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  const first: unknown = await graph.api(path).get();
  const iterator = new PageIterator(graph, first as ConstructorParameters<typeof PageIterator>[1], (item: unknown) => {
    items.push(item);
    return true;
  });
  await iterator.iterate();
  return items;
}

async function use(target: Target): Promise<Readonly<Record<string, unknown>>> {
  const token = await fetchToken(target);
  const graph = Client.init({
    baseUrl: `${target.login}/`,
    customHosts: new Set([new URL(target.login).hostname]),
    authProvider: (done) => done(null, token),
  });
  const subscription = (await graph.api("/subscriptions").post({
    changeType: "updated",
    notificationUrl: target.webhook,
    resource: "users",
    expirationDateTime: new Date(Date.now() + 3_600_000).toISOString(),
  })) as { readonly id: string };
  const subscriptions = await collect(graph, "/subscriptions");
  await graph.api(`/subscriptions/${subscription.id}`).delete();
  const [user] = (await collect(graph, "/users?$select=id&$top=1")) as readonly { readonly id: string }[];
  const id = user?.id ?? "";
  const photo = (await graph
    .api(`/users/${id}/photo/$value`)
    .responseType("arraybuffer" as never)
    .get()) as ArrayBuffer;
  const root = "/identityGovernance/accessReviews/definitions";
  for (const displayName of ["One", "Two", "Three"]) await graph.api(root).post({ displayName, scope: { query: "" } });
  const extension = (await graph.api(`/applications(appId='${target.client}')/extensionProperties`).post({
    name: "floor",
    dataType: "String",
    targetObjects: ["User"],
  })) as { readonly name: string };
  await graph.api(`/users/${id}`).patch({ [extension.name]: "4" });
  return {
    subscriptions: subscriptions.length,
    contacts: (await collect(graph, "/contacts?$top=4")).length,
    skus: (await collect(graph, "/subscribedSkus")).length,
    licences: (await collect(graph, `/users/${id}/licenseDetails`)).length,
    photo: [...new Uint8Array(photo).slice(0, 2)],
    reviews: (await collect(graph, `${root}?$top=2`)).length,
    policies: (await collect(graph, "/identity/conditionalAccess/policies")).length,
    signIns: (await collect(graph, "/auditLogs/signIns?$top=5")).length > 5,
    extension: ((await graph.api(`/users/${id}`).select(extension.name).get()) as Record<string, unknown>)[
      extension.name
    ],
  };
}

if (import.meta.main) console.log(JSON.stringify(await use(JSON.parse(process.env.SIMULATOR ?? "{}") as Target)));
