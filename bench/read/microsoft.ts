import { Client, PageIterator } from "@microsoft/microsoft-graph-client";
import { FIRST_PAGE } from "../tenant/pages.ts";
import type { TenantAddress } from "../tenant/tenant.ts";
import { onFloor, type Person } from "./floor.ts";
import type { ReadTiming } from "./timing.ts";

const TRANSACTION = 999;

/** Microsoft's client and its PageIterator in place of our reading; people go to the floor's inserts, as many at a time. */
export async function readWithMicrosoft(address: TenantAddress, scheme: "http" | "https"): Promise<ReadTiming> {
  const origin = address[scheme];
  const client = Client.init({
    baseUrl: `${origin}/`,
    customHosts: new Set([new URL(origin).hostname]),
    authProvider: (done) => done(null, "not-looked-at"),
  });
  return onFloor(address, scheme, async (insert) => {
    let batch: Person[] = [];
    const first = await client.api(origin + FIRST_PAGE).get();
    const pages = new PageIterator(client, first, (person: Person) => {
      batch.push(person);
      if (batch.length === TRANSACTION) {
        insert(batch);
        batch = [];
      }
      return true;
    });
    await pages.iterate();
    insert(batch);
  });
}
