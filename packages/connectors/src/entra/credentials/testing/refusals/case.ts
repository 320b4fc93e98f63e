import assert from "node:assert/strict";
import type { EntraOptions } from "../../../index.ts";
import type { Credential, DelegatedCredential } from "../../credential.ts";
import { refreshTokenOf, SCOPES, type Stage } from "../stage.ts";

export const SUBJECT = "repo:contoso/sync:ref:refs/heads/main";
export const UNKNOWN_ID = "11111111-2222-4333-8444-555555555555";
export const SECRET = "CANARY~secret";
export const DAY_MS = 86_400_000;

/** One documented refusal: what the administrator has, what is wrong with it, and what the checks must say. */
export interface Case {
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

export function casesOf(credential: string, cases: readonly Omit<Case, "credential">[]): readonly Case[] {
  return cases.map((one) => ({ credential, ...one }));
}
export const secret = (value: string): Credential => ({ kind: "secret", secret: () => value });

/** An app with a secret, and options that use it. */
export function withSecret(given: Stage, more: Parameters<Stage["app"]>[0] = {}): EntraOptions {
  return given.options(given.app({ secret: SECRET, ...more }).client, secret(SECRET));
}

export function withCertificate(
  given: Stage,
  upload: string | null,
  data: Stage["certificate"] = given.certificate,
): EntraOptions {
  const { client } = given.app(upload === null ? {} : { certificate: upload });
  const certificate = () => ({ data: data.certificate, key: data.key });
  return given.options(client, { kind: "certificate", certificate });
}

export async function withAssertion(
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
export function person(
  given: Stage,
  change: Parameters<Stage["simulator"]["identity"]["changePerson"]>[1] = {},
): string {
  const found = given.simulator.identity.people(undefined, 60).at(nextPerson++);
  assert.ok(found !== undefined);
  given.simulator.identity.changePerson(found.userPrincipalName, { mfa: "off", ...change });
  return found.userPrincipalName;
}

export function withPassword(
  given: Stage,
  username: string,
  more: Parameters<Stage["publicApp"]>[0] = {},
): EntraOptions {
  const password = given.simulator.identity.person(username)?.password ?? "unknown";
  return given.options(given.publicApp(more).client, { kind: "password", username, password: () => password });
}

export async function withAgreement(
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

export const policy = (
  given: Stage,
  name: Parameters<Stage["simulator"]["identity"]["setConditionalAccess"]>[0],
): void => given.simulator.identity.setConditionalAccess(name);
export const noPolicy = (given: Stage): void => policy(given, "off");
