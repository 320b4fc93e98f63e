import { SCOPES } from "../stage.ts";
import { type Case, casesOf, noPolicy, person, policy, withAgreement, withPassword } from "./case.ts";

/** What may be wrong where a person's sign-in stands behind the connection. */

export const PASSWORDS: readonly Case[] = casesOf("User name and password", [
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

export const AGREEMENTS: readonly Case[] = casesOf("Administrator's sign-in", [
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
