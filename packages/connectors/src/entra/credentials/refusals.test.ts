import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Check } from "@entrain/core";
import type { EntraOptions } from "../index.ts";
import type { Credential, DelegatedCredential } from "./credential.ts";
import {
  ROLES,
  refreshTokenOf,
  SCOPES,
  type Stage,
  startAnswering,
  startIdentityEndpoint,
  startStage,
} from "./testing/stage.ts";
import { makeCertificate } from "./testing.ts";

/**
 * Every documented refusal that an administrator may meet, played against the simulated tenant. The table in
 * docs/connecting.md is what the checks said here: `ENTRAIN_WRITE_DOCS=1 node --test …/refusals.test.ts` writes it anew.
 */
const DOCUMENT = fileURLToPath(new URL("../../../../../docs/connecting.md", import.meta.url));
const [BEGIN, END] = ["<!-- refusals: made by refusals.test.ts -->", "<!-- /refusals -->"];
const SUBJECT = "repo:contoso/sync:ref:refs/heads/main";
const UNKNOWN_ID = "11111111-2222-4333-8444-555555555555";
const SECRET = "CANARY~secret";
const DAY_MS = 86_400_000;

interface Case {
  readonly credential: string;
  readonly what: string;
  /** The check that fails, and Microsoft's number in what it says; null where nothing was sent or no number came. */
  readonly check: string;
  readonly number: number | null;
  /** What the check must tell to do: that, and not something that would not help. */
  readonly mend: RegExp;
  readonly options: (stage: Stage) => EntraOptions | Promise<EntraOptions>;
  readonly undo?: (stage: Stage) => void | Promise<void>;
}

function casesOf(credential: string, cases: readonly Omit<Case, "credential">[]): readonly Case[] {
  return cases.map((one) => ({ credential, ...one }));
}

let stage: Stage;
before(async () => {
  stage = await startStage({ people: 60 });
});
after(() => stage.close());

const secret = (value: string): Credential => ({ kind: "secret", secret: () => value });

/** An app with a secret, and options that use it. */
function withSecret(given: Stage, more: Parameters<Stage["app"]>[0] = {}): EntraOptions {
  return given.options(given.app({ secret: SECRET, ...more }).client, secret(SECRET));
}

function withCertificate(given: Stage, upload: string | null, data = given.certificate): EntraOptions {
  const { client } = given.app(upload === null ? {} : { certificate: upload });
  const certificate = () => ({ data: data.certificate, key: data.key });
  return given.options(client, { kind: "certificate", certificate });
}

async function withAssertion(
  given: Stage,
  trust: { readonly issuer?: string; readonly subject?: string },
  lifeS = 600,
): Promise<EntraOptions> {
  const federated = { issuer: given.issuer.origin, subject: SUBJECT, ...trust };
  const assertion = await given.issuer.assertion({ sub: SUBJECT, lifeS }, given.now());
  return given.options(given.app({ federated }).client, { kind: "federated", assertion: () => assertion });
}

/** A person of the tenant who is nobody else's, changed as the case needs. */
let nextPerson = 0;
function person(given: Stage, change: Parameters<Stage["simulator"]["identity"]["changePerson"]>[1] = {}): string {
  const found = given.simulator.identity.people(undefined, 60).at(nextPerson++);
  assert.ok(found !== undefined);
  given.simulator.identity.changePerson(found.userPrincipalName, { mfa: "off", ...change });
  return found.userPrincipalName;
}

function withPassword(given: Stage, username: string, more: Parameters<Stage["publicApp"]>[0] = {}): EntraOptions {
  const password = given.simulator.identity.person(username)?.password ?? "unknown";
  return given.options(given.publicApp(more).client, { kind: "password", username, password: () => password });
}

async function withAgreement(
  given: Stage,
  then: (username: string, client: string) => void | Promise<void>,
  { username = person(given), scopes = [] }: { readonly username?: string; readonly scopes?: readonly string[] } = {},
): Promise<EntraOptions> {
  await given.graph("PATCH", `/users/${username}`, { accountEnabled: true });
  const { client } = given.publicApp({ scopes: [...SCOPES, ...scopes] });
  const token = await refreshTokenOf(given, client, username);
  await then(username, client);
  const delegated: DelegatedCredential = {
    kind: "delegated",
    refreshToken: async () => token,
    replace: async () => undefined,
    refused: async () => undefined,
    died: async () => undefined,
  };
  return given.options(client, delegated);
}

const policy = (given: Stage, name: Parameters<Stage["simulator"]["identity"]["setConditionalAccess"]>[0]): void =>
  given.simulator.identity.setConditionalAccess(name);
const noPolicy = (given: Stage): void => policy(given, "off");

const SECRETS: readonly Case[] = casesOf("Client secret", [
  {
    what: "wrong secret",
    check: "sign-in",
    number: 7000215,
    mend: /^Create a new client secret .* give its value/,
    options: (s) => s.options(s.app({ secret: SECRET }).client, secret("wrong")),
  },
  {
    what: "expired secret",
    check: "sign-in",
    number: 7000222,
    mend: /^Create a new client secret .* give its value/,
    options: (s) => {
      const options = withSecret(s);
      s.simulator.identity.endCredentials(options.client, s.now() - DAY_MS);
      return options;
    },
  },
  {
    what: "the secret's id in place of its value",
    check: "credential",
    number: null,
    mend: /Copy the column Value, not Secret ID/,
    options: (s) => s.options(s.app({ secret: SECRET }).client, secret(UNKNOWN_ID)),
  },
  {
    what: "a line break copied with the secret",
    check: "credential",
    number: null,
    mend: /without blanks around it/,
    options: (s) => s.options(s.app({ secret: SECRET }).client, secret(`${SECRET}\n`)),
  },
  {
    what: "a public client, which must not send a secret",
    check: "sign-in",
    number: 700025,
    mend: /^Turn off Allow public client flows/,
    options: (s) => s.options(s.publicApp().client, secret(SECRET)),
  },
]);

const CERTIFICATES: readonly Case[] = casesOf("Certificate", [
  {
    what: "certificate not uploaded",
    check: "sign-in",
    number: 700027,
    mend: /^Upload the certificate's public part/,
    options: (s) => withCertificate(s, makeCertificate(Date.now() - DAY_MS, Date.now() + DAY_MS).certificate),
  },
  {
    what: "no certificate uploaded at all",
    check: "sign-in",
    number: 700027,
    mend: /^Upload the certificate's public part/,
    options: (s) => withCertificate(s, null),
  },
  {
    what: "certificate ended in Entra",
    check: "sign-in",
    number: 700027,
    mend: /^Upload the certificate's public part/,
    options: (s) => {
      const options = withCertificate(s, s.certificate.certificate);
      s.simulator.identity.endCredentials(options.client, s.now() - DAY_MS);
      return options;
    },
  },
  {
    what: "certificate expired",
    check: "credential",
    number: null,
    mend: /^Make a new certificate/,
    options: (s) => withCertificate(s, null, makeCertificate(Date.now() - 2 * DAY_MS, Date.now() - DAY_MS)),
  },
  {
    what: "another certificate's private key",
    check: "credential",
    number: null,
    mend: /key that the certificate was made with/,
    options: (s) => {
      const { key } = makeCertificate(Date.now() - DAY_MS, Date.now() + DAY_MS);
      return withCertificate(s, null, { ...s.certificate, key });
    },
  },
  {
    what: "wrong passphrase",
    check: "credential",
    number: null,
    mend: /^Check the passphrase/,
    options: (s) => {
      const data = s.certificate.pfx("right");
      const certificate = () => ({ data, passphrase: "wrong" });
      return s.options(s.app().client, { kind: "certificate", certificate });
    },
  },
]);

const FEDERATED: readonly Case[] = casesOf("Federated assertion", [
  {
    what: "no federated credential with this subject",
    check: "sign-in",
    number: 70021,
    mend: /issuer, subject and audience letter by letter/,
    options: (s) => withAssertion(s, { subject: `${SUBJECT}s` }),
  },
  {
    what: "assertion expired",
    check: "sign-in",
    number: 700024,
    mend: /clock right, or give a fresh assertion/,
    options: (s) => withAssertion(s, {}, -3600),
  },
  {
    what: "a token of Entra itself as the assertion",
    check: "sign-in",
    number: 700222,
    mend: /^Give an assertion of another provider; .* managed identity/,
    options: async (s) => {
      const options = await withAssertion(s, {});
      s.simulator.identity.failSignIns(700222);
      return options;
    },
  },
  {
    what: "the provider cannot be reached",
    check: "sign-in",
    number: null,
    mend: /^Check the address, and that it can be reached from here/,
    options: async (s) => {
      const runner = await startAnswering(() => ({ status: 200, body: "{}" }));
      await runner.close();
      return s.options(s.app().client, { kind: "federated", assertion: { url: runner.url } });
    },
  },
  {
    what: "not an assertion at all",
    check: "sign-in",
    number: null,
    mend: /as the other provider issued it/,
    options: (s) => s.options(s.app().client, { kind: "federated", assertion: () => "not a token" }),
  },
  {
    what: "the provider hands out none",
    check: "sign-in",
    number: null,
    mend: /^Check the address, and the token that is sent to it/,
    options: async (s) => {
      const runner = await startAnswering(() => ({ status: 403, body: "{}" }));
      after(() => runner.close());
      return s.options(s.app().client, { kind: "federated", assertion: { url: runner.url } });
    },
  },
]);

const IDENTITIES: readonly Case[] = [
  {
    credential: "Managed identity",
    what: "no identity assigned to this machine",
    check: "sign-in",
    number: null,
    mend: /machine that the identity is assigned to/,
    options: async (s) => {
      const { client } = s.app({ secret: "of-azure" });
      const endpoint = await startIdentityEndpoint(s, { client, secret: "of-azure" });
      after(() => endpoint.close());
      endpoint.refuses = true;
      Object.assign(process.env, { IDENTITY_ENDPOINT: endpoint.url, IDENTITY_HEADER: "header" });
      return s.options(client, { kind: "managed-identity" });
    },
    undo: () => {
      delete process.env.IDENTITY_ENDPOINT;
      delete process.env.IDENTITY_HEADER;
    },
  },
  {
    credential: "Managed identity",
    what: "named by something else than its client id",
    check: "credential",
    number: null,
    mend: /^Copy the Client ID from the identity's Overview page/,
    options: (s) => s.options(s.app().client, { kind: "managed-identity", identity: "entrain-identity" }),
  },
  {
    credential: "Workload identity",
    what: "no token file",
    check: "sign-in",
    number: null,
    mend: /AZURE_FEDERATED_TOKEN_FILE/,
    options: (s) => s.options(s.app().client, { kind: "workload-identity", tokenFile: "/nowhere/token" }),
  },
];

const PASSWORDS: readonly Case[] = casesOf("User name and password", [
  {
    what: "wrong password",
    check: "sign-in",
    number: 50126,
    mend: /password anew .* give it here/,
    options: (s) => {
      const username = person(s);
      return s.options(s.publicApp().client, { kind: "password", username, password: () => "wrong" });
    },
  },
  {
    what: "unknown account",
    check: "sign-in",
    number: 50034,
    mend: /^Check the user name and the tenant/,
    options: (s) => withPassword(s, person(s).replace(/^[^@]+/, "nobody.at.all")),
  },
  {
    what: "second factor asked for",
    check: "sign-in",
    number: 50076,
    mend: /^Exclude the account from the policy, .* certificate or a client secret/,
    options: (s) => withPassword(s, person(s, { mfa: "required" })),
  },
  {
    what: "second factor to be enrolled first",
    check: "sign-in",
    number: 50079,
    mend: /^Exclude the account from the policy, .* certificate or a client secret/,
    options: (s) => withPassword(s, person(s, { mfa: "unenrolled" })),
  },
  {
    what: "password expired",
    check: "sign-in",
    number: 50055,
    mend: /password anew .* give it here/,
    options: (s) => withPassword(s, person(s, { expired: true })),
  },
  {
    what: "account locked",
    check: "sign-in",
    number: 50053,
    mend: /^Check the account in Entra/,
    options: (s) => withPassword(s, person(s, { locked: true })),
  },
  {
    what: "account disabled",
    check: "sign-in",
    number: 50057,
    mend: /^Enable the account in Entra/,
    options: async (s) => {
      const username = person(s);
      await s.graph("PATCH", `/users/${username}`, { accountEnabled: false });
      return withPassword(s, username);
    },
  },
  {
    what: "account without a password",
    check: "sign-in",
    number: 50056,
    mend: /^Check the account in Entra/,
    options: (s) => withPassword(s, person(s, { password: null })),
  },
  {
    what: "blocked by conditional access",
    check: "sign-in",
    number: 53003,
    mend: /exclude this application from the policy/,
    options: (s) => {
      policy(s, "block");
      return withPassword(s, person(s));
    },
    undo: noPolicy,
  },
  {
    what: "a compliant device asked for",
    check: "sign-in",
    number: 53000,
    mend: /exclude this application from the policy/,
    options: (s) => {
      policy(s, "device");
      return withPassword(s, person(s));
    },
    undo: noPolicy,
  },
  {
    what: "blocked by security defaults",
    check: "sign-in",
    number: 530035,
    mend: /^Connect by a certificate or a client secret/,
    options: (s) => {
      policy(s, "security-defaults");
      return withPassword(s, person(s));
    },
    undo: noPolicy,
  },
  {
    what: "public client flows not allowed",
    check: "sign-in",
    number: 7000218,
    mend: /^Turn on Allow public client flows/,
    options: (s) => withPassword(s, person(s), { publicFlows: false }),
  },
  {
    what: "nobody has consented",
    check: "sign-in",
    number: 65001,
    mend: /grant admin consent/,
    options: (s) => withPassword(s, person(s), { consented: false }),
  },
  {
    what: "account not assigned to the application",
    check: "sign-in",
    number: 50105,
    mend: /^Assign the account to the application/,
    options: (s) => {
      const options = withPassword(s, person(s));
      s.simulator.identity.changeApp(options.client, { assignmentRequired: true });
      return options;
    },
  },
  {
    what: "public client flows not allowed, by name",
    check: "public client flows",
    number: null,
    mend: /^Turn on Allow public client flows/,
    options: (s) => withPassword(s, person(s), { publicFlows: false }),
  },
  {
    what: "an account whose domain is federated (AD FS, say)",
    check: "account",
    number: null,
    mend: /that Entra itself signs in/,
    options: (s) => {
      const username = person(s);
      s.simulator.identity.setFederated(username.split("@")[1] ?? "", true);
      return withPassword(s, username);
    },
    undo: (s) => {
      const { userPrincipalName } = s.simulator.identity.administrator();
      s.simulator.identity.setFederated(userPrincipalName.split("@")[1] ?? "", false);
    },
  },
  {
    what: "a personal account",
    check: "credential",
    number: null,
    mend: /^Use an account of the tenant itself/,
    options: (s) =>
      s.options(s.publicApp().client, { kind: "password", username: "ann@outlook.com", password: () => "any" }),
  },
  {
    what: "no directory role, where one is needed",
    check: "directory role",
    number: null,
    mend: /^Give the account a role in Entra: .*Security Reader/,
    options: (s) => ({
      ...withPassword(s, person(s), { scopes: [...SCOPES, "Policy.Read.All"] }),
      features: ["conditional-access"],
    }),
  },
  {
    what: "a delegated permission is missing",
    check: "permissions",
    number: null,
    mend: /^Add the delegated permission .* grant admin consent: GroupMember\.Read\.All\.$/,
    options: (s) => withPassword(s, person(s), { scopes: SCOPES.slice(0, 2) }),
  },
  {
    what: "another provider's check asked for",
    check: "sign-in",
    number: 50158,
    mend: /^Exclude the account from the policy, .* certificate or a client secret/,
    options: (s) => {
      const options = withPassword(s, person(s));
      s.simulator.identity.failSignIns(50158);
      return options;
    },
  },
  {
    what: "a guest's account",
    check: "credential",
    number: null,
    mend: /^Use an account of the tenant itself/,
    options: (s) => {
      const username = "ann_fabrikam.com#EXT#@contoso.com";
      return s.options(s.publicApp().client, { kind: "password", username, password: () => "any" });
    },
  },
]);

const AGREEMENTS: readonly Case[] = casesOf("Administrator's sign-in", [
  {
    what: "nobody has signed in yet",
    check: "sign-in",
    number: null,
    mend: /^Have an administrator sign in: entrain connection authorize NAME/,
    options: (s) =>
      s.options(s.publicApp().client, {
        kind: "delegated",
        refreshToken: async () => null,
        replace: async () => undefined,
        refused: async () => undefined,
        died: async () => undefined,
      }),
  },
  {
    what: "the administrator's sessions were revoked",
    check: "sign-in",
    number: 50173,
    mend: /^Have an administrator sign in again: entrain connection authorize NAME/,
    options: (s) => withAgreement(s, (username) => s.simulator.identity.revoke({ person: username })),
  },
  {
    what: "the administrator's password was changed",
    check: "sign-in",
    number: 50133,
    mend: /^Have an administrator sign in again: entrain connection authorize NAME/,
    options: (s) =>
      withAgreement(s, (username) => s.simulator.identity.changePerson(username, { password: "Another-1-for-tests" })),
  },
  {
    what: "public client flows not allowed",
    check: "sign-in",
    number: 7000218,
    mend: /^Turn on Allow public client flows/,
    options: (s) =>
      withAgreement(s, (_username, client) => {
        s.simulator.identity.changeApp(client, { publicFlows: false });
        s.simulator.identity.addSecret(client, { value: "now confidential" });
      }),
  },
  {
    what: "a second factor asked for since",
    check: "sign-in",
    number: 50076,
    mend: /^Have an administrator sign in again, with the second factor: entrain connection authorize NAME/,
    options: (s) => withAgreement(s, (username) => s.simulator.identity.changePerson(username, { mfa: "required" })),
  },
  {
    what: "a second factor to be enrolled since",
    check: "sign-in",
    number: 50079,
    mend: /^Let the administrator enrol a second factor .* sign in again then: entrain connection authorize NAME/,
    options: (s) => withAgreement(s, (username) => s.simulator.identity.changePerson(username, { mfa: "unenrolled" })),
  },
  {
    what: "blocked by conditional access since",
    check: "sign-in",
    number: 53003,
    mend: /exclude this application from the policy, or sign in from .*: entrain connection authorize NAME/,
    options: (s) => withAgreement(s, () => policy(s, "block")),
    undo: noPolicy,
  },
  {
    what: "a delegated permission is missing",
    check: "permissions",
    number: null,
    mend: /^Add the delegated permission .* grant admin consent: Policy\.Read\.All\.$/,
    options: async (s) => ({ ...(await withAgreement(s, () => undefined)), features: ["conditional-access"] }),
  },
  {
    what: "the administrator has become a guest",
    check: "account",
    number: null,
    mend: /^Use a member's account of the tenant itself/,
    options: async (s) => {
      const { userPrincipalName } = s.simulator.identity.administrator();
      const become = (userType: string) => s.graph("PATCH", `/users/${userPrincipalName}`, { userType });
      return withAgreement(s, () => become("Guest"), { username: userPrincipalName });
    },
    undo: async (s) => {
      const { userPrincipalName } = s.simulator.identity.administrator();
      await s.graph("PATCH", `/users/${userPrincipalName}`, { userType: "Member" });
    },
  },
  {
    what: "no directory role, where one is needed",
    check: "directory role",
    number: null,
    mend: /^Give the account a role in Entra: .*Security Reader/,
    options: async (s) => ({
      ...(await withAgreement(s, () => undefined, { scopes: ["AccessReview.Read.All"] })),
      features: ["access-reviews"],
    }),
  },
  {
    what: "the administrator's account was disabled; the sign-in is kept",
    check: "sign-in",
    number: 50057,
    mend: /^Enable the account in Entra/,
    options: (s) =>
      withAgreement(
        s,
        async (username) => void (await s.graph("PATCH", `/users/${username}`, { accountEnabled: false })),
      ),
  },
]);

const EVERY: readonly Case[] = casesOf("Every kind", [
  {
    what: "application disabled",
    check: "sign-in",
    number: 7000112,
    mend: /^Enable it under Enterprise applications/,
    options: (s) => {
      const options = withSecret(s);
      s.simulator.identity.changeApp(options.client, { enabled: false });
      return options;
    },
  },
  {
    what: "unknown application, or its object id",
    check: "sign-in",
    number: 700016,
    mend: /^Check the client id .*not Object ID/,
    options: (s) => s.options(UNKNOWN_ID, secret(SECRET)),
  },
  {
    what: "application of another tenant",
    check: "sign-in",
    number: 700016,
    mend: /registered in, or consented by, this very tenant/,
    options: (s) => ({ ...withSecret(s), tenant: s.simulator.tenants[1] ?? "" }),
  },
  {
    what: "unknown tenant",
    check: "sign-in",
    number: 90002,
    mend: /^Check the tenant id and the cloud/,
    options: (s) => ({ ...withSecret(s), tenant: UNKNOWN_ID }),
  },
  {
    what: "tenant of another cloud",
    check: "sign-in",
    number: 90038,
    mend: /^Check the tenant id and the cloud/,
    options: (s) => {
      s.simulator.identity.setOtherClouds({ [UNKNOWN_ID]: "usgov" });
      return { ...withSecret(s), tenant: UNKNOWN_ID };
    },
    undo: (s) => s.simulator.identity.setOtherClouds({}),
  },
  ...(
    [
      ["no service principal in this tenant", 7000229, /grant admin consent to the application in this very tenant/],
      ["application of another cloud", 900382, /^Register the application in the tenant's own cloud/],
      ["tenant of US Government at the public address", 900439, /^Set the connection's cloud to usgov or usgov-dod/],
      ["tenant of the public cloud at US Government's address", 900440, /^Set the connection's cloud to global/],
    ] as const
  ).map(([what, number, mend]) => ({
    what,
    check: "sign-in",
    number,
    mend,
    options: (s: Stage) => {
      s.simulator.identity.failSignIns(number);
      return withSecret(s);
    },
  })),
  {
    what: "tenant and client swapped",
    check: "tenant",
    number: null,
    mend: /^Swap them/,
    options: (s) => {
      const options = withSecret(s);
      return { ...options, tenant: options.client, client: options.tenant };
    },
  },
  {
    what: "a space in the client id",
    check: "addresses",
    number: null,
    mend: /^Copy the Application \(client\) ID/,
    options: (s) => ({ ...withSecret(s), client: ` ${UNKNOWN_ID}` }),
  },
  {
    what: "no consent",
    check: "sign-in",
    number: null,
    mend: /^Add the application permission .* grant admin consent: User\.Read\.All and GroupMember\.Read\.All/,
    options: (s) => withSecret(s, { consented: false }),
  },
  {
    what: "a permission is missing",
    check: "permissions",
    number: null,
    mend: /^Add the application permission .* grant admin consent: GroupMember\.Read\.All\.$/,
    options: (s) => withSecret(s, { roles: ROLES.slice(0, 1) }),
  },
  {
    what: "conditional access for workload identities",
    check: "sign-in",
    number: 53003,
    mend: /exclude this application from the policy/,
    options: (s) => {
      policy(s, "workloads");
      return withSecret(s);
    },
    undo: noPolicy,
  },
  {
    what: "a passing fault of the sign-in service",
    check: "sign-in",
    number: 90033,
    mend: /^Nothing to do/,
    options: (s) => {
      s.simulator.identity.failSignIns(90033, 3);
      return withSecret(s);
    },
  },
]);

const CASES: readonly Case[] = [
  ...EVERY,
  ...SECRETS,
  ...CERTIFICATES,
  ...FEDERATED,
  ...IDENTITIES,
  ...PASSWORDS,
  ...AGREEMENTS,
];
const told = new Map<Case, Check>();

for (const one of CASES) {
  test(`${one.credential}: ${one.what}: a check says so and how to mend it`, async () => {
    const options = await one.options(stage);
    try {
      const failed = (await stage.verify(options)).filter(({ ok }) => !ok);
      const check = failed.find(({ name }) => name === one.check);
      assert.ok(check !== undefined, `failed: ${JSON.stringify(failed)}`);
      assert.match(check.detail, /^[A-Z“].*[.!)]$/s, "a sentence");
      assert.match(check.fix ?? "", /^[A-Z].*\.$/s, "a sentence that says what to do");
      assert.match(check.fix ?? "", one.mend);
      assert.ok(!check.detail.includes(check.fix ?? ""), "what to do is said once");
      if (one.number !== null) assert.match(check.detail, new RegExp(`AADSTS${one.number}\\b`));
      assert.doesNotMatch(check.detail + check.fix, /CANARY|of-azure|eyJ/, "no secret");
      told.set(one, check);
    } finally {
      await one.undo?.(stage);
    }
  });
}

test("at least twenty refusals are told, and docs/connecting.md tells the same", () => {
  assert.equal(told.size, CASES.length);
  assert.ok(told.size >= 20);
  const text = readFileSync(DOCUMENT, "utf8");
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  assert.ok(before > 0 && after > before, `docs/connecting.md lacks the marks ${BEGIN} and ${END}`);
  const next = `${text.slice(0, before)}${BEGIN}\n\n${table()}\n${text.slice(after)}`;
  if (process.env.ENTRAIN_WRITE_DOCS === "1") writeFileSync(DOCUMENT, next);
  else assert.equal(unaligned(text), unaligned(next), "the table is out of date; mend: ENTRAIN_WRITE_DOCS=1");
});

/** The formatter aligns the columns of tables; what the cells say is what counts. */
function unaligned(text: string): string {
  return text
    .replaceAll(/ *\| */g, "|")
    .replaceAll(/\|-+(?=\|)/g, "|-")
    .replaceAll(/\n+/g, "\n");
}

function table(): string {
  const rows = [...told].map(([{ credential, what, number }, { name, detail, fix }]) => {
    const cells = [credential, what, number === null ? "" : `AADSTS${number}`, name, plain(detail), fix ?? ""];
    return cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " "));
  });
  const head = ["Credential", "What happened", "Microsoft's number", "Check", "What it says", "What to do"];
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0, fill)).join(" | ")} |\n`;
  return [
    line(head, " "),
    line(
      head.map(() => ""),
      "-",
    ),
    ...rows.map((row) => line(row, " ")),
  ].join("");
}

/** The same text at every run: no ids, ports, dates or traces of this one. */
function plain(detail: string): string {
  return detail
    .replaceAll(/ \(AADSTS[^)]*\)/g, "")
    .replaceAll(/ \(trace id[^)]*\)/g, "")
    .replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi, "…")
    .replaceAll(/127\.0\.0\.1:\d+/g, "the host")
    .replaceAll(/\d{4}-\d\d-\d\d/g, "…");
}
