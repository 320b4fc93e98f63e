import { type Child, startChild } from "../child.ts";

/** Where a tenant is served, how to sign in, and how much there is to read. */
export interface TenantAddress {
  /** Origins for sign-in and Graph alike. */
  readonly http: string;
  readonly https: string;
  /** The authority behind `https`, PEM. */
  readonly ca: string;
  readonly tenant: string;
  readonly client: string;
  readonly secret: string;
  readonly people: number;
  readonly pages: number;
  /** All pages together, in bytes, as JSON and as sent. */
  readonly bytes: number;
  readonly compressedBytes: number;
}

/** What the tenant's process is asked. */
export type TenantRequest =
  | { readonly ask: "open"; readonly people: number }
  /** Changes this many people, other ones each time; the next delta request answers them. */
  | { readonly ask: "change"; readonly people: number };

/** A tenant in a process of its own that serves pages which were built before anything is measured. */
export interface Tenant extends TenantAddress {
  change(people: number): Promise<void>;
  stop(): Promise<void>;
}

/** A simulated tenant that answers everything, or the pages of a small one again and again: as many people as anybody wants. */
const PROGRAMS = {
  simulated: (): URL => new URL("./server.ts", import.meta.url),
  repeated: (): URL => new URL("../million/server.ts", import.meta.url),
} as const;

/** Starts a tenant of this many people: always the same ones. */
export async function startTenant(people: number, kind: keyof typeof PROGRAMS = "simulated"): Promise<Tenant> {
  const child: Child<TenantRequest, TenantAddress> = startChild(PROGRAMS[kind]());
  try {
    const address = await child.ask({ ask: "open", people });
    return {
      ...address,
      change: async (count) => {
        await child.ask({ ask: "change", people: count });
      },
      stop: () => child.stop(),
    };
  } catch (error) {
    await child.stop();
    throw error;
  }
}
