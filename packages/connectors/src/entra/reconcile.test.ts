import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { SourceKind, SourcePage, Watermark } from "@entrain/core";
import { type Answer, type Call, type FakeTenant, graphCalls, readAll, rigFor, START, startTenant } from "./testing.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

/** A tenant of one person and one group; each delta link is numbered behind the one before. */
async function tenantOf(override: (call: Call) => Answer | null = () => null): Promise<FakeTenant> {
  const tenant = await startTenant((call, origin) => {
    const special = override(call);
    if (special !== null) return special;
    if (call.path.endsWith("/$count")) return { body: "1" };
    if (call.path.endsWith("/delta")) {
      const token = call.query.get("$deltatoken");
      const next = token === "latest" ? 1 : Number(token) + 1;
      return { body: { "@odata.deltaLink": `${origin}${call.path}?$deltatoken=${next}`, value: [] } };
    }
    return { body: { value: call.path.endsWith("/members") ? [] : [{ id: "one" }] } };
  });
  tenants.push(tenant);
  return tenant;
}

interface Read {
  readonly pages: readonly SourcePage[];
  readonly watermark: Watermark;
  readonly calls: readonly string[];
}

/** One process's read at a time after the start. */
async function readAt(tenant: FakeTenant, ms: number, from: Read | null, kind: SourceKind = "user"): Promise<Read> {
  const before = graphCalls(tenant).length;
  const { source } = rigFor(tenant.origin, { clock: { now: () => START + ms } });
  try {
    const pages = await readAll(source, kind, from?.watermark ?? null);
    const watermark = pages.at(-1)?.watermark;
    assert.ok(watermark !== undefined);
    return { pages, watermark, calls: graphCalls(tenant).slice(before) };
  } finally {
    await source.close();
  }
}

const begins = ({ pages }: Read): boolean => pages.some((page) => page.begins);

for (const kind of ["user", "group"] as const) {
  test(`reads every ${kind} again within a day of the first full round, and then every week`, async () => {
    const tenant = await tenantOf();
    const first = await readAt(tenant, 0, null, kind);
    const soon = await readAt(tenant, 19 * HOUR, first, kind);
    assert.equal(begins(soon), false);
    const again = await readAt(tenant, 20 * HOUR, soon, kind);
    assert.equal(begins(again), true);
    const later = await readAt(tenant, 7 * DAY, again, kind);
    assert.equal(begins(later), false);
    assert.equal(begins(await readAt(tenant, 8 * DAY, later, kind)), true);
  });
}

test("goes on with the delta link that the last read ended with, so that what a lagging replica hid is told again", async () => {
  const tenant = await tenantOf();
  const first = await readAt(tenant, 0, null);
  const again = await readAt(tenant, DAY, first);
  assert.equal(
    again.calls.some((call) => call.includes("deltatoken=latest")),
    false,
  );
  assert.equal(again.calls.at(-1), "GET /users/delta?$deltatoken=2");
});

test("takes a round that an expired token made begin for a first one", async () => {
  let expired = false;
  const gone: Answer = { status: 410, body: {} };
  const isOld = (call: Call): boolean => call.path.endsWith("/delta") && call.query.get("$deltatoken") !== "latest";
  const tenant = await tenantOf((call) => {
    if (!expired || !isOld(call)) return null;
    expired = false;
    return gone;
  });
  const first = await readAt(tenant, 0, null);
  const again = await readAt(tenant, DAY, first);
  expired = true;
  const anew = await readAt(tenant, 2 * DAY, again);
  assert.equal(begins(anew), true);
  assert.equal(begins(await readAt(tenant, 3 * DAY, anew)), true);
});
