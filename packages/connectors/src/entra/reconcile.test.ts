import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ConnectorError, type SourceKind, type SourcePage, type Watermark } from "@entrain/core";
import { type Answer, type Call, type FakeTenant, graphCalls, rigFor, START, startTenant } from "./testing.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
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
  /** The code of the fault that ended it. */
  readonly fault: string | null;
}

/** One process's read at a time after the start, to its end or to a fault. */
async function tryAt(
  tenant: FakeTenant,
  ms: number,
  from: Pick<Read, "watermark"> | null,
  kind: SourceKind = "user",
): Promise<Read> {
  const before = graphCalls(tenant).length;
  const { source } = rigFor(tenant.origin, { clock: { now: () => START + ms } });
  const pages: SourcePage[] = [];
  let fault: string | null = null;
  try {
    for await (const page of source.read(kind, from?.watermark ?? null, new AbortController().signal)) pages.push(page);
  } catch (error) {
    assert.ok(error instanceof ConnectorError, String(error));
    fault = error.code;
  } finally {
    await source.close();
  }
  const watermark = pages.at(-1)?.watermark ?? from?.watermark;
  assert.ok(watermark !== undefined);
  return { pages, watermark, calls: graphCalls(tenant).slice(before), fault };
}

/** One process's read that ends well. */
async function readAt(...how: Parameters<typeof tryAt>): Promise<Read> {
  const read = await tryAt(...how);
  assert.equal(read.fault, null);
  return read;
}

const begins = ({ pages }: Read): boolean => pages.some((page) => page.begins);
/** Whether it counts as a reconciliation. */
const repeats = ({ pages }: Read): boolean => pages.some((page) => page.repeats === true);
const asksLatest = ({ calls }: Read): boolean => calls.some((call) => call.includes("deltatoken=latest"));
/** Requests for changes behind an earlier link. */
const isChange = (call: Call): boolean => call.path.endsWith("/delta") && call.query.get("$deltatoken") !== "latest";

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

for (const ago of [5 * MINUTE, HOUR, 5 * HOUR]) {
  test(`goes on with a link from before a read of ${ago / MINUTE} minutes ago, so that what that read told is told again`, async () => {
    const tenant = await tenantOf();
    const first = await readAt(tenant, 0, null);
    const told = await readAt(tenant, 20 * HOUR - ago, first);
    assert.equal(told.calls.at(-1), "GET /users/delta?$deltatoken=2");
    const again = await readAt(tenant, 20 * HOUR, told);
    assert.equal(begins(again), true);
    assert.equal(again.calls.at(-1), "GET /users/delta?$deltatoken=2");
  });
}

test("keeps a link of some hours ago, however often changes are read", async () => {
  const tenant = await tenantOf();
  let read = await readAt(tenant, 0, null);
  const endedAt = new Map<string, number>([["2", 0]]);
  for (let at = 14 * MINUTE; at < 20 * HOUR; at += 14 * MINUTE) {
    read = await readAt(tenant, at, read);
    assert.equal(begins(read), false);
    const link = /deltatoken=(\d+)/.exec(read.calls.at(-1) ?? "")?.[1];
    endedAt.set(`${Number(link) + 1}`, at);
  }
  const again = await readAt(tenant, 20 * HOUR, read);
  const link = /deltatoken=(\d+)/.exec(again.calls.at(-1) ?? "")?.[1] ?? "";
  const age = 20 * HOUR - (endedAt.get(link) ?? 0);
  assert.ok(age >= 6 * HOUR && age <= 13 * HOUR, `${age / HOUR} hours`);
});

test("waits for changes that were told before to be told again, for an hour at most", async () => {
  let told: readonly string[] = [];
  const tenant = await tenantOf((call) => {
    const next = Number(call.query.get("$deltatoken")) + 1;
    if (!isChange(call) || told.length === 0) return null;
    return {
      body: {
        "@odata.deltaLink": `${tenant.origin}${call.path}?$deltatoken=${next}`,
        value: told.map((id) => ({ id })),
      },
    };
  });
  const first = await readAt(tenant, 0, null);
  told = ["one", "two"];
  const before = await readAt(tenant, 19 * HOUR, first);
  told = ["one"];
  const lagging = await tryAt(tenant, 20 * HOUR, before);
  assert.deepEqual([begins(lagging), lagging.fault], [true, "server_failed"]);
  assert.equal(
    lagging.pages.some(({ round, records }) => round === "delta" && records.length > 0),
    false,
  );
  const still = await tryAt(tenant, 20 * HOUR + 10 * MINUTE, lagging);
  assert.deepEqual([still.fault, still.calls], ["server_failed", ["GET /users/delta?$deltatoken=2"]]);
  told = ["two", "one"];
  const well = await readAt(tenant, 20 * HOUR + 20 * MINUTE, still);
  assert.deepEqual(well.calls, ["GET /users/delta?$deltatoken=2"]);
  told = ["one"];
  const given = await readAt(tenant, 21 * HOUR, still);
  assert.equal(given.pages.at(-1)?.complete, true, "what came and went in between is never told again");
});

test("goes on from a position of an earlier version, and reads everything again once a link is old enough", async () => {
  const tenant = await tenantOf();
  const first = await readAt(tenant, 0, null);
  const old = { ...(JSON.parse(first.watermark) as Record<string, unknown>) };
  for (const name of ["kept", "anew", "failing", "failed"]) delete old[name];
  old.full = { at: START, repeated: false };
  const taken = await readAt(tenant, DAY, { watermark: JSON.stringify(old) as Watermark });
  assert.deepEqual(taken.calls, ["GET /users/delta?$deltatoken=2"]);
  const again = await readAt(tenant, DAY + 15 * MINUTE, taken);
  assert.equal(begins(again), true);
  assert.equal(again.calls.at(-1), "GET /users/delta?$deltatoken=3");
});

test("repeats within about an hour a round that an expired token made begin, for it may have lagged", async () => {
  let expired = false;
  const gone: Answer = { status: 410, body: {} };
  const tenant = await tenantOf((call) => {
    if (!expired || !isChange(call)) return null;
    expired = false;
    return gone;
  });
  const first = await readAt(tenant, 0, null);
  const again = await readAt(tenant, DAY, first);
  expired = true;
  const anew = await readAt(tenant, 2 * DAY, again);
  assert.equal(begins(anew), true);
  const soon = await readAt(tenant, 2 * DAY + 50 * MINUTE, anew);
  assert.equal(begins(soon), false);
  const repeated = await readAt(tenant, 2 * DAY + HOUR, soon);
  assert.equal(begins(repeated), true);
  assert.equal(asksLatest(repeated), false);
  const within = await readAt(tenant, 2 * DAY + 20 * HOUR, repeated);
  assert.equal(begins(within), false);
  const second = await readAt(tenant, 2 * DAY + 21 * HOUR, within);
  assert.equal(begins(second), true, "once more within a day, as behind any round that took the latest link");
  const weekly = await readAt(tenant, 9 * DAY, second);
  assert.equal(begins(weekly), false);
  assert.equal(begins(await readAt(tenant, 10 * DAY, weekly)), true);
});

for (const status of [429, 500, 503, 504]) {
  test(`reads without a count that is answered with ${status}`, async () => {
    const tenant = await tenantOf((call) => (call.path.endsWith("/$count") ? { status, body: {} } : null));
    const first = await readAt(tenant, 0, null);
    assert.equal(first.pages[0]?.expected, undefined);
    assert.equal(first.pages.at(-1)?.complete, true);
  });
}

for (const kind of ["user", "group"] as const) {
  test(`goes on with changes when a repeated round of ${kind}s fails, says so, and tries it again later`, async () => {
    let failing = false;
    const list = `/v1.0/${kind}s`;
    const tenant = await tenantOf((call) => (failing && call.path === list ? { status: 500, body: {} } : null));
    const first = await readAt(tenant, 0, null, kind);
    failing = true;
    const without = await readAt(tenant, DAY, first, kind);
    assert.equal(without.calls.at(-1), `GET /${kind}s/delta?$deltatoken=2`);
    assert.equal(without.pages[0]?.gaveUp?.code, "server_failed");
    assert.deepEqual([without.pages[0]?.round, without.pages[0]?.complete], ["delta", true]);
    const soon = await readAt(tenant, DAY + 50 * MINUTE, without, kind);
    assert.deepEqual(soon.calls, [`GET /${kind}s/delta?$deltatoken=3`]);
    const second = await readAt(tenant, DAY + HOUR, soon, kind);
    assert.equal(second.pages[0]?.gaveUp?.code, "server_failed");
    const third = await readAt(tenant, DAY + 2 * HOUR, second, kind);
    assert.equal(third.calls.length, 1, "each failure makes the next try wait twice as long");
    failing = false;
    assert.equal(begins(await readAt(tenant, DAY + 3 * HOUR, third, kind)), true);
  });
}

test("tells where to read on when a repeated round is found wanting", async () => {
  const tenant = await tenantOf();
  const first = await readAt(tenant, 0, null);
  assert.equal(first.pages[0]?.fallback, undefined);
  const [page] = (await readAt(tenant, DAY, first)).pages;
  assert.ok(page?.fallback?.changes);
  const without = await readAt(tenant, DAY + MINUTE, { watermark: page.fallback.changes });
  assert.deepEqual(without.calls, ["GET /users/delta?$deltatoken=2"]);
  const anew = await readAt(tenant, DAY + MINUTE, { watermark: page.fallback.again });
  assert.equal(begins(anew), true);
  assert.equal(anew.calls.at(-1), "GET /users/delta?$deltatoken=2");
  const later = await readAt(tenant, DAY + HOUR, without);
  assert.equal(begins(later), true);
});

test("begins anew when changes lead in circles, and no more often than every hour", async () => {
  let looping = false;
  const tenant = await tenantOf((call) => {
    if (!looping || !isChange(call)) return null;
    return { body: { "@odata.nextLink": call.url, value: [] } };
  });
  const first = await readAt(tenant, 0, null);
  looping = true;
  const anew = await tryAt(tenant, DAY / 2, first);
  assert.deepEqual([begins(anew), asksLatest(anew), anew.fault], [true, true, "link_loop"]);
  const soon = await tryAt(tenant, DAY / 2 + 50 * MINUTE, anew);
  assert.deepEqual([begins(soon), soon.fault], [false, "link_loop"]);
  const later = await tryAt(tenant, DAY / 2 + HOUR, soon);
  assert.deepEqual([begins(later), later.fault], [true, "link_loop"]);
  looping = false;
  assert.equal((await readAt(tenant, DAY / 2 + 65 * MINUTE, later)).pages.at(-1)?.complete, true);
});

test("begins anew when changes could not be read for a day, whatever the fault, and takes the latest link", async () => {
  let broken = false;
  const tenant = await tenantOf((call) =>
    broken && isChange(call) && call.query.get("$deltatoken") !== "1" ? { body: {} } : null,
  );
  const first = await readAt(tenant, 0, null);
  broken = true;
  let read = first;
  for (let at = DAY / 2; at < DAY / 2 + 20 * HOUR; at += 5 * HOUR) {
    read = await tryAt(tenant, at, read);
    assert.deepEqual([begins(read), read.fault], [false, "answer_invalid"]);
    assert.deepEqual(
      read.pages.map(({ failing, records }) => [failing, records.length]),
      at === DAY / 2 ? [[true, 0]] : [],
    );
  }
  const anew = await readAt(tenant, DAY / 2 + 20 * HOUR, read);
  assert.deepEqual([begins(anew), asksLatest(anew)], [true, true]);
});

test("goes on with changes after days in which nothing could be read at all", async () => {
  let down = false;
  const tenant = await tenantOf(() => (down ? { status: 503, body: {} } : null));
  const first = await readAt(tenant, 0, null);
  let read = first;
  down = true;
  for (let at = 10 * HOUR; at < 3 * DAY; at += 5 * HOUR) {
    read = await tryAt(tenant, at, read);
    assert.equal(read.fault, "server_failed");
  }
  down = false;
  const told = await readAt(tenant, 3 * DAY, read);
  assert.deepEqual(told.calls, ["GET /users/delta?$deltatoken=2"]);
  const again = await readAt(tenant, 3 * DAY + 15 * MINUTE, told);
  assert.deepEqual([begins(again), asksLatest(again)], [true, false]);
});

for (const kind of ["user", "group"] as const) {
  test(`goes on reading ${kind}s when a permission is taken away that others make up for`, async () => {
    const tenant = await tenantOf();
    const kept = ["User.Read.All", "GroupMember.Read.All"];
    tenant.roles = [...kept, "Directory.Read.All"];
    const first = await readAt(tenant, 0, null, kind);
    tenant.roles = kept;
    const second = await readAt(tenant, HOUR, first, kind);
    assert.equal(second.pages.at(-1)?.incomplete, undefined);
    tenant.roles = kind === "user" ? ["GroupMember.Read.All"] : ["User.Read.All"];
    const third = await readAt(tenant, 2 * HOUR, second, kind);
    assert.equal(third.pages.at(-1)?.incomplete?.code, "permission_lost");
  });
}

test("replays the changes of the last while when there are more permissions, for that full round may lag as well", async () => {
  const tenant = await tenantOf();
  const first = await readAt(tenant, 0, null);
  tenant.roles = [...(tenant.roles ?? []), "Directory.Read.All"];
  const more = await readAt(tenant, HOUR, first);
  assert.deepEqual([begins(more), asksLatest(more)], [true, false]);
  assert.equal(more.calls.at(-1), "GET /users/delta?$deltatoken=2");
});

test("calls a full round a repetition only when the same was read before, with the same permissions", async () => {
  let fails = false;
  const tenant = await tenantOf((call) => (fails && call.path === "/v1.0/users" ? { status: 500, body: {} } : null));
  const first = await readAt(tenant, 0, null);
  const again = await readAt(tenant, DAY, first);
  assert.deepEqual([repeats(first), begins(again), repeats(again)], [false, true, true]);
  tenant.roles = [...(tenant.roles ?? []), "Directory.Read.All"];
  fails = true;
  const failed = await readAt(tenant, 2 * DAY, again);
  fails = false;
  const more = await readAt(tenant, 3 * DAY, failed);
  assert.deepEqual([begins(more), repeats(more)], [true, false], "with the permission, though at a second attempt");
  const wider = { watermark: changed(more, { selection: "fewer attributes" }) };
  const anew = await readAt(tenant, 3 * DAY + HOUR, wider);
  assert.deepEqual([begins(anew), repeats(anew)], [true, false], "with other attributes");
  const soon = await readAt(tenant, 3 * DAY + 2 * HOUR, anew);
  assert.deepEqual([begins(soon), repeats(soon)], [true, true]);
  const within = await readAt(tenant, 4 * DAY, soon);
  assert.deepEqual([begins(within), repeats(within)], [true, true], "the one within a day still comes");
});

function changed({ watermark }: Read, to: object): Watermark {
  return JSON.stringify({ ...JSON.parse(watermark), ...to }) as Watermark;
}
