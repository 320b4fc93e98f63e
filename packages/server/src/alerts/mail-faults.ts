import { AddressRefused, transportFault } from "@entrain/connectors/webhook";
import type { SendReply } from "./reply.ts";
import { cleaned } from "./words.ts";

/** What must be known to say what went wrong, and what must not be said. */
interface Conversation {
  /** `smtp://mail.example.com:587` */
  readonly address: string;
  readonly user: string;
  readonly pass: string;
}

/** What nodemailer says of a fault ("Error reference"). */
interface MailFault {
  readonly code: string;
  /** The system's or TLS's own code. */
  readonly originalCode: string;
  readonly command: string;
  readonly response: string;
  readonly responseCode: number | null;
  readonly rejectedErrors: readonly unknown[];
}

const PLACE = "Compare the channel's host, port and tls with what the mail server's administrator says.";
const SAID_CHARACTERS = 200;
/** So many of those who were refused are told by address. */
const NAMED = 3;

/** Why a mail was not taken, in words: what the server said is repeated, but never after a password was sent. */
export function failedMail(error: unknown, told: Conversation & { readonly timeoutMs: number }): SendReply {
  const { address, timeoutMs } = told;
  const host = hostOf(address);
  const fault = faultOf(error);
  const status = fault.responseCode;
  if (error instanceof AddressRefused) {
    const fix =
      "Compare the channel's host with the mail server's; allowPrivate lets its name lead to a private network or this machine.";
    return failed(null, `${error.message}.`, fix);
  }
  if (fault.code === "EAUTH" || fault.code === "ENOAUTH" || fault.command.startsWith("AUTH")) {
    const said = status === null ? "" : ` (${status})`;
    const fix = "Give the channel a user and a password that the mail server lets send.";
    return failed(status, `${host} did not let the channel's user in${said}.`, fix);
  }
  if (fault.code === "EENVELOPE" && fault.rejectedErrors.length > 0) {
    const detail = `${host} refused everybody: ${refusals(fault.rejectedErrors, told)}.`;
    return failed(status, detail, "Correct the channel's recipients, or let the mail server take mail for them.");
  }
  if (fault.code === "EENVELOPE" || fault.command === "MAIL FROM") {
    const fix = "Give the channel a sender that its user may send as.";
    return failed(status, `${host} refused the sender: ${saidBy(fault, told)}.`, fix);
  }
  if (fault.originalCode === "ETIMEDOUT" || fault.code === "ETIMEDOUT" || /TIMEOUT$/.test(fault.originalCode)) {
    const fix = `${PLACE} One that expects TLS from the first byte says nothing until then: tls: implicit.`;
    return failed(null, `${host} did not answer within ${timeoutMs} ms.`, fix);
  }
  if (fault.code === "ETLS" && fault.originalCode === "") {
    const fix = "Let the mail server offer STARTTLS, or use tls: implicit where it has a port for that.";
    return failed(status, `${host} does not offer STARTTLS, and nothing is sent without it.`, fix);
  }
  if (status !== null)
    return failed(status, `${host} refused the mail: ${saidBy(fault, told)}.`, "Look into the mail server's log.");
  const code = fault.originalCode === "" ? fault.code : fault.originalCode;
  const { message } = transportFault({ code: CODES_OF_OURS.has(code) ? "" : code }, new URL(address), false);
  return failed(null, `${message}.`, PLACE);
}

/** Codes of nodemailer's own, which say nothing to whoever looks them up. */
const CODES_OF_OURS: ReadonlySet<string> = new Set(["ESOCKET", "ECONNECTION", "EPROTOCOL", "EMESSAGE", "ETLS", "EDNS"]);

/** A fault of the conversation as a whole. */
export function hostFault(address: string, what: string): SendReply {
  return failed(null, `${hostOf(address)} ${what}.`, PLACE);
}

/** Whom a mail did not reach that others were sent. */
export function partlyRefused(errors: readonly unknown[], told: Conversation): string {
  return `${hostOf(told.address)} refused ${refusals(errors, told)}. Correct the channel's recipients.`;
}

function refusals(errors: readonly unknown[], told: Conversation): string {
  const named = errors.slice(0, NAMED).map((error) => {
    const recipient = fieldOf(error, "recipient");
    return `${typeof recipient === "string" ? cleaned(recipient) : "a recipient"} (${saidBy(faultOf(error), told)})`;
  });
  const more = errors.length - named.length;
  return named.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** What the server said, without the password in any form in which it was sent. */
function saidBy({ response, responseCode }: MailFault, { user, pass }: Conversation): string {
  // AUTH PLAIN (RFC 4616) and AUTH LOGIN.
  const sent = [`\0${user}\0${pass}`, pass].map((text) => Buffer.from(text, "utf8").toString("base64"));
  const hidden = pass === "" ? [] : [pass, ...sent, ...sent.map((text) => text.replace(/=+$/, ""))];
  const line = hidden.reduce((text, secret) => text.replaceAll(secret, "[secret]"), cleaned(response));
  const short = line.length > SAID_CHARACTERS ? `${line.slice(0, SAID_CHARACTERS).toWellFormed()}…` : line;
  return short === "" ? String(responseCode ?? "no reason given") : short.replace(/\.$/, "");
}

function failed(status: number | null, detail: string, fix: string): SendReply {
  return { kind: "failed", status, detail, fix, retryAfterMs: null };
}

function hostOf(address: string): string {
  return address.replace(/^smtp:\/\//, "");
}

function faultOf(error: unknown): MailFault {
  const text = (name: string): string => {
    const value = fieldOf(error, name);
    return typeof value === "string" ? value : "";
  };
  const responseCode = fieldOf(error, "responseCode");
  const rejected = fieldOf(error, "rejectedErrors");
  return {
    code: text("code"),
    originalCode: text("originalCode"),
    command: text("command"),
    response: text("response"),
    responseCode: typeof responseCode === "number" ? responseCode : null,
    rejectedErrors: Array.isArray(rejected) ? rejected : [],
  };
}

function fieldOf(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null ? (error as Readonly<Record<string, unknown>>)[name] : undefined;
}
