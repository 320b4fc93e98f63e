import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { type Answer, CLIENT, discovery, type FakeTenant, START, startTenant, TENANT } from "../testing.ts";
import { type AdministratorSignIn, createAdministratorSignIn } from "./administrator.ts";

const never = (): AbortSignal => new AbortController().signal;
const DEVICE_CODE = "CANARYdevice";
const LIFE_S = 900;
const ACCOUNT = "2f1c8b8e-1111-4222-8333-444455556666";

/** A sign-in whose waits are the test's: each is told, and lets its time pass at once. */
interface Waiting {
  readonly signIn: AdministratorSignIn;
  readonly waits: readonly number[];
  /** Milliseconds that passed. */
  passed(): number;
}

function waitingFor(
  context: TestContext,
  options: Pick<Parameters<typeof createAdministratorSignIn>[0], "cloud" | "tenant" | "client">,
  onWait: (count: number) => Promise<void> = async () => undefined,
): Waiting {
  const waits: number[] = [];
  let passed = 0;
  const signIn = createAdministratorSignIn({
    ...options,
    permissions: ["User.Read"],
    clock: { now: () => START + passed },
    random: () => 0.5,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      waits.push(ms);
      passed += ms;
      await onWait(waits.length);
    },
  });
  context.after(() => signIn.close());
  return { signIn, waits, passed: () => passed };
}

/** A tenant whose polls are answered one after the other; the last answer stays. */
async function polled(context: TestContext, ...answers: readonly Answer[]): Promise<FakeTenant> {
  const tenant = await startTenant((_call, origin) => ({
    body: {
      device_code: DEVICE_CODE,
      user_code: "ABCDEFGH",
      verification_uri: `${origin}/devicelogin`,
      expires_in: LIFE_S,
      interval: 5,
    },
  }));
  context.after(() => tenant.close());
  const base = `${tenant.origin}/${TENANT}`;
  tenant.discovery = {
    ...discovery(tenant.origin),
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
  };
  const left = [...answers];
  tenant.judge = (form) => {
    assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
    assert.equal(form.get("device_code"), DEVICE_CODE);
    return (left.length > 1 ? left.shift() : left[0]) ?? null;
  };
  return tenant;
}

function refusal(error: string, number: number, status = 400): Answer {
  return { status, body: { error, error_description: `AADSTS${number}: CANARY`, error_codes: [number] } };
}

const PENDING = refusal("authorization_pending", 70016);
const SLOW_DOWN: Answer = { status: 400, body: { error: "slow_down", error_description: "Polled too often." } };

function granted(tenant: FakeTenant): Answer {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const seconds = Math.floor(Date.now() / 1000);
  const claims = {
    iss: `${tenant.origin}/${TENANT}/v2.0`,
    aud: CLIENT,
    sub: "subject",
    iat: seconds,
    exp: seconds + 3600,
    tid: TENANT,
    oid: ACCOUNT,
    preferred_username: "ada@contoso.com",
  };
  return {
    body: {
      token_type: "Bearer",
      expires_in: 3600,
      access_token: "CANARYaccess",
      refresh_token: "CANARYrefresh",
      id_token: `${part({ alg: "RS256" })}.${part(claims)}.c2lnbmF0dXJl`,
      scope: "User.Read",
    },
  };
}

const of = ({ origin }: FakeTenant): Parameters<typeof waitingFor>[1] => ({
  cloud: { login: origin, graph: origin },
  tenant: TENANT,
  client: CLIENT,
});

test("goes on asking while nobody has typed the device's code, and more slowly when it is asked to", async (context) => {
  const tenant = await polled(context, PENDING, PENDING, SLOW_DOWN, PENDING);
  const { signIn, waits } = waitingFor(context, of(tenant), async (count) => {
    if (count === 5) tenant.judge = () => granted(tenant);
  });
  const device = await signIn.device(never());
  assert.equal(device.userCode, "ABCDEFGH");
  const grant = await device.finished(never());
  assert.deepEqual(grant.account, { tenant: TENANT, objectId: ACCOUNT, username: "ada@contoso.com" });
  assert.equal(grant.refreshToken, "CANARYrefresh");
  assert.deepEqual(waits, [5000, 5000, 5000, 10_000, 10_000]);
});

test("a passing fault of the sign-in service does not end a device's sign-in", async (context) => {
  const busy: Answer = { status: 503, body: "busy" };
  const tenant = await polled(context, PENDING, busy, busy, busy, refusal("temporarily_unavailable", 90033, 503));
  const { signIn } = waitingFor(context, of(tenant), async (count) => {
    if (count === 12) tenant.judge = () => granted(tenant);
  });
  const device = await signIn.device(never());
  assert.equal((await device.finished(never())).account.objectId, ACCOUNT);
});

for (const [what, answer, told] of [
  ["declined", refusal("authorization_declined", 65004), /declined .*AADSTS65004/],
  ["ended", refusal("expired_token", 70020), /not used in time .*AADSTS70020/],
  ["mistaken", refusal("bad_verification_code", 70018), /code is wrong .*AADSTS70018/],
] as const) {
  test(`a device's code that was ${what} ends the wait by a sentence`, async (context) => {
    const { signIn } = waitingFor(context, of(await polled(context, PENDING, answer)));
    const device = await signIn.device(never());
    await assert.rejects(device.finished(never()), (fault: Error & { code?: string; fix?: string }) => {
      assert.equal(fault.code, "sign_in_refused");
      assert.match(fault.message, told);
      assert.match(fault.fix ?? "", /^Begin the sign-in again/);
      assert.doesNotMatch(fault.message, /CANARY/);
      return true;
    });
  });
}

test("stops asking once the code has ended, whatever the service answers", async (context) => {
  const { signIn, passed } = waitingFor(context, of(await polled(context, PENDING)));
  const device = await signIn.device(never());
  await assert.rejects(device.finished(never()), /The code was not used in time\./);
  assert.ok(passed() >= LIFE_S * 1000 && passed() <= (LIFE_S + 10) * 1000, `${passed()} ms`);
});

test("an abort ends the wait for a device", async (context) => {
  const stop = new AbortController();
  const { signIn } = waitingFor(context, of(await polled(context, PENDING)), async (count) => {
    if (count === 3) stop.abort(new Error("stopped by the test"));
  });
  const device = await signIn.device(never());
  await assert.rejects(device.finished(stop.signal), /stopped by the test/);
});

test("an administrator who takes a while signs a device in at the simulated tenant", async (context) => {
  const simulator = await startSimulator({ people: 12, groups: 2, throttle: "off" });
  context.after(() => simulator.close());
  const { client } = simulator.identity.addApp({ publicFlows: true, scopes: ["User.Read"] });
  const person = simulator.identity.administrator();
  let typed = "";
  const options = { cloud: { login: simulator.login, graph: simulator.graph }, tenant: simulator.tenant, client };
  const { signIn, waits } = waitingFor(context, options, async (count) => {
    if (count === 3) await typeCode(simulator, typed, person);
  });
  const device = await signIn.device(never());
  typed = device.userCode;
  const grant = await device.finished(never());
  assert.equal(grant.account.objectId, person.id);
  assert.equal(waits.length, 3);
});

type Person = ReturnType<Simulator["identity"]["administrator"]>;

async function typeCode({ login: at }: Simulator, code: string, person: Person): Promise<void> {
  const entered = await (await fetch(`${at}/common/oauth2/deviceauth?user_code=${code}`)).text();
  const signedIn = await send(entered, { login: person.userPrincipalName, passwd: person.password ?? "" });
  if (signedIn.includes("<form")) await send(signedIn, { consent: "accept" });
}

async function send(html: string, more: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams(more);
  for (const [, name = "", value = ""] of html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
    body.set(name, value);
  }
  const action = /<form method="post" action="([^"]*)"/.exec(html)?.[1] ?? "";
  return (await fetch(action, { method: "POST", body, redirect: "manual" })).text();
}
