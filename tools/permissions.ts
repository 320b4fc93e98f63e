import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
/** "Microsoft Graph permissions reference" by endpoint, as the reference data beside the project holds it. */
export const SOURCE: string = join(ROOT, "..", "shared", "graph", "permissions-by-endpoint.json");
export const TABLE: string = join(ROOT, "packages", "connectors", "src", "entra", "permission-table.ts");

/** The endpoints that Entrain's features use, in Entrain's spelling. */
const USED = [
  "GET /organization",
  "GET /users",
  "GET /users/{id}/manager",
  "GET /users/delta",
  "GET /groups",
  "GET /groups/{id}/members",
  "GET /groups/delta",
  "GET /applications",
  "GET /servicePrincipals",
  "GET /servicePrincipals/{id}/appRoleAssignedTo",
  "GET /auditLogs/signIns",
  "GET /identity/conditionalAccess/policies",
  "GET /identityGovernance/accessReviews/definitions",
] as const;

/** What the reference data does not hold, each from its page ("Permissions" section). */
const FROM_PAGES: { readonly [endpoint: string]: Permissions } = {
  // "List orgContacts", "orgContact: delta"
  "GET /contacts/delta": both(["OrgContact.Read.All*", "Directory.Read.All", "Directory.ReadWrite.All"]),
  // "Get profilePhoto", the photo of a user
  "GET /users/{id}/photo": both([
    "ProfilePhoto.Read.All*",
    "ProfilePhoto.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
  ]),
  // "List subscribedSkus"
  "GET /subscribedSkus": both([
    "LicenseAssignment.Read.All*",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
  ]),
};

interface Permissions {
  readonly DelegatedWork?: readonly string[];
  readonly Application?: readonly string[];
}

function both(names: readonly string[]): Permissions {
  return { DelegatedWork: names, Application: names };
}

/** The table's source text. `*` marks an endpoint's least permissions in the reference data, and goes first here. */
export function tableOf(reference: { readonly [endpoint: string]: Permissions }): string {
  const endpoints = [
    ...USED.map((name) => [name, reference[name.replace(/\/.*/, (path) => path.toLowerCase())]] as const),
  ];
  const lines = [...endpoints, ...Object.entries(FROM_PAGES)].map(([name, found]) => {
    if (found === undefined) throw new Error(`The reference data has no ${name}.`);
    const list = (names: readonly string[] = []): string => JSON.stringify(names.map(plain).filter(unique));
    return `  ${JSON.stringify(name)}: { application: ${list(found.Application)}, delegated: ${list(found.DelegatedWork)} },`;
  });
  const names = [...USED, ...Object.keys(FROM_PAGES)];
  return [
    `export type Endpoint = ${names.map((name) => JSON.stringify(name)).join(" | ")};`,
    "",
    "interface Permissions {",
    "  readonly application: readonly string[];",
    "  readonly delegated: readonly string[];",
    "}",
    "",
    "/**",
    ' * Which permissions open an endpoint, the least ones first; any one of them does ("Microsoft Graph permissions',
    ' * reference"). Made by `node tools/permissions.ts`; do not edit.',
    " */",
    "export const ENDPOINTS: Readonly<Record<Endpoint, Permissions>> = {",
    ...lines,
    "};",
    "",
  ].join("\n");
}

/** Some entries say what else is needed with them. */
function plain(name: string): string {
  return name.replace(/\*?( \(also: .*\))?$/, "");
}

function unique(name: string, at: number, all: readonly string[]): boolean {
  return all.indexOf(name) === at;
}

if (import.meta.main) {
  writeFileSync(TABLE, tableOf(JSON.parse(readFileSync(SOURCE, "utf8"))));
  execFileSync(join(ROOT, "node_modules", ".bin", "biome"), ["check", "--write", TABLE], { stdio: "inherit" });
}
