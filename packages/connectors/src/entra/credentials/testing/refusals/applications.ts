import { after } from "node:test";
import { makeCertificate } from "../../testing.ts";
import { ROLES, type Stage, startAnswering, startIdentityEndpoint } from "../stage.ts";
import {
  type Case,
  casesOf,
  DAY_MS,
  noPolicy,
  policy,
  SECRET,
  SUBJECT,
  secret,
  UNKNOWN_ID,
  withAssertion,
  withCertificate,
  withSecret,
} from "./case.ts";

/** What may be wrong where an application signs in as itself, by each of its credentials. */

export const SECRETS: readonly Case[] = casesOf("Client secret", [
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

export const CERTIFICATES: readonly Case[] = casesOf("Certificate", [
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

export const FEDERATED: readonly Case[] = casesOf("Federated assertion", [
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

export const IDENTITIES: readonly Case[] = [
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

export const EVERY: readonly Case[] = casesOf("Every kind", [
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
