import { isLive } from "../state/objects.ts";
import { type Sku, skuById } from "../tenancy/licences.ts";
import type { Json } from "../tenant/types.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { refuseOptions } from "./odata/options.ts";
import { contextUrl, renderObject } from "./render.ts";
import { badRequest, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { DEFAULT_SELECT } from "./schema.ts";
import { bodyOf } from "./validate.ts";

/** Licences: "List subscribedSkus", "Get subscribedSku", "List licenseDetails", "user: assignLicense". */
export const LICENCES: readonly Endpoint[] = [
  { method: "GET", path: "/subscribedSkus", rule: "readLicences", cost: 3, handle: listSkus },
  { method: "GET", path: "/subscribedSkus/{sku}", rule: "readLicences", cost: 3, handle: getSku },
  { method: "GET", path: "/users/{user}/licenseDetails", rule: "readLicenceDetails", cost: 1, handle: licenseDetails },
  { method: "POST", path: "/users/{user}/assignLicense", rule: "assignLicences", cost: 1, handle: assignLicense },
];

interface Assigned {
  readonly skuId: string;
  readonly disabledPlans: readonly Json[];
}

function listSkus(context: Context): GraphResponse {
  refuseOptions(context.options, ["select"]);
  const value = context.licences.held.map((sku) => chosen(context, rendered(context, sku)));
  return { status: 200, json: { "@odata.context": `${context.base}/$metadata#subscribedSkus`, value } };
}

function getSku(context: Context, { sku: id = "" }: Parameters): GraphResponse {
  refuseOptions(context.options, ["select"]);
  const sku = context.licences.held.find(({ skuId }) => `${context.tenant.id}_${skuId}` === id.toLowerCase());
  if (sku === undefined) throw notFound(id);
  const json = { "@odata.context": `${context.base}/$metadata#subscribedSkus/$entity`, ...rendered(context, sku) };
  return { status: 200, json: chosen(context, json) };
}

function chosen({ options }: Context, record: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  return options.select === null
    ? record
    : Object.fromEntries(options.select.map((name) => [name, record[name] ?? null]));
}

function rendered({ tenant, directory }: Context, sku: Sku): Readonly<Record<string, Json>> {
  const users = directory.list("user").filter(isLive);
  const consumed = users.filter(({ properties }) => assignedIn(properties.assignedLicenses).some(isOf(sku))).length;
  return {
    id: `${tenant.id}_${sku.skuId}`,
    accountId: tenant.id,
    accountName: "simulated",
    appliesTo: "User",
    capabilityStatus: "Enabled",
    consumedUnits: consumed,
    skuId: sku.skuId,
    skuPartNumber: sku.skuPartNumber,
    subscriptionIds: [],
    prepaidUnits: { enabled: Math.ceil((consumed + 5) / 25) * 25, lockedOut: 0, suspended: 0, warning: 0 },
    servicePlans: plansOf(sku, []),
  };
}

function licenseDetails(context: Context, { user: key = "" }: Parameters): GraphResponse {
  refuseOptions(context.options, ["select"]);
  const user = findObject(context, "user", key);
  const value = assignedIn(context.view.properties(user).assignedLicenses).flatMap(({ skuId, disabledPlans }) => {
    const sku = skuById(skuId);
    if (sku === undefined) return [];
    const id = Buffer.from(`${user.id}${skuId}`.replaceAll("-", ""), "hex").toString("base64url");
    return [
      chosen(context, { id, skuId, skuPartNumber: sku.skuPartNumber, servicePlans: plansOf(sku, disabledPlans) }),
    ];
  });
  const set = `users('${user.id}')/licenseDetails`;
  return { status: 200, json: { "@odata.context": contextUrl(context, set, context.options.select), value } };
}

function plansOf({ plans }: Sku, disabled: readonly Json[]): Json {
  return plans.map(([servicePlanId, servicePlanName]) => ({
    appliesTo: "User",
    provisioningStatus: disabled.includes(servicePlanId) ? "Disabled" : "Success",
    servicePlanId,
    servicePlanName,
  }));
}

function assignLicense(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const user = findObject(context, "user", key);
  const { addLicenses, removeLicenses } = bodyOf(context.request);
  if (!Array.isArray(addLicenses) || !Array.isArray(removeLicenses)) {
    throw badRequest("The parameters 'addLicenses' and 'removeLicenses' are required and must be collections.");
  }
  const added = assignedIn(addLicenses);
  if (added.length > 0 && typeof user.properties.usageLocation !== "string") {
    throw badRequest("License assignment cannot be done for user with invalid usage location.");
  }
  const wanted = [...added.map(({ skuId }) => skuId), ...removeLicenses.map(String)];
  const unknown = wanted.find((skuId) => !context.licences.held.some((sku) => sku.skuId === skuId.toLowerCase()));
  if (unknown !== undefined) {
    throw badRequest(`License ${unknown} does not correspond to a valid company License.`);
  }
  const gone = new Set([...removeLicenses.map(String), ...added.map(({ skuId }) => skuId)]);
  const kept = assignedIn(user.properties.assignedLicenses).filter(({ skuId }) => !gone.has(skuId));
  context.directory.update(user, { assignedLicenses: [...kept, ...added] as unknown as Json });
  const json = {
    "@odata.context": contextUrl(context, "users", null, true),
    ...renderObject({ ...context, view: context.directory.current }, user, [
      ...DEFAULT_SELECT.user,
      "assignedLicenses",
      "assignedPlans",
    ]),
  };
  return { status: 200, json };
}

function isOf(sku: Sku): (assigned: Assigned) => boolean {
  return ({ skuId }) => skuId === sku.skuId;
}

function assignedIn(value: Json | undefined): readonly Assigned[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).flatMap((entry) => {
    const { skuId, disabledPlans } = (entry ?? {}) as Readonly<Record<string, Json>>;
    return typeof skuId === "string"
      ? [{ skuId, disabledPlans: Array.isArray(disabledPlans) ? disabledPlans : [] }]
      : [];
  });
}
