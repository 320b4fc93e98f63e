import {
  CLOUDS,
  createAdministratorSignIn,
  createEntraSetup,
  FEATURE_NAMES,
  type FeatureName,
  featuresInWords,
  findTenantId,
  leastPermissions,
  SETUP_CLIENT,
  SETUP_PERMISSIONS,
} from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import { consentAddress } from "../../consent/consent.ts";
import { Secret } from "../../store/secrets.ts";
import { cloudOf, domainOrId } from "../cloud-options.ts";
import { type Invocation, numberOption, type Options, requireOneOf, textOption, usage } from "../command.ts";
import { addEntry } from "../entries.ts";
import { publicOriginOf } from "../public-url.ts";
import type { Setup } from "./plan.ts";
import { SCRIPTS, type ScriptKind, scriptOf } from "./scripts.ts";
import { portalSteps } from "./steps.ts";

const DEFAULT_FEATURES: readonly FeatureName[] = ["people", "groups"];
const LOCAL = "http://localhost:7420";

/** Shows how to register the application, writes a script that does, or does it as an administrator who signs in. */
export async function setUpConnection(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const setup = readSetup(name, options);
  const script = textOption(options, "script");
  if (options.deviceCode === true) {
    if (script !== undefined) throw usage("Give --script or --device-code, not both.");
    await byDeviceCode(invocation, setup, textOption(options, "setupClient") ?? SETUP_CLIENT);
    return undefined;
  }
  if (script !== undefined) {
    requireOneOf(script, "script", SCRIPTS);
    const text = scriptOf(script as ScriptKind, setup);
    await invocation.output.value({ script: text });
    await invocation.output.say(text.trimEnd());
    return undefined;
  }
  const steps = portalSteps(setup);
  await invocation.output.value({ steps, permissions: setup.permissions, redirectUris: setup.redirectUris });
  for (const [at, { title, link, role, details }] of steps.entries()) {
    const head = `${at + 1}. ${title}${role === "none" ? "" : ` (needs ${role})`}`;
    await invocation.output.say(head, ...(link === "" ? [] : [`   ${link}`]), ...details.map((one) => `   ${one}`), "");
  }
  await invocation.output.say("Or let it be done: --script azure-cli, powershell or terraform; or --device-code.");
  return undefined;
}

function readSetup(name: string, options: Options): Setup {
  const features = featuresIn(textOption(options, "features"));
  const credential = textOption(options, "credential") ?? "certificate";
  requireOneOf(credential, "credential", ["secret", "certificate"]);
  const displayName = textOption(options, "displayName") ?? "Entrain";
  if (!/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$/.test(displayName)) {
    throw usage("--display-name must be up to 100 letters, digits, blanks, dots, dashes and underscores.");
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw usage("The name must be letters, digits, dots and dashes.");
  const tenant = textOption(options, "tenant");
  return {
    name,
    displayName,
    tenant: tenant === undefined ? null : domainOrId(tenant),
    cloud: cloudOf(options),
    client: clientIn(textOption(options, "client")),
    features,
    permissions: leastPermissions(features),
    credential: credential === "secret" ? "secret" : "certificate",
    days: numberOption(options, "days", { min: 1, max: 730 }),
    multiTenant: options.multiTenant === true,
    redirectUris: [consentAddress(publicOriginOf(textOption(options, "publicUrl") ?? LOCAL))],
  };
}

function clientIn(text: string | undefined): string | null {
  if (text === undefined || /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return text ?? null;
  throw usage("--client must be an application (client) id.");
}

function featuresIn(text: string | undefined): readonly FeatureName[] {
  if (text === undefined) return DEFAULT_FEATURES;
  const names = text.split(",").map((one) => one.trim());
  for (const one of names) requireOneOf(one, "features", FEATURE_NAMES);
  return names as readonly FeatureName[];
}

/** Registers as the administrator who signs in on any device; the secret goes from Microsoft into the store, sealed. */
async function byDeviceCode(invocation: Invocation, setup: Setup, setupClient: string): Promise<void> {
  if (setup.tenant === null) throw usage("--device-code needs --tenant ID or --tenant DOMAIN.");
  const { clock } = invocation.world;
  const { output, signal } = invocation;
  const runtime = {
    cloud: setup.cloud.kind === "custom" ? setup.cloud : CLOUDS[setup.cloud.kind],
    clock,
    random: () => clock.random(),
    sleep: (ms: number, until: AbortSignal) => clock.sleep(ms, until),
  };
  const tenant = (await findTenantId({ ...runtime, tenant: setup.tenant }, signal)) ?? setup.tenant;
  const signIn = createAdministratorSignIn({ ...runtime, tenant, client: setupClient, permissions: SETUP_PERMISSIONS });
  try {
    const device = await signIn.device(signal);
    output.remark(`The application ${setup.displayName} will be registered, with consent to:`);
    for (const line of featuresInWords(setup.features)) output.remark(`  ${line}`);
    output.remark(`Sign in as Privileged Role Administrator or Global Administrator: open ${device.verificationUri}`);
    output.remark(`and enter the code ${device.userCode}. Waiting …`);
    const { refreshToken, account } = await device.finished(signal);
    if (account.tenant !== tenant) {
      const message = `The account that signed in belongs to the tenant ${account.tenant}, not to ${tenant}. Nothing was made.`;
      throw new ConnectorError("sign_in_refused", message, { stops: "connection", retry: "never" });
    }
    let token = refreshToken;
    const graph = createEntraSetup({
      ...runtime,
      tenant,
      client: setupClient,
      credentials: [
        {
          kind: "delegated",
          refreshToken: async () => token,
          replace: async (next) => {
            token = next;
          },
          died: async () => undefined,
        },
      ],
    });
    try {
      const made = await graph.register(setup, signal);
      await keep(invocation, { ...setup, tenant }, made);
    } finally {
      await graph.close();
    }
  } finally {
    await signIn.close();
  }
}

async function keep(
  invocation: Invocation,
  setup: Setup,
  made: {
    readonly client: string;
    readonly secret: string;
    readonly endsAt: number;
    readonly permissions: readonly string[];
  },
): Promise<void> {
  const { name, credential, cloud, tenant, features } = setup;
  const expires = new Date(made.endsAt).toISOString().slice(0, 10);
  const sealed = { sealed: true };
  const extra = features.filter((one) => !DEFAULT_FEATURES.includes(one));
  const value = {
    cloud: cloud.kind === "custom" ? cloud : cloud.kind,
    tenant,
    client: made.client,
    ...(extra.length === 0 ? {} : { features: extra }),
    credential:
      credential === "secret"
        ? { kind: "secret", secret: sealed, expires }
        : { kind: "certificate", certificate: sealed },
  };
  const secrets = new Map([[`connections/${name}/${credential}`, new Secret(made.secret)]]);
  await addEntry(invocation, "connections", { name, value, secrets });
  await invocation.output.say(
    `Registered the application ${setup.displayName} (client id ${made.client}) with ${made.permissions.join(", ")}.`,
    `Its ${credential} is kept encrypted in the store and ends on ${expires}.`,
    `Try it, until the consent has spread: entrain connection verify ${name} --wait`,
  );
  await invocation.output.value({ added: name, tenant, client: made.client, permissions: made.permissions, expires });
}
