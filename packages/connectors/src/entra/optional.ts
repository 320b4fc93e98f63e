import {
  type Attributes,
  byCodeUnits,
  ConnectorError,
  type SourceKind,
  type SourcePage,
  type Value,
  type Withheld,
} from "@entrain/core";
import { LICENCES, PHOTO, SIGN_IN_ACTIVITY } from "./attributes.ts";
import type { GraphClient, GraphRequest } from "./client.ts";
import { productsOf } from "./licences.ts";

const ASSIGNED = "assignedLicenses";

/** What is read for the attributes that somebody chose, once those are known that Graph does not tell this application. */
export interface Optional {
  /** The names to ask Graph for. */
  readonly names: readonly string[];
  /** Whatever decides beside those names how records look; a change of it needs a full round. */
  readonly mark: string;
  /** Adds to a page what Entrain makes of other attributes, and what was withheld. */
  complete(page: SourcePage): SourcePage;
}

/**
 * Sorts out the attributes with rules of their own, before anything is read: `signInActivity`, which Graph refuses without
 * AuditLog.Read.All or a premium licence, and with it the whole read; and `licences`, which Entrain makes of `assignedLicenses` and
 * the products of the tenant. Photos are read by themselves.
 */
export async function optionalAttributes(
  client: GraphClient,
  { kind, names }: { readonly kind: SourceKind; readonly names: readonly string[] },
  signal: AbortSignal,
): Promise<Optional> {
  const withheld: Withheld[] = [];
  const activity = await asked(names, SIGN_IN_ACTIVITY, withheld, () => tryActivity(client, signal));
  const products = await asked(names, LICENCES, withheld, () => partNumbersById(client, signal));
  const plain = names.filter((name) => name !== SIGN_IN_ACTIVITY && name !== LICENCES && name !== PHOTO);
  const wanted = [
    ...plain,
    ...(activity === null || kind !== "user" ? [] : [SIGN_IN_ACTIVITY]),
    ...(products === null || plain.includes(ASSIGNED) ? [] : [ASSIGNED]),
  ];
  return {
    names: wanted,
    mark: products === null ? "" : LICENCES,
    complete: (page) => {
      const told = withheld.length === 0 ? page : { ...page, withheld };
      return products === null ? told : { ...told, records: withLicences(told, products, plain.includes(ASSIGNED)) };
    },
  };
}

/** `null`: nobody asked for it, or Graph refuses it, which is then noted. */
async function asked<T>(
  names: readonly string[],
  name: string,
  withheld: Withheld[],
  ask: () => Promise<T>,
): Promise<T | null> {
  if (!names.includes(name)) return null;
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.status !== 403) throw error;
    const detail = `Graph does not tell ${name}; everything else is read without it. ${NEEDS[name]} ${error.message}`;
    withheld.push({ name, code: "attribute_refused", detail });
    return null;
  }
}

const NEEDS: Readonly<Record<string, string>> = {
  [SIGN_IN_ACTIVITY]: "It needs the permission AuditLog.Read.All and a Microsoft Entra ID P1 licence.",
  [LICENCES]: "It needs the permission LicenseAssignment.Read.All.",
};

/** "List users": one record tells whether the whole read would be refused. */
async function tryActivity(client: GraphClient, signal: AbortSignal): Promise<true> {
  const request: GraphRequest = { permission: "AuditLog.Read.All" };
  await client.page(`/users?$top=1&$select=id,${SIGN_IN_ACTIVITY}`, request, signal);
  return true;
}

/** Product id to part number. */
async function partNumbersById(client: GraphClient, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const { skuId, skuPartNumber } of productsOf(client, [], signal)) found.set(skuId, skuPartNumber);
  return found;
}

function withLicences(
  { records }: SourcePage,
  products: ReadonlyMap<string, string>,
  keepsAssigned: boolean,
): SourcePage["records"] {
  return records.map((record) => {
    const { [ASSIGNED]: assigned, ...others } = record.attributes;
    if (assigned === undefined) return record;
    const attributes: Attributes = {
      ...(keepsAssigned ? record.attributes : others),
      [LICENCES]: partNumbers(assigned, products),
    };
    return { ...record, attributes };
  });
}

/** In the order of names, for Graph's may change. A product that the tenant no longer lists goes by its id. */
function partNumbers(assigned: Value, products: ReadonlyMap<string, string>): readonly string[] {
  const list: readonly Value[] = Array.isArray(assigned) ? assigned : [];
  const names = list.flatMap((one) => {
    const skuId = typeof one === "object" && one !== null && "skuId" in one ? one.skuId : null;
    return typeof skuId === "string" ? [products.get(skuId.toLowerCase()) ?? skuId] : [];
  });
  return [...new Set(names)].sort(byCodeUnits);
}
