import type { Command } from "commander";
import type { SecretEntry } from "../config/document.ts";
import type { Secret } from "../store/secrets.ts";
import { type Invocation, type Options, textOption, usage } from "./command.ts";
import { readableFile, readSecretOptions, secretOptions } from "./secrets.ts";

/** A credential as a document has it, and the secrets in it that are to be sealed, by field. */
export interface GivenCredential {
  readonly entry: object;
  readonly secrets: ReadonlyMap<string, Secret>;
}

/** The ways in which a connection may prove itself to Microsoft; without any of them it is a client secret. */
export function credentialOptions(command: Command): Command {
  return secretOptions(command, "the client secret, or the password of --username")
    .option("--certificate-file <path>", "certificate (PEM with its key, or PFX), read at every use")
    .option("--key-file <path>", "the certificate's private key, where it stands in a file of its own")
    .option("--passphrase-env <name>", "environment variable with the passphrase of the key or the PFX")
    .option("--passphrase-file <path>", "file with the passphrase")
    .option("--assertion-file <path>", "federated assertion of another provider, read at every use")
    .option("--assertion-env <name>", "environment variable with a federated assertion")
    .option("--assertion-url <url>", "where to fetch a federated assertion")
    .option("--assertion-token-env <name>", "environment variable with the token for --assertion-url")
    .option("--managed-identity [client-id]", "the managed identity of the Azure machine this runs on")
    .option("--workload-identity", "the Kubernetes service account this runs as")
    .option("--delegated", "an administrator's sign-in; then run `entrain connection authorize`")
    .option("--username <upn>", "user name of an account without a second factor (discouraged)");
}

const WAYS = [
  "certificateFile",
  "assertionFile",
  "assertionEnv",
  "assertionUrl",
  "managedIdentity",
  "workloadIdentity",
];

/** These are a credential of their own, or part of one, that goes with none of the ways above. */
const BESIDE_NONE = ["delegated", "username", "secretStdin", "secretFile", "secretEnv"];

/** @throws ConnectorError `usage` when none or several are given */
export async function readCredentialOptions(invocation: Invocation, options: Options): Promise<GivenCredential> {
  const ways = WAYS.filter((name) => options[name] !== undefined);
  if (ways.length > 1) throw usage(`Give one credential only, not ${ways.map(flag).join(" and ")}.`);
  const [way] = ways;
  const text = (name: string): string | undefined => textOption(options, name);
  refuseWithout(options, "certificateFile", ["keyFile", "passphraseEnv", "passphraseFile"]);
  refuseWithout(options, "assertionUrl", ["assertionTokenEnv"]);
  const beside = BESIDE_NONE.filter((name) => options[name] !== undefined);
  if (way !== undefined && beside.length > 0)
    throw usage(`Give one credential only, not ${[way, ...beside].map(flag).join(" and ")}.`);
  if (way !== undefined) return { entry: await entryOf(way, options), secrets: new Map() };
  const delegated = options.delegated === true;
  const username = text("username");
  if (delegated && username !== undefined) throw usage("Give one credential only, not --delegated and --username.");
  const given = await readSecretOptions(invocation, options, username === undefined ? "client secret" : "password");
  if (delegated) {
    const app = given === null ? {} : { app: { kind: "secret", secret: given.entry } };
    return { entry: { kind: "delegated", ...app }, secrets: sealed("app.secret", given?.secret ?? null) };
  }
  if (given === null) {
    const what = username === undefined ? "client secret" : "password";
    throw usage(`Give the ${what} with --secret-stdin, --secret-file PATH or --secret-env NAME.`);
  }
  return username === undefined
    ? { entry: { kind: "secret", secret: given.entry }, secrets: sealed("secret", given.secret) }
    : { entry: { kind: "password", username, password: given.entry }, secrets: sealed("password", given.secret) };
}

async function entryOf(way: string, options: Options): Promise<object> {
  const text = (name: string): string | undefined => textOption(options, name);
  const file = (name: string): { readonly file: string } => ({ file: readableFile(text(name) ?? "") });
  const place = (name: string): SecretEntry | undefined => {
    const [env, path] = [text(`${name}Env`), text(`${name}File`)];
    return env !== undefined ? { env } : path !== undefined ? { file: readableFile(path) } : undefined;
  };
  const identity = text("managedIdentity");
  const passphrase = place("passphrase");
  const token = place("assertionToken");
  switch (way) {
    case "certificateFile":
      return {
        kind: "certificate",
        certificate: file(way),
        ...(text("keyFile") === undefined ? {} : { key: file("keyFile") }),
        ...(passphrase === undefined ? {} : { passphrase }),
      };
    case "assertionUrl":
      return { kind: "federated", url: text(way), ...(token === undefined ? {} : { token }) };
    case "managedIdentity":
      return { kind: "managed-identity", ...(identity === undefined ? {} : { identity }) };
    case "workloadIdentity":
      return { kind: "workload-identity" };
    default:
      return { kind: "federated", assertion: place("assertion") };
  }
}

function sealed(field: string, secret: Secret | null): ReadonlyMap<string, Secret> {
  return new Map(secret === null ? [] : [[field, secret]]);
}

function refuseWithout(options: Options, needed: string, names: readonly string[]): void {
  const alone = names.find((name) => options[name] !== undefined);
  if (alone !== undefined && options[needed] === undefined) throw usage(`${flag(alone)} belongs to ${flag(needed)}.`);
}

function flag(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
