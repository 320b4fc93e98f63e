import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { ConnectorError } from "@entrain/core";
import type { Clock } from "../clock.ts";
import { faultCode, storeFailed } from "./faults.ts";
import type { Store } from "./store.ts";

/** A secret that shows itself only to who asks for it: it prints as `[secret]` wherever it is logged, joined or listed. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    Object.defineProperty(this, inspect.custom, { value: () => "[secret]" });
  }

  /** The secret itself, for the one call that needs it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }
}

/** What a document says of a secret: the value itself, sealed, or where to read it at every use. */
export type SecretReference = { readonly sealed: string } | { readonly env: string } | { readonly file: string };

/** Seals and unseals the secrets of one store. */
export interface Keyring {
  /** `row` names the place (table, id, field): a ciphertext that was moved to another place does not open. */
  seal(secret: Secret, row: string): SecretReference;
  /**
   * The secret behind a reference, read anew from the environment or the file each time.
   * @throws ConnectorError `config_invalid` naming the variable or file that is missing, `key_wrong` when it does not open.
   */
  open(reference: SecretReference, row: string): Secret;
  /** The same as bytes, for a file that is no text; of a sealed value or a variable those of its text. */
  openBytes(reference: SecretReference, row: string): Uint8Array;
}

/** Where the key comes from. */
export interface KeySource {
  /** The value of ENTRAIN_KEY: 32 bytes in base64 or hex. It goes before the key file. */
  readonly key: string | undefined;
  /** The data folder, where the key file is looked for and, for a store without secrets, created (0600). */
  readonly folder: string;
  /** Environment in which `{env: NAME}` references are looked up. */
  readonly environment: { readonly [name: string]: string | undefined };
}

const KEY_FILE = "entrain.key";
const CHECK = "key_check";
const CHECK_ROW = "meta/key_check";
const VERSION = "v1";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Opens the store's keyring and makes sure, before anything is read or written with it, that the key is the right one.
 * @throws ConnectorError `config_invalid` (malformed ENTRAIN_KEY), `key_wrong` (another or no key), `store_failed` (key
 * file unreadable, or readable by others).
 */
export async function openKeyring(store: Store, source: KeySource): Promise<Keyring> {
  const checks = () => store.db.selectFrom("meta").select("value").where("key", "=", CHECK).executeTakeFirst();
  let check = await checks();
  const key = findKey(source, check !== undefined, store.clock);
  if (check === undefined) {
    const value = seal(key, "entrain", CHECK_ROW, store.clock);
    await store.transaction(
      (tx) =>
        tx
          .insertInto("meta")
          .values({ key: CHECK, value })
          .onConflict((conflict) => conflict.column("key").doNothing())
          .execute(),
      { repeatable: true },
    );
    check = await checks(); // Another process may have been faster, with another key.
  }
  if (check === undefined || unseal(key, check.value, CHECK_ROW) === null)
    throw keyWrong(
      `${source.key === undefined ? `The key file ${join(source.folder, KEY_FILE)}` : "ENTRAIN_KEY"} is not the key that this store was encrypted with.`,
    );
  return {
    seal: (secret, row) => ({ sealed: seal(key, secret.reveal(), row, store.clock) }),
    open: (reference, row) => openReference(reference, row, key, source.environment),
    openBytes: (reference, row) =>
      "file" in reference
        ? readSecretBytes(reference.file)
        : Buffer.from(openReference(reference, row, key, source.environment).reveal(), "utf8"),
  };
}

function openReference(
  reference: SecretReference,
  row: string,
  key: Buffer,
  environment: KeySource["environment"],
): Secret {
  if ("env" in reference) {
    const value = environment[reference.env];
    if (value === undefined || value === "")
      throw invalid(
        `The environment variable ${reference.env}, which holds a secret, is not set.`,
        "Set it for this command and for `entrain serve`, or say with `entrain config apply` where else the secret stands.",
      );
    return new Secret(value);
  }
  if ("file" in reference) return new Secret(readSecretFile(reference.file));
  const value = unseal(key, reference.sealed, row);
  if (value === null) throw keyWrong(`The secret of ${row} could not be opened with this key, or was changed.`);
  return new Secret(value);
}

const MEND_FILE = "Check the file and its rights, or say with `entrain config apply` where else the secret stands.";

function readSecretBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw invalid(
      `The file ${path}, which holds a secret, cannot be read (${faultCode(error) ?? "unknown error"}).`,
      MEND_FILE,
    );
  }
}

function readSecretFile(path: string): string {
  const value = readSecretBytes(path)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (value === "") throw invalid(`The file ${path}, which should hold a secret, is empty.`, MEND_FILE);
  return value;
}

/** `version.keyId.nonce.data.tag`, each in base64url; AES-256-GCM with `row` as additional data (NIST SP 800-38D). */
function seal(key: Buffer, text: string, row: string, clock: Clock): string {
  const nonce = Buffer.from(clock.bytes(NONCE_BYTES));
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(row, "utf8"));
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  const parts = [nonce, data, cipher.getAuthTag()].map((part) => part.toString("base64url"));
  return [VERSION, keyId(key), ...parts].join(".");
}

/** The text, or null when it was not sealed with this key for this row. */
function unseal(key: Buffer, sealed: string, row: string): string | null {
  const [version, id, nonce, data, tag] = sealed.split(".");
  if (version !== VERSION || id !== keyId(key) || nonce === undefined || data === undefined || tag === undefined)
    return null;
  try {
    const bytes = (text: string): Buffer => Buffer.from(text, "base64url");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes(nonce), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(row, "utf8"));
    decipher.setAuthTag(bytes(tag));
    return Buffer.concat([decipher.update(bytes(data)), decipher.final()]).toString("utf8");
  } catch {
    return null; // Authentication failed: there is nothing to tell apart, and nothing that the error could add.
  }
}

/** Names a key without giving it away. */
function keyId(key: Buffer): string {
  return Buffer.from(hkdfSync("sha256", key, "", "entrain key id", 6)).toString("base64url");
}

function findKey(source: KeySource, used: boolean, clock: Clock): Buffer {
  if (source.key !== undefined) return parseKey(source.key, "ENTRAIN_KEY");
  const path = join(source.folder, KEY_FILE);
  if (existsSync(path)) return readKeyFile(path);
  if (used)
    throw keyWrong(`The key of this store is missing: ENTRAIN_KEY is not set, and there is no key file ${path}.`);
  createKeyFile(path, clock);
  return readKeyFile(path);
}

function parseKey(text: string, where: string): Buffer {
  const trimmed = text.trim();
  const hex = /^[0-9a-f]{64}$/i.test(trimmed);
  const base64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed);
  if (hex) return Buffer.from(trimmed, "hex");
  if (base64) return Buffer.from(trimmed, "base64");
  throw invalid(
    `${where} must be ${KEY_BYTES} bytes in base64 or hex; make one with: openssl rand -base64 ${KEY_BYTES}`,
  );
}

function readKeyFile(path: string): Buffer {
  const others = statSync(path).mode & 0o077;
  if (others !== 0 && process.platform !== "win32")
    throw storeFailed(`The key file ${path} can be read by other users. Run: chmod 600 ${path}`);
  try {
    return parseKey(readFileSync(path, "utf8"), `The key file ${path}`);
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    throw storeFailed(`The key file ${path} cannot be read (${faultCode(error) ?? "unknown error"}).`, error);
  }
}

/** Complete before it bears its name, and never over another one: two processes may do this at once. */
function createKeyFile(path: string, clock: Clock): void {
  const draft = `${path}.${Buffer.from(clock.bytes(6)).toString("hex")}`;
  try {
    const file = openSync(draft, "wx", 0o600);
    try {
      writeSync(file, `${Buffer.from(clock.bytes(KEY_BYTES)).toString("base64")}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    try {
      linkSync(draft, path);
    } catch (error) {
      if (faultCode(error) !== "EEXIST") throw error;
    } finally {
      unlinkSync(draft);
    }
  } catch (error) {
    throw storeFailed(`The key file ${path} cannot be created (${faultCode(error) ?? "unknown error"}).`, error);
  }
}

function keyWrong(message: string): ConnectorError {
  return new ConnectorError("key_wrong", message, { stops: "run", retry: "never" });
}

function invalid(message: string, fix?: string): ConnectorError {
  const own = fix === undefined ? {} : { fix };
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never", ...own });
}
