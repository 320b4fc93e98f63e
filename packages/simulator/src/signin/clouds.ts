/** The clouds of "National cloud deployments" that a simulator can stand for. */
export type CloudName = "global" | "usgov" | "usgov-dod" | "china";

const GRAPHS: Readonly<Record<CloudName, string>> = {
  global: "https://graph.microsoft.com",
  usgov: "https://graph.microsoft.us",
  "usgov-dod": "https://dod-graph.microsoft.us",
  china: "https://microsoftgraph.chinacloudapi.cn",
};

/** Microsoft Graph's address in a cloud: the audience of its tokens and the resource of its scopes. */
export function graphOf(cloud: CloudName): string {
  return GRAPHS[cloud];
}

/** Names of the clouds, for the command line. */
export const CLOUDS: readonly string[] = Object.keys(GRAPHS);
