import { setDefaultCACertificates } from "node:tls";
import { answerParent } from "../child.ts";
import type { TenantAddress } from "../tenant/tenant.ts";
import { readWithEntrain } from "./entrain.ts";
import { readOnTheFloor } from "./floor.ts";
import { readWithMicrosoft } from "./microsoft.ts";

/** Who reads, and over what. */
export type Contender = "floor" | "entrain" | "microsoft";

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

const READERS = { floor: readOnTheFloor, entrain: readWithEntrain, microsoft: readWithMicrosoft };

if (import.meta.main) {
  answerParent<ReadRequest, ReadTiming>(async ({ address, contender, scheme }) => {
    // Microsoft's client knows no other way to trust an authority.
    setDefaultCACertificates([address.ca]);
    return READERS[contender](address, scheme);
  });
}
