import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { SourcePage, Watermark } from "@entrain/core";
import { CLIENT, type FakeTenant, graphCalls, readAll, rigFor, SECRET, startTenant, TENANT } from "./testing.ts";

const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

/** A tenant whose single user and empty delta pages never change; every page takes place after `between`. */
async function quietTenant(between: (tenant: FakeTenant, path: string) => void = () => {}): Promise<FakeTenant> {
  const tenant = await startTenant((call, origin) => {
    between(tenant, call.path);
    if (call.path.endsWith("$count")) return { body: "2" };
    const [, , kind] = call.path.split("/");
    if (call.path.endsWith("/members")) return { body: { value: [] } };
    if (call.path.endsWith("/delta"))
      return { body: { "@odata.deltaLink": `${origin}/v1.0/${kind}/delta?t`, value: [] } };
    const next = call.query.has("page") ? {} : { "@odata.nextLink": `${origin}/v1.0/${kind}?page=2` };
    return { body: { ...next, value: [{ id: call.query.get("page") ?? "1", accountEnabled: true }] } };
  });
  tenants.push(tenant);
  return tenant;
}

function signIns(tenant: FakeTenant): number {
  return tenant.calls.filter((call) => call.path.endsWith("/token")).length;
}

test("signs in with the client-credentials grant for Graph's default scope, found by discovery", async () => {
  const tenant = await quietTenant();
  const { source } = rigFor(tenant.origin);
  await readAll(source, "user");
  await source.close();
  assert.equal(tenant.calls[0]?.path, `/${TENANT}/v2.0/.well-known/openid-configuration`);
  assert.equal(tenant.calls[1]?.path, `/${TENANT}/oauth2/v2.0/token`);
  const form = new URLSearchParams(tenant.calls[1]?.body);
  assert.deepEqual(Object.fromEntries(form), {
    grant_type: "client_credentials",
    client_id: CLIENT,
    client_secret: SECRET,
    scope: `${tenant.origin}/.default`,
    claims: '{"access_token":{"xms_cc":{"values":["cp1"]}}}',
  });
});

test("signs in once for reads at the same time, and keeps the token until shortly before it ends", async () => {
  const tenant = await quietTenant();
  const { source, time } = rigFor(tenant.origin);
  await Promise.all([readAll(source, "user"), readAll(source, "group"), readAll(source, "user")]);
  assert.equal(signIns(tenant), 1);
  time.now += (3600 - 301) * 1000;
  await readAll(source, "user");
  assert.equal(signIns(tenant), 1);
  time.now += 2000;
  await readAll(source, "user");
  assert.equal(signIns(tenant), 2);
  await source.close();
});

test("uses a replaced secret at the next sign-in", async () => {
  const tenant = await quietTenant();
  let secret = "first~secret";
  const { source, time } = rigFor(tenant.origin, { credentials: [{ kind: "secret", secret: () => secret }] });
  await readAll(source, "user");
  secret = "second~secret";
  time.now += 3_600_000;
  await readAll(source, "user");
  await source.close();
  const sent = tenant.calls.flatMap((call) => new URLSearchParams(call.body).getAll("client_secret"));
  assert.deepEqual(sent, ["first~secret", "second~secret"]);
});

test("sends the secret to no host but the sign-in host, whatever discovery says", async () => {
  const foreign = await quietTenant();
  const tenant = await quietTenant();
  tenant.discovery = { issuer: "x", token_endpoint: `${foreign.origin}/${TENANT}/oauth2/v2.0/token` };
  const { source } = rigFor(tenant.origin);
  await assert.rejects(readAll(source, "user"), { code: "link_foreign" });
  await source.close();
  assert.equal(foreign.calls.length, 0);
});

test("gives one plain sentence and its mend for each refusal", async () => {
  const tenant = await quietTenant();
  const expected: readonly (readonly [number, RegExp, RegExp])[] = [
    [
      7000215,
      /secret is wrong \(often the secret's id was pasted instead of its value\) \(AADSTS7000215\)/,
      /new client secret/,
    ],
    [7000222, /secret has expired/, /new client secret/],
    [700016, /application was not found in this tenant/, /client id/],
    [90002, /tenant was not found/, /tenant id and the cloud/],
    [53003, /conditional access/, /exclude this application/],
    [123456789, /invalid_client \(AADSTS123456789\)/, /verify/],
  ];
  for (const [number, sentence, mend] of expected) {
    const body = { error: "invalid_client", error_description: "AADSTS…", error_codes: [number], trace_id: "trace-1" };
    tenant.refusal = { status: 401, body };
    const { source } = rigFor(tenant.origin);
    await assert.rejects(
      readAll(source, "user"),
      (fault: Error & { code?: string; fix?: string; requestId?: string }) => {
        assert.equal(fault.code, "sign_in_refused");
        assert.match(fault.message, sentence);
        assert.match(fault.message, /\(trace id trace-1\)$/);
        assert.match(fault.fix ?? "", mend);
        assert.equal(fault.requestId, "trace-1");
        return true;
      },
    );
    await source.close();
  }
});

test("one reader that gives up does not end the sign-in that another waits for", async () => {
  const tenant = await quietTenant();
  const { source } = rigFor(tenant.origin);
  const impatient = new AbortController();
  const first = source.read("user", null, impatient.signal)[Symbol.asyncIterator]().next();
  const second = readAll(source, "group");
  impatient.abort(new Error("given up"));
  await assert.rejects(first, /given up/);
  assert.ok((await second).length > 0);
  assert.equal(signIns(tenant), 1);
  await source.close();
});

test("stops without moving the watermark while a reading permission is missing, and goes on from there", async () => {
  const tenant = await quietTenant();
  tenant.roles = ["User.Read.All", "Mail.Send"];
  const read = async (from: Watermark | null): Promise<SourcePage[]> => {
    const { source } = rigFor(tenant.origin);
    const pages = await readAll(source, "user", from);
    await source.close();
    return pages;
  };
  const stored = (await read(null)).at(-1)?.watermark ?? null;
  tenant.roles = ["User.ReadBasic.All"];
  const before = graphCalls(tenant).length;
  const lost = await read(stored);
  assert.equal(lost.length, 1);
  assert.deepEqual(lost[0]?.records, []);
  assert.equal(lost[0]?.watermark, stored);
  assert.equal(lost[0]?.complete, false);
  assert.equal(lost[0]?.incomplete?.code, "permission_lost");
  assert.match(lost[0]?.incomplete?.detail ?? "", /User\.Read\.All/);
  assert.equal(graphCalls(tenant).length, before);
  tenant.roles = ["User.Read.All"];
  const back = await read(stored);
  assert.deepEqual(
    back.map(({ round, begins, incomplete }) => ({ round, begins, incomplete })),
    [{ round: "delta", begins: false, incomplete: undefined }],
  );
});

test("notices a permission lost with a new token in the middle of a round", async () => {
  const tenant = await quietTenant();
  const { source, time } = rigFor(tenant.origin);
  tenant.life = 600;
  const pages: SourcePage[] = [];
  const signal = new AbortController().signal;
  for await (const page of source.read("user", null, signal)) {
    pages.push(page);
    time.now += 600_000;
    tenant.roles = ["User.ReadBasic.All"];
  }
  await source.close();
  const last = pages.at(-1);
  assert.equal(last?.incomplete?.code, "permission_lost");
  assert.deepEqual(last?.records, []);
  assert.equal(last?.watermark, pages.at(-2)?.watermark);
});

test("begins a full round when a reading permission was added, not for one that shows nothing more", async () => {
  const tenant = await quietTenant();
  const begun = async (from: Watermark | null): Promise<readonly [boolean | undefined, Watermark | null]> => {
    const { source } = rigFor(tenant.origin);
    const pages = await readAll(source, "user", from);
    await source.close();
    return [pages[0]?.begins, pages.at(-1)?.watermark ?? null];
  };
  const [, stored] = await begun(null);
  tenant.roles = ["User.Read.All", "Group.Read.All", "User.EnableDisableAccount.All", "Mail.Send"];
  assert.equal((await begun(stored))[0], false);
  tenant.roles = ["User.Read.All", "Directory.Read.All"];
  assert.equal((await begun(stored))[0], true);
});

test("reads on with a token that does not show its permissions", async () => {
  const tenant = await quietTenant();
  tenant.roles = null;
  const { source } = rigFor(tenant.origin);
  assert.equal((await readAll(source, "user")).length, 3);
  await source.close();
});

test("sends nothing while the settings are malformed", async () => {
  const tenant = await quietTenant();
  const faulty = [
    { tenant: "not a tenant" },
    { client: "my app" },
    { cloud: { login: "http://login.example.com", graph: tenant.origin } },
    { cloud: { login: tenant.origin, graph: "graph" } },
    { credentials: [{ kind: "secret" as const, secret: () => "with space " }] },
    { attributes: ["mail", "a,b&$top=1"] },
  ];
  for (const options of faulty) {
    const { source } = rigFor(tenant.origin, options);
    await assert.rejects(readAll(source, "user"), { code: "config_invalid" });
    await source.close();
  }
  assert.equal(tenant.calls.length, 0);
});
