import { formatDuration } from "@entrain/core";
import { sql } from "kysely";
import { type CurrentConfiguration, loadConfiguration, reconcileEveryMs } from "../config/current.ts";
import type { CloudEntry } from "../config/document.ts";
import { plainConnection } from "../config/render.ts";
import { createConsentLink } from "../consent/consent.ts";
import { type AgreementWarning, agreementWarnings } from "../expiry/agreement.ts";
import { foreseenWarnings } from "../expiry/foreseen.ts";
import type { ExpiryWarning } from "../expiry/warnings.ts";
import { mayMend } from "../setup/mend.ts";
import { namedFeatures } from "../setup/plan.ts";
import { SCRIPTS } from "../setup/scripts.ts";
import { isDomain, resolveTenant } from "../setup/tenant.ts";
import { findGrant } from "../store/grants.ts";
import type { Store } from "../store/store.ts";
import { subscriptionRows } from "../store/subscriptions.ts";
import { listAttributes } from "./attributes.ts";
import { authorizeConnection } from "./authorize.ts";
import { allOk, printChecks, verdictOn } from "./checks.ts";
import { cloudOf, cloudOptions, domainOrId } from "./cloud-options.ts";
import {
  command,
  type Invocation,
  listOption,
  numberOption,
  type Options,
  type Register,
  textOption,
  usage,
} from "./command.ts";
import { showPermissions } from "./connection-permissions.ts";
import { credentialOptions, readCredentialOptions } from "./credential-options.ts";
import { credentialInWords } from "./credential-words.ts";
import { addEntry, findRow, removeOneEntry } from "./entries.ts";
import { FEATURES_HELP, featuresOption } from "./features.ts";
import { redirectOriginOf } from "./public-url.ts";
import { readConnectionAnew } from "./read-anew.ts";
import { listReviews } from "./reviews.ts";
import { setUpConnection } from "./setup.ts";
import { timeInWords, warningInWords } from "./wording.ts";
import type { Installation } from "./world.ts";

export const register: Register = (group, world, ended) => {
  const add = group
    .command("add <name>")
    .description("connect an Entra tenant")
    .requiredOption("--tenant <id>", "directory (tenant) id, or one of the tenant's domains")
    .requiredOption("--client <id>", "application (client) id")
    .option("--label <label...>", "labels")
    .option("--attribute <name...>", "user attributes to read beside the default ones")
    .option("--features <list>", FEATURES_HELP);
  command(credentialOptions(cloudOptions(add)), world, ended, addConnection);
  const setup = group
    .command("setup <name>")
    .description("how to register the application in Entra: by hand, by a script, or by signing in")
    .option("--tenant <id>", "directory (tenant) id, or one of the tenant's domains")
    .option("--client <id>", "application (client) id, where it is registered already: for links to its own pages")
    .option("--features <list>", FEATURES_HELP)
    .option("--script <kind>", `print a script: ${SCRIPTS.join(", ")}`)
    .option("--device-code", "sign in as an administrator, and let Entrain register it")
    .option("--credential <kind>", "certificate or secret", "certificate")
    .option("--days <number>", "how long the credential is good for", "365")
    .option("--display-name <name>", "the application's name in Entra", "Entrain")
    .option("--multi-tenant", "one application for many tenants")
    .option("--public-url <url>", "where administrators reach Entrain, for the redirect address")
    .option("--setup-client <id>", "the public client to sign in to, in place of Microsoft's own");
  command(cloudOptions(setup), world, ended, setUpConnection);
  const consent = group
    .command("consent <name>")
    .description("make a link by which an administrator consents to the permissions")
    .option("--public-url <url>", "where administrators reach Entrain", "http://localhost:7420");
  command(consent, world, ended, linkConsent);
  command(group.command("list").description("list the connections"), world, ended, listConnections);
  const show = group.command("show <name>").description("show a connection and how well it was read");
  command(show, world, ended, showConnection);
  const verify = group
    .command("verify <name>")
    .description("sign in, and try every permission that reading needs")
    .option("--wait [seconds]", "repeat until all is well, as a new consent takes minutes to spread");
  command(verify, world, ended, verifyConnection);
  const permissions = group
    .command("permissions <name>")
    .description("show the permissions that are needed, granted, missing and in excess");
  command(permissions, world, ended, showPermissions);
  const anew = group
    .command("read-anew <name>")
    .description("have the next run read everything anew, where a permission was taken away on purpose");
  command(anew, world, ended, readConnectionAnew);
  const attributes = group
    .command("attributes <name>")
    .description("the attributes that the tenant has, for mappings and filters")
    .option("--kind <kind>", "user, group or contact")
    .option("--search <text>", "only names that contain it")
    .option("--in-use", "only those of which somebody has a value");
  command(attributes, world, ended, listAttributes);
  const reviews = group
    .command("reviews <name>")
    .description("the tenant's access reviews and how they stand; changes nothing")
    .option("--decisions", "each decision, too");
  command(reviews, world, ended, listReviews);
  const authorize = group
    .command("authorize <name>")
    .description("let an administrator sign in, for a delegated credential");
  command(authorize, world, ended, authorizeConnection);
  const remove = group.command("remove <name>").description("forget a connection and its directory");
  command(remove, world, ended, async (invocation, [name = ""]) => {
    await removeOneEntry(invocation, "connections", name);
    await invocation.output.say(`Removed the connection ${name} and its directory.`);
    await invocation.output.value({ removed: name });
    return undefined;
  });
};

async function addConnection(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const credential = await readCredentialOptions(invocation, options);
  const sealed = [...credential.secrets].map(([field, secret]) => [`connections/${name}/${field}`, secret] as const);
  const cloud = cloudOf(options);
  const features = namedFeatures({ features: featuresOption(options) });
  const entry = {
    labels: listOption(options, "label"),
    cloud: cloud.kind === "custom" ? cloud : cloud.kind,
    tenant: await tenantOf(invocation, cloud, textOption(options, "tenant") ?? ""),
    client: textOption(options, "client")?.trim(),
    attributes: listOption(options, "attribute"),
    ...(features.length === 0 ? {} : { features }),
    credential: credential.entry,
  };
  await addEntry(invocation, "connections", { name, value: entry, secrets: new Map(sealed) });
  const next = options.delegated === true ? "authorize" : "verify";
  await invocation.output.say(`Added the connection ${name}. Try it: entrain connection ${next} ${name}`);
  await invocation.output.value({ added: name });
  return undefined;
}

/** With the object id, the tenant id is the identity: a domain is resolved to it before anything is kept. */
async function tenantOf({ world, output, signal }: Invocation, cloud: CloudEntry, given: string): Promise<string> {
  const tenant = domainOrId(given);
  if (!isDomain(tenant)) return tenant;
  const id = await resolveTenant(world.clock, { cloud, tenant }, signal);
  if (id === null) throw usage(`The sign-in service does not tell the id of ${given}. Give --tenant ID.`);
  output.remark(`${given} is the tenant ${id}.`);
  return id;
}

async function listConnections(invocation: Invocation): Promise<undefined> {
  const installation = await invocation.open();
  const current = await loadConfiguration(installation.store);
  const views = await Promise.all([...current.connections.keys()].map((name) => viewOf(installation, current, name)));
  await invocation.output.value(views);
  if (views.length === 0) await invocation.output.say("There are no connections yet. Make one: entrain connection add");
  else {
    const rows = views.map((view) => [
      view.name,
      view.cloud,
      view.tenant,
      String(view.people),
      String(view.groups),
      timeInWords(view.readAt),
    ]);
    await invocation.output.table(["NAME", "CLOUD", "TENANT", "PEOPLE", "GROUPS", "LAST READ"], rows);
  }
  return undefined;
}

interface Reconciled {
  readonly at: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

interface ConnectionView {
  readonly name: string;
  readonly id: string;
  readonly cloud: string;
  readonly tenant: string;
  readonly client: string;
  readonly labels: readonly string[];
  readonly people: number;
  readonly groups: number;
  readonly contacts: number;
  readonly readAt: number | null;
  /** Why the last read ended early, by kind. */
  readonly incomplete: readonly { readonly kind: string; readonly code: string; readonly detail: string }[];
  /** What reading everything again found last that no delta had told, by kind. */
  readonly reconciled: readonly (Reconciled & { readonly kind: string })[];
  readonly reconcileEveryMs: number;
  /** Credentials that end soon, as far as it is known without asking anybody. */
  readonly warnings: readonly (ExpiryWarning | AgreementWarning)[];
  /** What an administrator agreed to, and whether Microsoft still goes by it. */
  readonly agreement: { readonly account: string; readonly state: string; readonly reason: string | null } | null;
}

async function viewOf(
  installation: Installation,
  current: CurrentConfiguration,
  name: string,
): Promise<ConnectionView> {
  const { store } = installation;
  const row = current.rows.connections.get(name);
  const entry = current.connections.get(name);
  const id = row?.id ?? "";
  const counts = await store.db
    .selectFrom("records")
    .select(["kind", sql<number>`count(*)`.as("count")])
    .where("connection", "=", id)
    .where("removed", "is", null)
    .groupBy("kind")
    .execute();
  const watermarks = await store.db.selectFrom("watermarks").selectAll().where("connection", "=", id).execute();
  const countOf = (kind: string): number => Number(counts.find((one) => one.kind === kind)?.count ?? 0);
  const grant = await findGrant(store, id);
  const now = store.clock.now();
  const readAt = Math.max(0, ...watermarks.map((one) => one.read_at ?? 0));
  return {
    name,
    id,
    cloud: entry?.cloud.kind ?? "",
    tenant: entry?.tenant ?? "",
    client: entry?.client ?? "",
    labels: entry?.labels ?? [],
    people: countOf("user"),
    groups: countOf("group"),
    contacts: countOf("contact"),
    readAt: readAt === 0 ? null : readAt,
    warnings: [...agreementWarnings(grant, name, now), ...(await foreseenWarnings(installation, id))],
    agreement: grant && { account: grant.account.username, state: grant.state, reason: grant.reason },
    incomplete: watermarks.flatMap(({ kind, incomplete }) =>
      incomplete === null ? [] : [{ kind, ...(JSON.parse(incomplete) as { code: string; detail: string }) }],
    ),
    reconciled: watermarks.flatMap(({ kind, reconciled }) =>
      reconciled === null ? [] : [{ kind, ...(JSON.parse(reconciled) as Reconciled) }],
    ),
    reconcileEveryMs: reconcileEveryMs(row ?? { uses: null }),
  };
}

async function showConnection(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const installation = await invocation.open();
  await findRow(installation, "connections", name);
  const current = await loadConfiguration(installation.store);
  const view = await viewOf(installation, current, name);
  const entry = current.connections.get(name);
  const configuration = entry === undefined ? {} : plainConnection(entry);
  await invocation.output.value({ ...view, configuration });
  await invocation.output.say(
    `${name} (${view.id})`,
    `cloud      ${view.cloud}`,
    `tenant     ${view.tenant}`,
    `client     ${view.client}`,
    ...(entry?.credential ?? []).map(
      (one, at) => `${at === 0 ? "credential" : "          "} ${credentialInWords(one)}`,
    ),
    `labels     ${view.labels.join(", ") || "none"}`,
    `changes    ${await changesInWords(installation.store, view.id)}`,
    `directory  ${view.people} people, ${view.groups} groups${view.contacts === 0 ? "" : `, ${view.contacts} contacts`}; last read ${timeInWords(view.readAt)}`,
    ...reconciledInWords(view).map((line, at) => `${at === 0 ? "read again" : "          "} ${line}`),
    ...view.incomplete.map(({ kind, detail }) => `incomplete ${kind}s: ${detail}`),
    ...view.warnings.map((one) => `warning    ${warningInWords(one)}`),
  );
  return undefined;
}

/** Reading everything again finds what no delta told: it shows how far the deltas can be trusted. */
function reconciledInWords({ reconciled, reconcileEveryMs: every }: ConnectionView): readonly string[] {
  const often = `every ${formatDuration(every)}`;
  if (reconciled.length === 0) return [`within a day of the first full read, then ${often}`];
  const found = reconciled.map(({ kind, at, added, changed, removed }) => {
    const what = kind === "user" ? "people" : `${kind}s`;
    return `${timeInWords(at)}, ${what}: ${added} had come, ${changed} had changed and ${removed} had gone untold`;
  });
  return [often, ...found];
}

async function verifyConnection(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<1 | undefined> {
  const installation = await invocation.open();
  const row = await findRow(installation, "connections", name);
  const { output, signal, world } = invocation;
  const until = world.clock.now() + waitOf(options) * 1000;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const source = await installation.engine.openSource(row);
    const checks = await source.verify(signal).finally(() => source.close());
    const ok = allOk(checks);
    if (ok || !mayMend(checks) || world.clock.now() + pause > until) {
      await output.value({ ok, checks });
      await printChecks(output, checks);
      await output.say(verdictOn(name, checks));
      return ok ? undefined : 1;
    }
    const failed = checks.flatMap((check) => (check.ok ? [] : [check.name]));
    output.remark(`Not yet: ${failed.join(", ")}. Trying again …`);
    await world.clock.sleep(pause, signal);
  }
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
const USUAL_WAIT_S = 600;

function waitOf(options: Options): number {
  if (options.wait === undefined) return 0;
  return options.wait === true ? USUAL_WAIT_S : numberOption(options, "wait", { min: 1, max: 86_400 });
}

async function linkConsent(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const origin = redirectOriginOf(textOption(options, "publicUrl") ?? "");
  const installation = await invocation.open();
  const row = await findRow(installation, "connections", name);
  const link = await createConsentLink(installation.store, row, origin);
  await invocation.output.value(link);
  await invocation.output.say(
    "Open this link, or send it to an administrator (Privileged Role Administrator or Global Administrator):",
    link.url,
    "It works once and for seven days. This redirect URI must be registered with the application, under Web:",
    link.redirectUri,
    `Then watch it spread: entrain connection verify ${name} --wait`,
  );
  return undefined;
}

/** How changes become known: told by Microsoft, or polled, and why. */
async function changesInWords(store: Store, connection: string): Promise<string> {
  const rows = await subscriptionRows(store, connection);
  const now = store.clock.now();
  const told = rows.filter(({ graph_id, expires_at }) => graph_id !== null && now < expires_at);
  const failure = rows.find((row) => row.failure !== null)?.failure ?? null;
  if (told.length > 0) return `told by Microsoft, for ${told.map(({ watched }) => watched).join(" and ")}`;
  if (failure !== null) return `polled, because Microsoft does not tell of them: ${failure}`;
  return "polled (serve with --public-url lets Microsoft tell of them)";
}
