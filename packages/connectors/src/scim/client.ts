import type { WaitListener } from "@entrain/core";
import type { Resolve } from "../shared/addresses.ts";
import { baseAddress } from "../shared/base-address.ts";
import type { PaceClock } from "../shared/pace.ts";
import { createServiceClient, type ServiceClient } from "../shared/service-client.ts";
import { SCIM_MANNER } from "./reply.ts";
import type { Json } from "./resource.ts";

export interface ClientOptions {
  /** The address that `/Users` is appended to. `https`, or `http` on loopback. */
  readonly baseUrl: string;
  readonly token: () => string;
  readonly clock: PaceClock;
  /** GitHub and AWS refuse requests without one. */
  readonly userAgent: string;
  readonly ca?: string;
  readonly connections: number;
  readonly timeouts: { readonly connectMs: number; readonly answerMs: number };
  /** Plain `http` beyond loopback: the token travels readable. */
  readonly allowHttp: boolean;
  /** The name may lead to a private network, or to this machine. */
  readonly allowPrivate: boolean;
  readonly resolve?: Resolve;
  readonly onWait: WaitListener;
}

/** Speaks SCIM over HTTP. */
export type ScimClient = ServiceClient<Json>;

/** @throws ConnectorError `config_invalid` for an address that must not be used. */
export function createScimClient({ baseUrl, allowHttp, allowPrivate, ...options }: ClientOptions): ScimClient {
  const base = baseAddress(baseUrl, { name: "SCIM", allowHttp });
  return createServiceClient({
    ...options,
    name: "SCIM",
    base,
    // Where the network is trusted with plain http, it is a private one.
    reach: allowPrivate ? "private" : allowHttp ? "network" : "public",
    accept: "application/scim+json, application/json",
    contentType: "application/scim+json",
    manner: SCIM_MANNER,
  });
}
