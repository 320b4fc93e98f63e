import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ChangeType, Subscription, Watched } from "../notifications/subscription.ts";
import { QUOTAS, watchedBy } from "../notifications/subscription.ts";
import { permits } from "../permissions.ts";
import type { Json } from "../tenant/types.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { refuseOptions } from "./odata/options.ts";
import { denied, GraphError, type GraphResponse } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { type Body, bodyOf } from "./validate.ts";

const LONGEST_MINUTES = 41_760; // "subscription resource type", maximum length: user, group and other directory resources.
const CLIENT_STATE_MOST = 128;

/** Change notifications: "Create", "Get", "List", "Update", "Delete subscription" and "subscription: reauthorize". */
export const SUBSCRIPTIONS: readonly Endpoint[] = [
  { method: "POST", path: "/subscriptions", rule: "none", cost: 1, handle: create },
  { method: "GET", path: "/subscriptions", rule: "none", cost: 1, handle: list },
  { method: "GET", path: "/subscriptions/{id}", rule: "none", cost: 1, handle: get },
  { method: "PATCH", path: "/subscriptions/{id}", rule: "none", cost: 1, handle: update },
  { method: "DELETE", path: "/subscriptions/{id}", rule: "none", cost: 1, handle: remove },
  { method: "POST", path: "/subscriptions/{id}/reauthorize", rule: "none", cost: 1, handle: reauthorize },
];

async function create(context: Context): Promise<GraphResponse> {
  const subscription = asked(context, bodyOf(context.request));
  checkDuplicate(context, subscription);
  checkQuotas(context);
  const { notifications } = context;
  const { notificationUrl, lifecycleNotificationUrl } = subscription;
  for (const url of [notificationUrl, lifecycleNotificationUrl]) {
    const refusal = url === null ? null : await notifications.notifier.validate(url);
    if (refusal !== null) throw new GraphError(400, "ValidationError", refusal);
  }
  checkDuplicate(context, subscription);
  checkQuotas(context);
  notifications.subscriptions.put(subscription);
  notifications.notifier.tick();
  return {
    status: 201,
    json: { "@odata.context": `${context.base}/$metadata#subscriptions/$entity`, ...rendered(subscription) },
  };
}

function asked(context: Context, body: Body): Subscription {
  for (const name of ["changeType", "notificationUrl", "resource", "expirationDateTime"]) {
    if (typeof body[name] !== "string" || body[name] === "") throw invalid(`The property '${name}' is required.`);
  }
  if (body.includeResourceData === true) {
    throw invalid("The property 'includeResourceData' is not supported for this resource.");
  }
  const resource = String(body.resource);
  const watched = watchedBy(resource);
  if (watched === null) throw invalid(`The resource '${resource}' is not supported for change notifications here.`);
  checkPermission(context, watched);
  if (watched.id !== null) findObject(context, watched.kind, watched.id);
  return {
    id: randomUUID(),
    resource,
    watched: { ...watched, id: watched.id === null ? null : findObject(context, watched.kind, watched.id).id },
    changeType: String(body.changeType),
    changeTypes: changeTypesIn(String(body.changeType)),
    notificationUrl: urlIn("notificationUrl", body.notificationUrl) ?? "",
    lifecycleNotificationUrl: urlIn("lifecycleNotificationUrl", body.lifecycleNotificationUrl),
    clientState: clientStateIn(body.clientState),
    applicationId: context.caller.client,
    creatorId: context.caller.principal,
    latestSupportedTlsVersion: tlsIn(body.latestSupportedTlsVersion),
    expiresAt: expiryIn(body.expirationDateTime, context.now),
    challenged: false,
    withheld: false,
  };
}

function changeTypesIn(text: string): ReadonlySet<ChangeType> {
  const types = text.split(",").map((type) => type.trim().toLowerCase());
  for (const type of types) {
    // "subscription resource type": user and group change notifications support updated and deleted.
    if (type !== "updated" && type !== "deleted") {
      throw invalid(`The changeType '${type}' is not supported for this resource; use 'updated' or 'deleted'.`);
    }
  }
  return new Set(types as ChangeType[]);
}

function urlIn(name: string, value: Json | undefined): string | null {
  if (value === undefined || value === null) return null;
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : null;
  // Loopback stands for the public address that a test cannot have.
  const loopback = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url === null || (url.protocol !== "https:" && !(loopback && url.protocol === "http:"))) {
    throw invalid(`The ${name} must be an HTTPS address: '${String(value)}'.`);
  }
  return String(value);
}

function clientStateIn(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && value.length <= CLIENT_STATE_MOST) return value;
  throw invalid(`The clientState must be text of at most ${CLIENT_STATE_MOST} characters.`);
}

function tlsIn(value: Json | undefined): string {
  if (value === undefined || value === null) return "v1_2";
  if (typeof value === "string" && /^v1_[0-3]$/.test(value)) return value;
  throw invalid("The latestSupportedTlsVersion must be one of v1_0, v1_1, v1_2 and v1_3.");
}

function expiryIn(value: Json | undefined, now: number): number {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw invalid("The expirationDateTime is not a date and time.");
  if (at <= now) throw invalid("Subscription expiration must be in the future.");
  if (at > now + LONGEST_MINUTES * 60_000) {
    throw invalid(`Subscription expiration can only be ${LONGEST_MINUTES} minutes in the future.`);
  }
  return at;
}

function checkPermission({ roles }: Context, { kind }: Watched): void {
  if (!permits(kind === "user" ? "subscribeUsers" : "subscribeGroups", roles)) throw denied();
}

/** "Create subscription", duplicate subscriptions: one app has at most one of the same resource and change types. */
function checkDuplicate({ notifications, caller }: Context, { watched, changeTypes }: Subscription): void {
  const twin = notifications.subscriptions
    .list(caller.client)
    .find((one) => isDeepStrictEqual(one.watched, watched) && isDeepStrictEqual(one.changeTypes, changeTypes));
  if (twin === undefined) return;
  throw new GraphError(409, "Conflict", `Subscription Id ${twin.id} already exists for the requested combination.`);
}

function checkQuotas({ notifications, caller }: Context): void {
  const { subscriptions } = notifications;
  const over =
    subscriptions.list(caller.client).length >= QUOTAS.appAndTenant
      ? `the app in this tenant (${QUOTAS.appAndTenant})`
      : subscriptions.list().length >= QUOTAS.tenant
        ? `the tenant (${QUOTAS.tenant})`
        : null;
  if (over !== null)
    throw new GraphError(403, "Forbidden", `The number of subscriptions exceeds the quota of ${over}.`);
}

function list(context: Context): GraphResponse {
  refuseOptions(context.options, []);
  const { notifications, caller, roles } = context;
  // "List subscriptions": an app sees its own, and with Subscription.Read.All those of every app of the tenant.
  const all = roles.has("Subscription.Read.All");
  const value = notifications.subscriptions.list(all ? undefined : caller.client).map(rendered);
  return { status: 200, json: { "@odata.context": `${context.base}/$metadata#subscriptions`, value } };
}

function find({ notifications, caller }: Context, id: string): Subscription {
  const subscription = notifications.subscriptions.get(id);
  if (subscription === undefined || subscription.applicationId !== caller.client) {
    throw new GraphError(404, "ResourceNotFound", "The object was not found.");
  }
  return subscription;
}

function get(context: Context, { id = "" }: Parameters): GraphResponse {
  refuseOptions(context.options, ["select"]);
  const subscription = rendered(find(context, id));
  const { select } = context.options;
  const chosen =
    select === null ? subscription : Object.fromEntries(select.map((name) => [name, subscription[name] ?? null]));
  return {
    status: 200,
    json: { "@odata.context": `${context.base}/$metadata#subscriptions/$entity`, ...chosen },
  };
}

async function update(context: Context, { id = "" }: Parameters): Promise<GraphResponse> {
  const subscription = find(context, id);
  const body = bodyOf(context.request);
  for (const name of Object.keys(body)) {
    if (name !== "expirationDateTime" && name !== "notificationUrl") {
      throw invalid(`The property '${name}' of a subscription cannot be changed.`);
    }
  }
  checkPermission(context, subscription.watched);
  const url = urlIn("notificationUrl", body.notificationUrl);
  const expiresAt =
    body.expirationDateTime === undefined ? subscription.expiresAt : expiryIn(body.expirationDateTime, context.now);
  const { notifications } = context;
  const refusal = url === null ? null : await notifications.notifier.validate(url);
  if (refusal !== null) throw new GraphError(400, "ValidationError", refusal);
  const renewed = {
    ...subscription,
    notificationUrl: url ?? subscription.notificationUrl,
    expiresAt,
    challenged: false,
    withheld: false,
  };
  notifications.subscriptions.put(renewed);
  notifications.notifier.tick();
  return {
    status: 200,
    json: { "@odata.context": `${context.base}/$metadata#subscriptions/$entity`, ...rendered(renewed) },
  };
}

function reauthorize(context: Context, { id = "" }: Parameters): GraphResponse {
  const subscription = find(context, id);
  checkPermission(context, subscription.watched);
  context.notifications.subscriptions.put({ ...subscription, withheld: false });
  return { status: 204 };
}

function remove(context: Context, { id = "" }: Parameters): GraphResponse {
  context.notifications.subscriptions.remove(find(context, id).id);
  return { status: 204 };
}

function rendered(subscription: Subscription): Readonly<Record<string, Json>> {
  return {
    id: subscription.id,
    resource: subscription.resource,
    applicationId: subscription.applicationId,
    changeType: subscription.changeType,
    clientState: subscription.clientState,
    notificationUrl: subscription.notificationUrl,
    notificationQueryOptions: null,
    lifecycleNotificationUrl: subscription.lifecycleNotificationUrl,
    expirationDateTime: new Date(subscription.expiresAt).toISOString(),
    creatorId: subscription.creatorId,
    includeResourceData: null,
    latestSupportedTlsVersion: subscription.latestSupportedTlsVersion,
    encryptionCertificate: null,
    encryptionCertificateId: null,
    notificationUrlAppId: null,
  };
}

function invalid(message: string): GraphError {
  return new GraphError(400, "InvalidRequest", message);
}
