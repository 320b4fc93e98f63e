import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createTransport } from "../../packages/connectors/src/shared/http.ts";
import { WRITER_PRAGMAS } from "../../packages/server/src/store/open.ts";
import { CONNECTION, openInstallation } from "../installation.ts";
import { FIRST_PAGE } from "../tenant/pages.ts";
import type { TenantAddress } from "../tenant/tenant.ts";
import { contentOf } from "./content.ts";
import type { ReadTiming } from "./timing.ts";

/** A user as the pages hold one. */
export interface Person {
  readonly id: string;
  readonly manager?: { readonly id: string } | null;
  readonly [attribute: string]: unknown;
}

interface Page {
  readonly value: readonly Person[];
  readonly "@odata.nextLink"?: string;
}

/** Fetches each page with the product's transport, parses it and inserts its rows; the next page is on its way meanwhile. */
export async function readOnTheFloor(address: TenantAddress, scheme: "http" | "https"): Promise<ReadTiming> {
  const signal = new AbortController().signal;
  const transport = createTransport(scheme === "https" ? { ca: address.ca } : {});
  const fetchPage = async (link: string): Promise<string> =>
    (await transport.send({ method: "GET", url: new URL(link), headers: {} }, signal)).text;
  try {
    return await onFloor(address, scheme, async (insert) => {
      let coming = fetchPage(address[scheme] + FIRST_PAGE);
      for (;;) {
        const page = JSON.parse(await coming) as Page;
        const next = page["@odata.nextLink"];
        if (next !== undefined) coming = fetchPage(next);
        insert(page.value);
        if (next === undefined) return;
      }
    });
  } finally {
    await transport.close();
  }
}

/**
 * Times a read into the product's own tables: same file, pragmas and transaction size, one prepared statement, and no logic.
 * `read` gets the function that inserts a page of people in one transaction.
 */
export async function onFloor(
  address: TenantAddress,
  scheme: "http" | "https",
  read: (insert: (people: readonly Person[]) => void) => Promise<void>,
): Promise<ReadTiming> {
  const installation = await openInstallation(address, scheme);
  const file = new DatabaseSync(join(installation.folder, "entrain.sqlite"));
  try {
    for (const pragma of WRITER_PRAGMAS) file.exec(`pragma ${pragma}`);
    const statement = file.prepare(
      "insert into records (connection, id, kind, attributes, manager, removed, doubtful, sequence, round) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let sequence = 0;
    const insert = (people: readonly Person[]): void => {
      file.exec("begin immediate");
      for (const { id, manager, ...attributes } of people) {
        sequence += 1;
        statement.run(CONNECTION, id, "user", JSON.stringify(attributes), manager?.id ?? null, null, 0, sequence, 1);
      }
      file.exec("commit");
    };
    const begun = performance.now();
    await read(insert);
    const ms = performance.now() - begun;
    return { ms, ...contentOf(installation.folder) };
  } finally {
    file.close();
    await installation.close();
  }
}
