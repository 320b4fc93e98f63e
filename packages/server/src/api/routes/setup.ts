import { FEATURE_NAMES, FEATURES, leastPermissions, SETUP_STEPS, USUAL_FEATURES } from "@entrain/connectors/entra";
import Type, { type Static, type TSchema } from "typebox";
import { CLOUD_NAMES, type CloudEntry } from "../../config/document.ts";
import { consentAddress } from "../../consent/consent.ts";
import { isForRedirects, originIn } from "../../origin.ts";
import { checkSetup, type Setup } from "../../setup/plan.ts";
import { SCRIPT_FILES, scriptOf, scriptsFor } from "../../setup/scripts.ts";
import { portalSteps } from "../../setup/steps.ts";
import { tenantIn } from "../../setup/tenant.ts";
import type { ApiContext } from "../context.ts";
import type { DeviceSetups } from "../device-setups.ts";
import { RequestError } from "../problems.ts";
import { type Api, collectionOf, FAULT, ID, orNull, strict, TIME } from "../schemas.ts";
import { redirectOrigin } from "./consent.ts";

const DEFAULT_DAYS = 365;
const text = (description: string, maxLength: number = 100) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description }));

/** What to set up; what is not given has the default that the command line has too. */
const WISH = {
  name: text("the connection's name", 64),
  displayName: text("the application's name in Entra"),
  tenant: text("directory (tenant) id, or one of the tenant's domains", 253),
  cloud: Type.Optional(Type.Enum([...CLOUD_NAMES, "custom"])),
  login: text("sign-in base address of a custom cloud", 200),
  graph: text("Graph base address of a custom cloud", 200),
  client: text("application (client) id, where it is registered already", 36),
  features: text(`what it is for, with commas: ${FEATURE_NAMES.join(", ")}`, 300),
  credential: Type.Optional(Type.Union([Type.Literal("certificate"), Type.Literal("secret")])),
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 730 })),
  multiTenant: Type.Optional(Type.Boolean()),
  publicUrl: text("where administrators reach Entrain, for the redirect URI", 200),
} as const;
const GUIDE_WISH = strict(WISH);
const DEVICE_WISH = strict({
  ...WISH,
  name: Type.String({ minLength: 1, maxLength: 64 }),
  tenant: Type.String({ minLength: 1, maxLength: 253 }),
  setupClient: text("the public client to sign in to, in place of Microsoft's own", 36),
});
type Wish = Static<typeof GUIDE_WISH>;

const FEATURE: TSchema = Type.Object({
  name: Type.String(),
  purpose: Type.String({ description: "after “to”" }),
  permission: Type.String(),
  licence: orNull(Type.String()),
  always: Type.Boolean({ description: "every connection is used for it" }),
});

const GUIDE: TSchema = Type.Object({
  features: Type.Array(FEATURE, { description: "all that can be chosen" }),
  permissions: Type.Array(Type.String(), { description: "the least that the chosen features need" }),
  redirectUris: Type.Array(Type.String()),
  steps: Type.Array(
    Type.Object({
      title: Type.String(),
      link: Type.String({ description: "into the admin centre; empty where there is none" }),
      role: Type.String({ description: "the least Entra role that may, or none" }),
      details: Type.Array(Type.String()),
    }),
  ),
  scripts: Type.Array(Type.Object({ kind: Type.String(), file: Type.String(), text: Type.String() })),
});

const DEVICE_SETUP: TSchema = Type.Object({
  id: Type.String(),
  name: Type.String({ description: "the connection's name" }),
  state: Type.Union(["waiting", "registering", "done", "failed"].map((one) => Type.Literal(one))),
  code: orNull(Type.Object({ userCode: Type.String(), verificationUri: Type.String(), expiresAt: TIME })),
  account: orNull(Type.String({ description: "who signed in" })),
  steps: Type.Array(
    Type.Object({
      name: Type.Union(SETUP_STEPS.map((one) => Type.Literal(one))),
      state: Type.Union(["due", "begun", "done"].map((one) => Type.Literal(one))),
    }),
  ),
  connection: orNull(
    Type.Object({
      name: Type.String(),
      tenant: Type.String(),
      client: Type.String(),
      permissions: Type.Array(Type.String()),
      endsAt: TIME,
    }),
  ),
  error: orNull(FAULT),
});
const BY_ID = strict({ id: ID });

/** How an application is registered: by hand, by a script, or by an administrator who signs in on another device. */
export function setupRoutes(
  app: Api,
  context: ApiContext,
  { deviceSetups, publicOrigin }: { readonly deviceSetups: DeviceSetups; readonly publicOrigin: URL | null },
): void {
  app.get(
    "/setup",
    {
      schema: {
        operationId: "getSetup",
        summary:
          "The steps in the admin centre, and the scripts, that register an application; nothing is sent anywhere",
        tags: ["setup"],
        querystring: GUIDE_WISH,
        response: { 200: GUIDE },
      },
    },
    async ({ query, protocol, host }) =>
      guideOf(setupOf(query, redirectOrigin(publicOrigin, protocol, host)), context.clock.now()),
  );

  app.get(
    "/setup/device-codes",
    {
      schema: {
        operationId: "listDeviceSetups",
        summary: "The setups by device code that this operator has begun since the server started, the newest first",
        tags: ["setup"],
        response: { 200: collectionOf(DEVICE_SETUP) },
      },
    },
    async (request) => ({ items: deviceSetups.list(context.session(request).operator), next: null }),
  );

  app.post(
    "/setup/device-codes",
    {
      schema: {
        operationId: "beginDeviceSetup",
        summary:
          "Register an application as the administrator who types the answered code, and keep it as a connection",
        tags: ["setup"],
        body: DEVICE_WISH,
        response: { 202: DEVICE_SETUP },
      },
    },
    async (request, reply) => {
      const { setupClient = null, ...wish } = request.body;
      const setup = setupOf(wish, redirectOrigin(publicOrigin, request.protocol, request.host));
      const { operator } = context.session(request);
      const allowed = (): Promise<boolean> => context.stillSignedIn(request);
      const begun = await deviceSetups.begin(setup, { operator, setupClient, allowed });
      return reply.code(202).header("location", `/api/v1/setup/device-codes/${begun.id}`).send(begun);
    },
  );

  app.get(
    "/setup/device-codes/:id",
    {
      schema: {
        operationId: "getDeviceSetup",
        summary: "How far a setup is; never its secret",
        tags: ["setup"],
        params: BY_ID,
        response: { 200: DEVICE_SETUP },
      },
    },
    async (request) => deviceSetups.find(request.params.id, context.session(request).operator),
  );

  app.delete(
    "/setup/device-codes/:id",
    {
      schema: {
        operationId: "cancelDeviceSetup",
        summary: "Stop a setup and take back what it began; forget one that has ended",
        tags: ["setup"],
        params: BY_ID,
        response: { 200: DEVICE_SETUP },
      },
    },
    async (request) => await deviceSetups.cancel(request.params.id, context.session(request).operator),
  );
}

/** @throws RequestError `request_invalid`, ConnectorError `usage` */
function setupOf(wish: Wish, origin: string): Setup {
  const features = featuresIn(wish.features);
  const redirect = wish.publicUrl === undefined ? origin : originIn(wish.publicUrl);
  if (redirect === null)
    throw invalid("publicUrl must be an address without a path, such as https://entrain.contoso.com.");
  if (wish.publicUrl !== undefined && !isForRedirects(redirect))
    throw invalid("publicUrl must begin with https: Entra takes http for localhost alone.");
  const tenant = wish.tenant === undefined ? null : tenantIn(wish.tenant);
  if (wish.tenant !== undefined && tenant === null) {
    throw invalid("tenant must be a directory (tenant) id or one of its domains, such as contoso.onmicrosoft.com.");
  }
  const setup: Setup = {
    name: wish.name ?? "NAME",
    displayName: wish.displayName ?? "Entrain",
    tenant,
    cloud: cloudIn(wish),
    client: wish.client ?? null,
    features,
    permissions: leastPermissions(features),
    credential: wish.credential ?? "certificate",
    days: wish.days ?? DEFAULT_DAYS,
    multiTenant: wish.multiTenant ?? false,
    redirectUris: [consentAddress(redirect)],
  };
  checkSetup(setup);
  return setup;
}

function cloudIn({ cloud = "global", login, graph }: Wish): CloudEntry {
  if (cloud !== "custom") return { kind: cloud };
  if (login !== undefined && graph !== undefined) return { kind: "custom", login, graph };
  throw invalid("cloud custom needs login and graph.");
}

/** People and groups are everybody's, whether they are named or not. */
function featuresIn(list: string | undefined): Setup["features"] {
  const named = (list ?? "").split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
  const unknown = named.find((one) => !FEATURE_NAMES.some((name) => name === one));
  if (unknown !== undefined) throw invalid(`features must be some of ${FEATURE_NAMES.join(", ")}.`);
  return FEATURE_NAMES.filter((name) => USUAL_FEATURES.includes(name) || named.includes(name));
}

function guideOf(setup: Setup, now: number): object {
  return {
    features: FEATURE_NAMES.map((name) => {
      const { purpose, permission, licence } = FEATURES[name];
      return { name, purpose, permission, licence, always: USUAL_FEATURES.includes(name) };
    }),
    permissions: setup.permissions,
    redirectUris: setup.redirectUris,
    steps: portalSteps(setup),
    scripts: scriptsFor(setup.cloud).map((kind) => ({
      kind,
      file: SCRIPT_FILES[kind],
      text: scriptOf(kind, setup, now),
    })),
  };
}

function invalid(detail: string): RequestError {
  return new RequestError("request_invalid", detail);
}
