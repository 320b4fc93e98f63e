import type { Connection } from "./types.ts";

/** What somebody wants to set up, as the form holds it. */
export interface Wish {
  readonly name: string;
  readonly tenant: string;
  readonly cloud: "global" | "usgov" | "usgov-dod" | "china" | "custom";
  /** Addresses of a custom cloud. */
  readonly login: string;
  readonly graph: string;
  /** Where the application is registered already. */
  readonly client: string;
  readonly features: readonly string[];
  readonly credential: "certificate" | "secret";
  readonly days: string;
  readonly displayName: string;
  readonly multiTenant: boolean;
  readonly publicUrl: string;
  /** The public client to sign in to, in place of Microsoft's own. */
  readonly setupClient: string;
}

export const CLOUDS: readonly { readonly value: Wish["cloud"]; readonly text: string }[] = [
  { value: "global", text: "Global" },
  { value: "usgov", text: "US Government L4" },
  { value: "usgov-dod", text: "US Government L5 (DoD)" },
  { value: "china", text: "China" },
  { value: "custom", text: "Custom addresses" },
];

/** What the form begins with: that of a connection which stands, or nothing. */
export function firstWish(connection: Connection | null): Wish {
  const cloud = CLOUDS.find(({ value }) => value === connection?.cloud.kind)?.value ?? "global";
  return {
    name: connection?.name ?? "",
    tenant: connection?.tenant ?? "",
    cloud,
    login: connection?.cloud.login ?? "",
    graph: connection?.cloud.graph ?? "",
    client: connection?.client ?? "",
    features: connection?.features ?? [],
    credential: connection?.credentials[0]?.kind === "secret" ? "secret" : "certificate",
    days: "365",
    displayName: "Entrain",
    multiTenant: false,
    publicUrl: "",
    setupClient: "",
  };
}

/** A custom cloud needs both of its addresses before anything can be told of it. */
export function isComplete({ cloud, login, graph }: Wish): boolean {
  return cloud !== "custom" || (login.trim() !== "" && graph.trim() !== "");
}

type Query = { readonly [name: string]: string | number | boolean };

/** The wish as the API takes it; what is empty is left to its default. */
export function queryOf(wish: Wish): Query {
  const { login, graph, features, days, multiTenant, setupClient: _, ...texts } = wish;
  const custom = wish.cloud === "custom" ? { login, graph } : {};
  const given = Object.entries({ ...texts, ...custom, features: features.join(",") }).flatMap(([name, text]) => {
    const trimmed = text.trim();
    return trimmed === "" ? [] : [[name, trimmed] as const];
  });
  return {
    ...Object.fromEntries(given),
    ...(/^\d+$/.test(days) ? { days: Number(days) } : {}),
    ...(multiTenant ? { multiTenant } : {}),
  };
}
