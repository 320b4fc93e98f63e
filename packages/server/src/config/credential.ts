import type { Checker } from "./checker.ts";
import type { AppCredentialOf, CredentialOf } from "./credential-of.ts";
import type { CredentialEntry, Path, SecretEntry } from "./document.ts";
import { suggestion } from "./nearest.ts";
import { readSecret, readUrl } from "./values.ts";

/** Two overlap while one is rotated; more than that is a mistake. */
const MOST = 4;

const KINDS = [
  "secret",
  "certificate",
  "federated",
  "managed-identity",
  "workload-identity",
  "delegated",
  "password",
] as const;
type Kind = (typeof KINDS)[number];

const FIELDS: { readonly [K in Kind]: readonly string[] } = {
  secret: ["secret", "expires"],
  certificate: ["certificate", "key", "passphrase"],
  federated: ["assertion", "url", "token", "allowPrivate"],
  "managed-identity": ["identity"],
  "workload-identity": ["tokenFile"],
  delegated: ["app"],
  password: ["username", "password", "expires", "app"],
};

/** One credential, or a list of them that are tried in order. */
export function readCredentials(checker: Checker, value: unknown, path: Path): readonly CredentialEntry[] | undefined {
  if (!Array.isArray(value)) {
    const one = readCredential(checker, value, path);
    return one === undefined ? undefined : [one];
  }
  if (value.length === 0 || value.length > MOST) {
    return checker.flaw(path, `must be one credential, or a list of at most ${MOST} that are tried in order`);
  }
  const read = value.map((one: unknown, at) => readCredential(checker, one, [...path, at]));
  const good = read.filter((one) => one !== undefined);
  for (const [at, one] of read.entries()) {
    if (one?.id === undefined || read.findIndex((other) => other?.id === one.id) === at) continue;
    checker.flaw([...path, at, "id"], `the id ${one.id} is there twice`);
  }
  return good.length === read.length ? good : undefined;
}

function readCredential(checker: Checker, value: unknown, path: Path): CredentialEntry | undefined {
  const given = checker.map(value, path, null);
  if (given === undefined) return undefined;
  const kind = given.kind === undefined ? "secret" : checker.oneOf(given.kind, [...path, "kind"], KINDS);
  if (kind === undefined) return undefined;
  refuseOthers(checker, given, path, kind);
  const id = given.id === undefined ? null : readCredentialId(checker, given.id, [...path, "id"]);
  if (id === undefined) return undefined;
  const read = READERS[kind]({
    checker,
    given,
    path,
    secret: (name) => readSecret(checker, given[name], [...path, name]),
    optional: (name) => (given[name] === undefined ? null : readSecret(checker, given[name], [...path, name])),
  });
  return read === undefined || id === null ? read : { ...read, id };
}

function readCredentialId(checker: Checker, value: unknown, path: Path): string | undefined {
  const id = checker.text(value, path);
  if (id === undefined || /^[A-Za-z0-9_-]{1,40}$/.test(id)) return id;
  return checker.flaw(path, "must be letters, digits, - and _ alone, 40 at most");
}

function refuseOthers(checker: Checker, given: { readonly [key: string]: unknown }, path: Path, kind: Kind): void {
  const known = ["kind", "id", ...FIELDS[kind]];
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    checker.flaw([...path, name], `a credential of the kind ${kind} has no such field${suggestion(name, known)}`);
  }
}

interface Reading {
  readonly checker: Checker;
  readonly given: { readonly [key: string]: unknown };
  readonly path: Path;
  readonly secret: (name: string) => SecretEntry | undefined;
  /** `null` when the field is not there, undefined when it is wrong. */
  readonly optional: (name: string) => SecretEntry | null | undefined;
}

const READERS: { readonly [K in Kind]: (reading: Reading) => CredentialEntry | undefined } = {
  secret: (reading) => {
    const [value, expires] = [reading.secret("secret"), readDay(reading)];
    if (value === undefined || expires === undefined) return undefined;
    return { kind: "secret", secret: value, ...(expires && { expires }) };
  },
  certificate: ({ secret, optional }) => {
    const [certificate, key, passphrase] = [secret("certificate"), optional("key"), optional("passphrase")];
    if (certificate === undefined || key === undefined || passphrase === undefined) return undefined;
    return { kind: "certificate", certificate, ...(key && { key }), ...(passphrase && { passphrase }) };
  },
  federated: readFederated,
  "managed-identity": ({ checker, given, path }) => {
    if (given.identity === undefined) return { kind: "managed-identity" };
    const identity = checker.text(given.identity, [...path, "identity"]);
    return identity === undefined ? undefined : { kind: "managed-identity", identity };
  },
  "workload-identity": ({ checker, given, path }) => {
    if (given.tokenFile === undefined) return { kind: "workload-identity" };
    const tokenFile = checker.text(given.tokenFile, [...path, "tokenFile"]);
    return tokenFile === undefined ? undefined : { kind: "workload-identity", tokenFile };
  },
  delegated: (reading) => {
    const app = readApp(reading);
    return app === undefined ? undefined : { kind: "delegated", ...(app && { app }) };
  },
  password: (reading) => {
    const { checker, given, path, secret } = reading;
    const username = checker.text(given.username, [...path, "username"]);
    const [password, expires, app] = [secret("password"), readDay(reading), readApp(reading)];
    if (username === undefined || password === undefined || expires === undefined || app === undefined)
      return undefined;
    return { kind: "password", username, password, ...(expires && { expires }), ...(app && { app }) };
  },
};

function readFederated({ checker, given, path, secret, optional }: Reading): CredentialEntry | undefined {
  if (given.url === undefined) {
    const assertion = secret("assertion");
    return assertion && { kind: "federated", assertion };
  }
  if (given.assertion !== undefined) {
    return checker.flaw([...path, "assertion"], "an assertion comes from one place: `assertion` or `url`");
  }
  const [url, token] = [readUrl(checker, given.url, [...path, "url"], { query: true }), optional("token")];
  const allowed =
    given.allowPrivate === undefined ? false : checker.boolean(given.allowPrivate, [...path, "allowPrivate"]);
  if (url === undefined || token === undefined || allowed === undefined) return undefined;
  return { kind: "federated", url, ...(token && { token }), ...(allowed && { allowPrivate: true }) };
}

/** The day on which a secret ends, where somebody wrote it down; `null` when nobody did, undefined when it is wrong. */
function readDay({ checker, given, path }: Reading): string | null | undefined {
  if (given.expires === undefined) return null;
  const place = [...path, "expires"];
  const text = checker.text(given.expires, place);
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;
  return isDay ? text : checker.flaw(place, `must be a day such as 2027-01-31, not ${JSON.stringify(text)}`);
}

/** `null` for a public client, undefined when what is there is wrong. */
function readApp({ checker, given, path }: Reading): AppCredentialOf<SecretEntry> | null | undefined {
  if (given.app === undefined) return null;
  const app = readCredential(checker, given.app, [...path, "app"]);
  if (app === undefined) return undefined;
  if (app.kind === "secret" || app.kind === "certificate") return app;
  return checker.flaw([...path, "app", "kind"], "the application itself proves itself by a secret or a certificate");
}

/** The same credential with each secret replaced; `field` is its place within the credential, such as `app.secret`. */
export function mapSecrets<S, T>(credential: CredentialOf<S>, to: (secret: S, field: string) => T): CredentialOf<T> {
  const mapped = mapKind(credential, to);
  return credential.id === undefined ? mapped : { ...mapped, id: credential.id };
}

function mapKind<S, T>(credential: CredentialOf<S>, to: (secret: S, field: string) => T): CredentialOf<T> {
  switch (credential.kind) {
    case "secret":
    case "certificate":
      return mapApp(credential, to);
    case "federated":
      if ("assertion" in credential) return { kind: "federated", assertion: to(credential.assertion, "assertion") };
      return {
        kind: "federated",
        url: credential.url,
        ...(credential.token === undefined ? {} : { token: to(credential.token, "token") }),
        ...(credential.allowPrivate === true ? { allowPrivate: true } : {}),
      };
    case "delegated":
      return { kind: "delegated", ...mappedApp(credential.app, to) };
    case "password":
      return {
        kind: "password",
        username: credential.username,
        password: to(credential.password, "password"),
        ...(credential.expires === undefined ? {} : { expires: credential.expires }),
        ...mappedApp(credential.app, to),
      };
    default:
      return credential;
  }
}

function mappedApp<S, T>(
  app: AppCredentialOf<S> | undefined,
  to: (secret: S, field: string) => T,
): { readonly app?: AppCredentialOf<T> } {
  return app === undefined ? {} : { app: mapApp(app, (secret, field) => to(secret, `app.${field}`)) };
}

function mapApp<S, T>(app: AppCredentialOf<S>, to: (secret: S, field: string) => T): AppCredentialOf<T> {
  if (app.kind === "secret") {
    const expires = app.expires === undefined ? {} : { expires: app.expires };
    return { kind: "secret", secret: to(app.secret, "secret"), ...expires };
  }
  const { certificate, key, passphrase } = app;
  return {
    kind: "certificate",
    certificate: to(certificate, "certificate"),
    ...(key === undefined ? {} : { key: to(key, "key") }),
    ...(passphrase === undefined ? {} : { passphrase: to(passphrase, "passphrase") }),
  };
}
