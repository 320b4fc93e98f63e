import type { Simulator } from "@entrain/simulator";

/** A token of the simulated tenant's own application. */
export async function tokenOf({ login, graph, tenant, client, secret }: Simulator): Promise<string> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: client,
    client_secret: secret,
    scope: `${graph}/.default`,
  });
  const answer = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, { method: "POST", body });
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}

/** Creates a person in the tenant through Graph, as anybody who writes there would. */
export async function join({ graph }: Simulator, token: string, displayName: string): Promise<void> {
  const nickname = displayName.toLowerCase().replaceAll(" ", ".");
  const domain = await domainOf(graph, token);
  const answer = await fetch(`${graph}/v1.0/users`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      accountEnabled: true,
      displayName,
      mailNickname: nickname,
      mail: `${nickname}@${domain}`,
      userPrincipalName: `${nickname}@${domain}`,
      passwordProfile: { password: "simulated-Only-1" },
    }),
  });
  if (answer.status !== 201) throw new Error(`the tenant refused a person: ${answer.status} ${await answer.text()}`);
}

const domains = new Map<string, string>();

async function domainOf(graph: string, token: string): Promise<string> {
  const known = domains.get(graph);
  if (known !== undefined) return known;
  const answer = await fetch(`${graph}/v1.0/users?$top=1&$select=userPrincipalName`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { value } = (await answer.json()) as { readonly value: readonly { readonly userPrincipalName: string }[] };
  const domain = value[0]?.userPrincipalName.split("@").at(-1) ?? "";
  domains.set(graph, domain);
  return domain;
}
