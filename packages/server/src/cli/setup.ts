import { featuresInWords, leastPermissions } from "@entrain/connectors/entra";
import { consentAddress } from "../consent/consent.ts";
import { checkSetup, type Setup } from "../setup/plan.ts";
import { registerByDeviceCode, type SetupEvent } from "../setup/register.ts";
import { SCRIPTS, type ScriptKind, scriptOf, scriptsFor } from "../setup/scripts.ts";
import { portalSteps } from "../setup/steps.ts";
import { cloudOf, domainOrId } from "./cloud-options.ts";
import { type Invocation, numberOption, type Options, requireOneOf, textOption, usage } from "./command.ts";
import { byCode } from "./device-code.ts";
import { featuresOption } from "./features.ts";
import { redirectOriginOf } from "./public-url.ts";

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
    await byDeviceCode(invocation, setup, textOption(options, "setupClient") ?? null);
    return undefined;
  }
  if (script !== undefined) {
    requireOneOf(script, "script", SCRIPTS);
    const text = scriptOf(script as ScriptKind, setup, invocation.world.clock.now());
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
  const scripts = scriptsFor(setup.cloud);
  const others = scripts.length === 0 ? "" : `--script ${scripts.join(" or ")}; or `;
  await invocation.output.say(`Or let it be done: ${others}--device-code.`);
  return undefined;
}

function readSetup(name: string, options: Options): Setup {
  const features = featuresOption(options);
  const credential = textOption(options, "credential") ?? "certificate";
  requireOneOf(credential, "credential", ["secret", "certificate"]);
  const tenant = textOption(options, "tenant");
  const origin = redirectOriginOf(textOption(options, "publicUrl") ?? LOCAL);
  const setup: Setup = {
    name,
    displayName: textOption(options, "displayName") ?? "Entrain",
    tenant: tenant === undefined ? null : domainOrId(tenant),
    cloud: cloudOf(options),
    client: textOption(options, "client") ?? null,
    features,
    permissions: leastPermissions(features),
    credential: credential === "secret" ? "secret" : "certificate",
    days: numberOption(options, "days", { min: 1, max: 730 }),
    multiTenant: options.multiTenant === true,
    redirectUris: [consentAddress(origin)],
  };
  checkSetup(setup);
  return setup;
}

/** Registers as the administrator who signs in on any device; the secret goes from Microsoft into the store, sealed. */
async function byDeviceCode(invocation: Invocation, setup: Setup, setupClient: string | null): Promise<void> {
  if (setup.tenant === null) throw usage("--device-code needs --tenant ID or --tenant DOMAIN.");
  const { output, signal, actor } = invocation;
  const { store, keyring, types, demo } = await invocation.open(true);
  const { name, displayName, credential } = setup;
  const told = (event: SetupEvent): void => {
    if (event.kind !== "code") return;
    output.remark(`The application ${displayName} will be registered, with consent to:`);
    for (const line of featuresInWords(setup.features)) output.remark(`  ${line}`);
    output.remark(`Sign in as Privileged Role Administrator or Global Administrator: open ${event.verificationUri}`);
    output.remark(`and enter the code ${event.userCode}. Waiting …`);
  };
  const adding = { store, keyring, types, demo, actor };
  const register = () => registerByDeviceCode(setup, { adding, setupClient, signal, told });
  const made = await byCode(signal, register, "; nothing of it is left in Entra");
  const { tenant, client, permissions } = made;
  const expires = new Date(made.endsAt).toISOString().slice(0, 10);
  await output.say(
    `Registered the application ${displayName} (client id ${client}) with ${permissions.join(", ")}.`,
    `Its ${credential} is kept encrypted in the store and ends on ${expires}.`,
    `Try it, until the consent has spread: entrain connection verify ${name} --wait`,
  );
  await output.value({ added: name, tenant, client, permissions, expires });
}
