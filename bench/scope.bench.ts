import type { Scope } from "@entrain/core";
import { startWorker } from "./runs/work.ts";
import type { RunReport } from "./runs/worker.ts";
import { type BenchmarkOptions, median, type Table } from "./table.ts";
import { startTenant } from "./tenant/tenant.ts";

export const name = "scope";

const ROUNDS = 3;
const DELTA = /\/delta$/;

/** Scopes of everyone in the directory, as an operator may change from one to the next. */
const SCOPES: readonly (readonly [name: string, scope: Scope])[] = [
  ["everyone", {}],
  [
    "one filter of two clauses",
    { filters: [[equals("country", "Germany"), { attribute: "jobTitle", operator: "IS NOT NULL" }]] },
  ],
  [
    "ten filters, with patterns, dates, bits and lists",
    {
      filters: [
        [equals("department", "Nobody's")],
        [equals("country", "Nowhere")],
        [{ attribute: "userPrincipalName", operator: "REGEX MATCH", value: "^[xyz].*@" }],
        [{ attribute: "displayName", operator: "NOT REGEX MATCH", value: "[a-z]" }],
        [{ attribute: "employeeHireDate", operator: "Greater_Than", value: "2025-06-01" }],
        [{ attribute: "employeeId", operator: "&", value: "1023" }],
        [{ attribute: "proxyAddresses", operator: "ENDS_WITH", value: "@nowhere.example" }],
        [{ attribute: "mail", operator: "Includes", value: "zz" }],
        [{ attribute: "onPremisesExtensionAttributes.extensionAttribute1", operator: "IS NOT NULL" }],
        [equals("city", "Nowhere")],
      ],
    },
  ],
  ["the manager's department", { filters: [[{ attribute: "manager.department", operator: "IS NOT NULL" }]] }],
  ["people only, without guests and disabled", { peopleOnly: true, guests: "exclude", disabled: "exclude" }],
];

/** Planning a changed scope: everyone is looked at anew in the directory, and Graph is asked only for what changed meanwhile. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  progress("building the tenant's pages");
  const tenant = await startTenant(quick ? 3_000 : 100_000);
  const reports = SCOPES.map((): RunReport[] => []);
  let read: readonly string[] = [];
  try {
    const worker = await startWorker(tenant);
    read = graph((await worker.run()).requests);
    for (let round = 0; round < (quick ? 1 : ROUNDS); round += 1) {
      for (const [at, [of, scope]] of SCOPES.entries()) {
        const report = await worker.plan({ scope });
        reports[at]?.push(report);
        progress(`round ${round + 1}, ${of}: ${(report.ms / 1000).toFixed(1)} s`);
      }
    }
    await worker.close();
  } finally {
    await tenant.stop();
  }
  const rows = SCOPES.map(([of], at) => {
    const seconds = median((reports[at] ?? []).map(({ ms }) => ms)) / 1000;
    const requests = graph(reports[at]?.at(-1)?.requests ?? []);
    const deltas = requests.filter((path) => DELTA.test(path)).length;
    const changes = Object.values(reports[at]?.[0]?.counts ?? {}).reduce(
      (sum: number, count) => sum + Number(count),
      0,
    );
    return [of, seconds, tenant.people / seconds, changes.toLocaleString("en-US"), deltas, requests.length - deltas];
  });
  const others = rows.reduce((sum, row) => sum + Number(row[5]), 0);
  return {
    title: `A changed scope over ${tenant.people.toLocaleString("en-US")} people`,
    method:
      `Everyone is in the portal after a first run that asked Graph ${read.length.toLocaleString("en-US")} times; then the sync gets another scope and is planned, nothing applied. ` +
      `Seconds are the medians of ${reports[0]?.length ?? 0} plans each, the delta's request included.`,
    columns: ["scope", "seconds", "people/s", "changes planned", "requests of the delta", "other requests of Graph"],
    rows,
    bars: [
      { claim: "a changed scope is planned without asking Graph for anything but the delta", value: others, limit: 0 },
    ],
  };
}

/** What was asked of Graph: signing in is no reading. */
function graph(requests: readonly string[]): readonly string[] {
  return requests.filter((path) => path.startsWith("/v1.0/"));
}

function equals(attribute: string, value: string): NonNullable<Scope["filters"]>[number][number] {
  return { attribute, operator: "EQUALS", value };
}
