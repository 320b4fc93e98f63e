import type { TenantAddress } from "../tenant/tenant.ts";

/** Who reads. */
export type Contender = "floor" | "entrain" | "microsoft";

/** One full read to be timed: by whom, from where, over what. */
export interface ReadRequest {
  readonly address: TenantAddress;
  readonly contender: Contender;
  readonly scheme: "http" | "https";
}

/** Milliseconds of one full read, and what the directory held after it. */
export interface ReadTiming {
  readonly ms: number;
  readonly rows: number;
  /** SHA-256 over all rows in the order of their ids, attributes in one order: the same for whoever read the same. */
  readonly digest: string;
}
