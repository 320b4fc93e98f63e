import type { Mapping } from "@entrain/core";
import { startWorker } from "./runs/work.ts";
import type { RunReport } from "./runs/worker.ts";
import { type BenchmarkOptions, median, type Table } from "./table.ts";
import { startTenant } from "./tenant/tenant.ts";

export const name = "planning";

const ROUNDS = 5;

/** Twenty attributes as they are. */
const DIRECT: Mapping = {
  externalId: { direct: "id" },
  userPrincipalName: { direct: "userPrincipalName" },
  displayName: { direct: "displayName" },
  givenName: { direct: "givenName" },
  surname: { direct: "surname" },
  mail: { direct: "mail" },
  jobTitle: { direct: "jobTitle" },
  department: { direct: "department" },
  companyName: { direct: "companyName" },
  employeeId: { direct: "employeeId" },
  officeLocation: { direct: "officeLocation" },
  country: { direct: "country" },
  mobilePhone: { direct: "mobilePhone" },
  businessPhone: { direct: "businessPhones.0" },
  preferredLanguage: { direct: "preferredLanguage" },
  city: { direct: "city" },
  state: { direct: "state" },
  postalCode: { direct: "postalCode" },
  mailNickname: { direct: "mailNickname" },
  userType: { direct: "userType" },
};

/** The same twenty, each made of its attribute and others by what administrators write. */
const EXPRESSIONS: Mapping = {
  externalId: { direct: "id" },
  userPrincipalName: { expression: "ToLower([userPrincipalName])" },
  displayName: { expression: 'Coalesce([displayName], Join(" ", [givenName], [surname]))' },
  givenName: { expression: "NormalizeDiacritics([givenName])" },
  surname: { expression: "ToUpper(NormalizeDiacritics([surname]))" },
  mail: { expression: "ToLower(Coalesce([mail], [userPrincipalName]))" },
  jobTitle: { expression: 'IIF(IsPresent([jobTitle]), [jobTitle], "Employee")' },
  department: {
    expression: 'Switch([department], [department], "Sales", "S-100", "Finance", "F-200", "Engineering", "E-300")',
  },
  companyName: { expression: 'Append(Coalesce([companyName], "Contoso"), " Group")' },
  employeeId: { expression: 'Replace([employeeId], , "^0+", , "", , )' },
  officeLocation: { expression: 'Word(Coalesce([officeLocation], "Head Office"), 1, " ")' },
  country: { expression: 'Switch([country], [country], "Germany", "DE", "France", "FR", "United States", "US")' },
  mobilePhone: { expression: 'Replace([mobilePhone], , "[()\\\\s-]+", , "", , )' },
  businessPhone: { expression: "Item([businessPhones], 1)" },
  preferredLanguage: { expression: "Left([preferredLanguage], 2)" },
  city: { expression: "PCase([city])" },
  state: { expression: 'IIF([country] = "United States", [state], "")' },
  postalCode: { expression: "StripSpaces([postalCode])" },
  mailNickname: {
    expression:
      'ToLower(Join(".", StripSpaces(NormalizeDiacritics([givenName])), StripSpaces(NormalizeDiacritics([surname]))))',
  },
  userType: { expression: 'IIF([userType] = "Guest", "external", "internal")' },
};

/** Planning everyone anew, with attributes as they are and with expressions. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  progress("building the tenant's pages");
  const tenant = await startTenant(quick ? 3_000 : 100_000);
  const sides = [
    { of: "20 direct mappings", mapping: DIRECT, reports: [] as RunReport[] },
    { of: "19 expressions and 1 direct mapping", mapping: EXPRESSIONS, reports: [] as RunReport[] },
  ];
  try {
    const worker = await startWorker(tenant, { target: "csv" });
    progress("reading everyone, and planning once");
    for (const { mapping } of sides) await worker.plan({ mapping, matching: ["externalId"] });
    for (let round = 0; round < (quick ? 1 : ROUNDS); round += 1) {
      for (const side of sides) {
        const report = await worker.plan({ mapping: side.mapping, matching: ["externalId"] });
        side.reports.push(report);
        progress(`round ${round + 1}, ${side.of}: ${(report.planMs / 1000).toFixed(1)} s`);
      }
    }
    await worker.close();
  } finally {
    await tenant.stop();
  }
  const [direct, made] = sides;
  const ratios = (made?.reports ?? []).map(({ planMs }, at) => planMs / (direct?.reports[at]?.planMs ?? 1));
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  return {
    title: `Planning ${tenant.people.toLocaleString("en-US")} people with 20 mapped attributes`,
    method:
      "Everyone is planned as new from the directory, nothing applied: scope, mapping, matching, the plan's rows, its order and its digest. " +
      `Both sides take turns in one process, ${ratios.length} rounds; medians, and the ratio within a round (least to most).`,
    columns: ["mapping", "seconds", "people/s", "ratio"],
    rows: sides.map(({ of, reports }, at) => {
      const seconds = median(reports.map(({ planMs }) => planMs)) / 1000;
      return [of, seconds, tenant.people / seconds, at === 0 ? "1" : `${median(ratios).toFixed(2)} (${range})`];
    }),
    bars: [
      {
        claim: "planning with expressions takes at most 2 × as long as with direct mappings",
        value: median(ratios),
        limit: 2,
      },
    ],
  };
}
