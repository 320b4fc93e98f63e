import { cloudProblems, type FeatureName, USUAL_FEATURES } from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import type { CloudEntry } from "../config/document.ts";

/** What a connection is to be set up with, checked: its texts may stand in a script as they are. */
export interface Setup {
  /** The connection's name. */
  readonly name: string;
  readonly displayName: string;
  /** Tenant id or domain; null where only steps are shown. */
  readonly tenant: string | null;
  readonly cloud: CloudEntry;
  /** The application's id where it is registered already: links then lead to its own pages. */
  readonly client: string | null;
  readonly features: readonly FeatureName[];
  readonly permissions: readonly string[];
  readonly credential: "secret" | "certificate";
  readonly days: number;
  readonly multiTenant: boolean;
  readonly redirectUris: readonly string[];
}

/** The admin centre of each of Microsoft's clouds ("National clouds", portal endpoints). */
export function portalOf({ kind }: CloudEntry): string {
  if (kind === "usgov" || kind === "usgov-dod") return "https://entra.microsoft.us";
  return kind === "china" ? "https://entra.microsoftonline.cn" : "https://entra.microsoft.com";
}

/** What an address may be made of to stand in a script as it is. */
const PLAIN_ADDRESS = /^https?:\/\/[A-Za-z0-9.:[\]-]+(?:\/[A-Za-z0-9._~/-]*)?$/;
const DISPLAY_NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$/;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const CLIENT = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Refuses texts that could be more than themselves in a script. @throws ConnectorError `usage` */
export function checkSetup({ name, displayName, client, cloud }: Setup): void {
  if (!NAME.test(name)) throw usage("The connection's name must be letters, digits, dots and dashes.");
  if (!DISPLAY_NAME.test(displayName)) {
    throw usage(
      "The application's name must be up to 100 letters, digits, blanks, dots, dashes and underscores, the first a letter or digit.",
    );
  }
  if (client !== null && !CLIENT.test(client)) throw usage("The client must be an application (client) id.");
  if (cloud.kind !== "custom") return;
  for (const address of [cloud.login, cloud.graph]) {
    if (PLAIN_ADDRESS.test(address)) continue;
    throw usage("A cloud's address must be like https://login.contoso.com, of letters, digits, dots and dashes.");
  }
  const [problem] = cloudProblems(cloud);
  if (problem !== undefined) throw usage(`${problem.detail} ${problem.fix}`);
}

/** The features that a connection's configuration names: people and groups are everybody's. */
export function namedFeatures({ features }: Pick<Setup, "features">): readonly FeatureName[] {
  return features.filter((one) => !USUAL_FEATURES.includes(one));
}

/** The line that connects what was registered; its secret stands in a file of its own. */
export function addLine(setup: Setup, client: string, file: string): string {
  const { name, tenant, cloud, credential } = setup;
  const features = namedFeatures(setup);
  const addresses = cloud.kind === "custom" ? ` --login ${cloud.login} --graph ${cloud.graph}` : "";
  const where = cloud.kind === "global" ? "" : ` --cloud ${cloud.kind}${addresses}`;
  const way = credential === "secret" ? `--secret-file ${file}` : `--certificate-file ${file}`;
  const uses = features.length === 0 ? "" : ` --features ${features.join(",")}`;
  return `entrain connection add ${name} --tenant ${tenant ?? "TENANT-ID"} --client ${client}${where}${uses} ${way}`;
}

function usage(message: string): ConnectorError {
  return new ConnectorError("usage", message, { stops: "run", retry: "never" });
}
