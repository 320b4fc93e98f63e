import type { FeatureName } from "@entrain/connectors/entra";
import type { CloudEntry } from "../../config/document.ts";

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

/** The line that connects what was registered; its secret stands in a file of its own. */
export function addLine({ name, tenant, cloud, credential }: Setup, client: string, file: string): string {
  const where = cloud.kind === "global" ? "" : ` --cloud ${cloud.kind}`;
  const way = credential === "secret" ? `--secret-file ${file}` : `--certificate-file ${file}`;
  return `entrain connection add ${name} --tenant ${tenant ?? "TENANT-ID"} --client ${client}${where} ${way}`;
}
