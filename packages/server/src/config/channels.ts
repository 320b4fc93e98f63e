import { isIP } from "node:net";
import { checkLiteral, webhookUrl } from "@entrain/connectors/webhook";
import { ALERT_TYPES, type ToldType } from "../store/alerts.ts";
import { isLoopbackHost, MAIL_TLS, type MailTls } from "./channel-of.ts";
import type { Checker, Entries } from "./checker.ts";
import type { ChannelEntry, Path } from "./document.ts";
import { readSecret, readUrl } from "./values.ts";

/** The types of channels, as documents name them. */
export const CHANNEL_TYPES = ["webhook", "email", "slack", "teams"] as const;
type ChannelType = (typeof CHANNEL_TYPES)[number];

const COMMON = ["type", "types", "allowPrivate"] as const;
const FIELDS: { readonly [T in ChannelType]: readonly string[] } = {
  webhook: [...COMMON, "url", "secret"],
  slack: [...COMMON, "url"],
  teams: [...COMMON, "url"],
  email: [...COMMON, "host", "port", "tls", "user", "password", "from", "to"],
};
/** The ports of submission (RFC 8314, 3.3; RFC 6409) and of mail itself. */
const PORTS: { readonly [T in MailTls]: number } = { implicit: 465, starttls: 587, none: 25 };
/** A list for more people is the mail server's to keep. */
const MOST_RECIPIENTS = 50;
/** RFC 5321, 4.5.3.1.3, without the brackets. */
const LONGEST_ADDRESS = 254;
const ADDRESS = /^[^\s@<>()[\]\\,;:"\p{Cc}\p{Cf}]+@[^\s@<>()[\]\\,;:"\p{Cc}\p{Cf}]+$/u;
const NAMED = /^([^<>"\\\p{Cc}\p{Cf}]*?)\s*<([^<>]+)>$/u;
const HOST_NAME = /^[\p{L}\p{N}._-]{1,253}$/u;

/** One channel as a document gives it. */
export function readChannel(checker: Checker, value: unknown, path: Path): ChannelEntry | undefined {
  const given = checker.map(value, path, null);
  if (given === undefined) return undefined;
  const type = checker.oneOf(given.type, [...path, "type"], CHANNEL_TYPES);
  if (type === undefined) return undefined;
  const entry = checker.map(given, path, FIELDS[type]);
  const types = readTypes(checker, given.types, [...path, "types"]);
  const allowed = given.allowPrivate;
  const allowPrivate = allowed === undefined ? false : checker.boolean(allowed, [...path, "allowPrivate"]);
  const own = entry && READERS[type](checker, entry, path);
  if (own === undefined || types === undefined || allowPrivate === undefined) return undefined;
  return { ...own, allowPrivate, ...(types === null ? {} : { types }) };
}

/** What is particular to a type. */
type Own<E = ChannelEntry> = E extends ChannelEntry ? Omit<E, "types" | "allowPrivate"> : never;
type Reader = (checker: Checker, entry: Entries, path: Path) => Own | undefined;

const READERS: { readonly [T in ChannelType]: Reader } = {
  webhook: (checker, entry, path) => {
    const url = readReceiver(checker, entry.url, [...path, "url"]);
    const secret = readSecret(checker, entry.secret, [...path, "secret"]);
    return url === undefined || secret === undefined ? undefined : { type: "webhook", url, secret };
  },
  slack: (checker, entry, path) => readChat(checker, entry, path, "slack"),
  teams: (checker, entry, path) => readChat(checker, entry, path, "teams"),
  email: readEmail,
};

function readChat(checker: Checker, entry: Entries, path: Path, type: "slack" | "teams"): Own | undefined {
  const url = readSecret(checker, entry.url, [...path, "url"]);
  return url === undefined ? undefined : { type, url };
}

function readEmail(checker: Checker, entry: Entries, path: Path): Own | undefined {
  const host = readHost(checker, entry.host, [...path, "host"]);
  const tls = entry.tls === undefined ? "starttls" : checker.oneOf(entry.tls, [...path, "tls"], MAIL_TLS);
  const range = { min: 1, max: 65_535 };
  const port =
    entry.port === undefined ? PORTS[tls ?? "starttls"] : checker.integer(entry.port, [...path, "port"], range);
  const login = readLogin(checker, entry, path);
  const from = readSender(checker, entry.from, [...path, "from"]);
  const to = readRecipients(checker, entry.to, [...path, "to"]);
  if (tls === "none" && host !== undefined && !isLoopbackHost(host)) {
    return checker.flaw([...path, "tls"], "can be none for a mail server on this machine alone: others read along");
  }
  if (!host || !tls || !port || !login || !from || !to) return undefined;
  return { type: "email", host, port, tls, ...login, from, to };
}

function readHost(checker: Checker, value: unknown, path: Path): string | undefined {
  const text = checker.text(value, path);
  if (text === undefined) return undefined;
  const host = text.replace(/^\[(.+)\]$/, "$1");
  if (!HOST_NAME.test(host) && isIP(host) === 0)
    return checker.flaw(path, "must be the mail server's name or address, without a port");
  try {
    checkLiteral(host);
    return host;
  } catch (error) {
    return checker.flaw(path, `must not be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readLogin(checker: Checker, entry: Entries, path: Path): Pick<EmailEntry, "user" | "password"> | undefined {
  if (entry.user === undefined && entry.password === undefined) return {};
  if (entry.user === undefined) return checker.flaw([...path, "user"], "must be there beside a password");
  if (entry.password === undefined) return checker.flaw([...path, "password"], "must be there beside a user");
  const user = checker.text(entry.user, [...path, "user"]);
  const password = readSecret(checker, entry.password, [...path, "password"]);
  if (user === undefined || password === undefined) return undefined;
  if (/\p{Cc}/u.test(user)) return checker.flaw([...path, "user"], "must hold no control characters");
  return { user, password };
}

type EmailEntry = Extract<ChannelEntry, { readonly type: "email" }>;

/** The name and the address of `Name <address>`, or of an address alone; null for what is neither. */
export function mailbox(text: string): { readonly name: string; readonly address: string } | null {
  const [, name = "", inside = text] = NAMED.exec(text) ?? [];
  return ADDRESS.test(inside) && inside.length <= LONGEST_ADDRESS ? { name: name.trim(), address: inside } : null;
}

function readSender(checker: Checker, value: unknown, path: Path): string | undefined {
  const text = checker.text(value, path);
  if (text === undefined || mailbox(text) !== null) return text;
  return checker.flaw(path, "must be a mail address such as entrain@example.com, or Entrain <entrain@example.com>");
}

function readRecipients(checker: Checker, value: unknown, path: Path): readonly string[] | undefined {
  const texts = checker.texts(typeof value === "string" ? [value] : value, path);
  if (texts === undefined) return undefined;
  if (texts.length === 0 || texts.length > MOST_RECIPIENTS) {
    return checker.flaw(path, `must hold 1 to ${MOST_RECIPIENTS} mail addresses`);
  }
  for (const [at, text] of texts.entries()) {
    const read = mailbox(text);
    if (read === null || read.address !== text) {
      checker.flaw([...path, at], "must be a mail address alone, such as it@example.com");
      return undefined;
    }
  }
  return [...new Set(texts)];
}

/** Null for a channel that is told of everything, undefined when it is wrong. */
function readTypes(checker: Checker, value: unknown, path: Path): readonly ToldType[] | null | undefined {
  if (value === undefined) return null;
  const list = checker.list(value, path);
  if (list === undefined) return undefined;
  if (list.length === 0) return checker.flaw(path, "must name a type of alert, or be left out for all of them");
  const types = list.map((one, at) => checker.oneOf(one, [...path, at], ALERT_TYPES));
  return types.every((one) => one !== undefined) ? ALERT_TYPES.filter((one) => types.includes(one)) : undefined;
}

function readReceiver(checker: Checker, value: unknown, path: Path): string | undefined {
  const text = readUrl(checker, value, path, { query: true });
  if (text === undefined) return undefined;
  try {
    webhookUrl(text);
    return text;
  } catch (error) {
    return checker.flaw(path, error instanceof Error ? error.message : String(error));
  }
}
