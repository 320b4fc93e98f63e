/** Services behind Graph with limits of their own, apart from the directory's resource units. */
export type Service = "directory" | "reports" | "conditionalAccess";

/** What a request takes from the limits. */
export interface Cost {
  readonly service: Service;
  /** Resource units, for the directory. */
  readonly units: number;
  readonly writes: number;
}

/** What is sent, as far as it has a price. `body` is JSON text. */
export interface Priced {
  readonly method: string;
  readonly url: URL;
  readonly body?: string;
}

const BASES: readonly (readonly [RegExp, number])[] = [
  [/\/(?:isMemberOf|checkMemberGroups|checkMemberObjects)$/, 4],
  [/\/getByIds$/, 3],
  [/\/groups\/[^/]+\/transitiveMembers/, 5],
  [/\/groups\/[^/]+\/members/, 3],
  [/\/(?:getMemberGroups|getMemberObjects|memberOf|transitiveMemberOf)$/, 2],
  [/\/subscribedSkus/, 3],
  [/\/servicePrincipals\/[^/]+\/appRoleAssignments/, 2],
  [/\/users\/[^/]+\/photo/, 1],
  [/\/(?:users|applications)(?:\/|$)/, 2],
];
const REPORTS = /\/(?:auditLogs|reports)\//;
const CONDITIONAL_ACCESS = /\/identity\/conditionalAccess\/|\/identityProtection\//;

/**
 * The published price of a request ("Microsoft Graph service-specific throttling limits", identity and access). The answer's
 * `x-ms-resource-unit` has the last word. The requests in a batch are counted one by one ("JSON batching").
 */
export function costOf({ method, url, body }: Priced): Cost {
  if (url.pathname.endsWith("/$batch")) return batchCost(url, body);
  const { pathname, searchParams } = url;
  const service = CONDITIONAL_ACCESS.test(pathname)
    ? "conditionalAccess"
    : REPORTS.test(pathname)
      ? "reports"
      : "directory";
  if (method !== "GET") return { service, units: 1, writes: 1 };
  const base = BASES.find(([path]) => path.test(pathname))?.[1] ?? 1;
  const top = searchParams.get("$top");
  const less = (searchParams.has("$select") ? 1 : 0) + (top !== null && Number(top) < 20 ? 1 : 0);
  const more = searchParams.has("$expand") ? 1 : 0;
  return { service, units: Math.max(1, base - less + more), writes: 0 };
}

function batchCost(url: URL, body: string | undefined): Cost {
  const { requests = [] } = JSON.parse(body ?? "{}") as {
    readonly requests?: readonly { readonly method: string; readonly url: string }[];
  };
  const costs = requests.map((one) => costOf({ method: one.method, url: new URL(one.url, url) }));
  const sum = (of: (cost: Cost) => number): number => costs.reduce((total, cost) => total + of(cost), 0);
  return { service: "directory", units: sum(({ units }) => units), writes: sum(({ writes }) => writes) };
}
