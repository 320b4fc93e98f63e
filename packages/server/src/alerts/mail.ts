import { connect, type Socket } from "node:net";
import { AddressRefused, guardedLookup, type Resolve } from "@entrain/connectors/webhook";
import { createTransport } from "nodemailer";
import type { EmailOf } from "../config/channel-of.ts";
import { mailAddress } from "../config/channel-of.ts";
import { mailbox } from "../config/channels.ts";
import type { Alert } from "../store/alerts.ts";
import { failedMail, hostFault, partlyRefused } from "./mail-faults.ts";
import { htmlOf, subjectOf, textOf } from "./mail-text.ts";
import type { SendReply } from "./reply.ts";

/** A mail server and whom it tells. */
export interface Mail {
  /** The channel's name. */
  readonly name: string;
  readonly channel: Omit<EmailOf<unknown>, "password" | "type">;
  /** Asked for once; null where the server asks for none. */
  readonly password: (() => string) | null;
  /** Milliseconds for reaching the server, and for each of its answers. Default 20 seconds. */
  readonly timeoutMs?: number;
  /** PEM of authorities in the place of the system's. */
  readonly ca?: string;
  /** How names are looked up; as the system does unless given. */
  readonly resolve?: Resolve;
}

const TIMEOUT_MS = 20_000;
/** Of so many answers' time may the whole conversation take. */
const ANSWERS = 3;
/** Milliseconds that one attempt takes at most. */
export const MAIL_MS: number = TIMEOUT_MS * ANSWERS;
const ACCEPTED = 250;

/**
 * One attempt to tell people of an alert by mail (RFC 5321), in one message to all of them. `Message-ID` is the same at every
 * attempt. Without TLS nothing is sent, but on this machine where `tls` is `none`.
 * @throws ConnectorError for a password that cannot be read; the signal's reason when it aborts
 */
export async function sendMail(mail: Mail, alert: Alert, signal: AbortSignal): Promise<SendReply> {
  signal.throwIfAborted();
  const { channel, password, timeoutMs = TIMEOUT_MS } = mail;
  const pass = password?.() ?? "";
  const told = { address: mailAddress(channel), user: channel.user ?? "", pass };
  const timeout = AbortSignal.timeout(timeoutMs * ANSWERS);
  const ended = AbortSignal.any([signal, timeout]);
  const transport = openTransport(mail, pass);
  try {
    const sent = await transport.sendMail({ ...messageFor(mail, alert), signal: ended });
    const refused = sent.rejectedErrors ?? [];
    if (refused.length === 0) return { kind: "accepted", status: ACCEPTED };
    return { kind: "accepted", status: ACCEPTED, note: partlyRefused(refused, told) };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted)
      return hostFault(told.address, `did not end the conversation within ${timeoutMs * ANSWERS} ms`);
    return failedMail(error, { ...told, timeoutMs });
  } finally {
    transport.close();
  }
}

function openTransport(mail: Mail, pass: string) {
  const { channel, timeoutMs = TIMEOUT_MS, ca } = mail;
  const { host, port, tls, user } = channel;
  return createTransport({
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    tls: { minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) },
    // A server that asks for no password must not get the alert where one was to be given.
    ...(user === undefined ? {} : { auth: { user, pass }, forceAuth: true }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
    getSocket: (_options, callback) => {
      openSocket(mail, timeoutMs).then(
        (connection) => callback(null, { connection }),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
      );
    },
  });
}

/** A connection to an address that the channel may reach: what was checked is what is connected to. */
function openSocket({ channel, resolve }: Mail, timeoutMs: number): Promise<Socket> {
  const { host, port, allowPrivate } = channel;
  const reach = allowPrivate || host === "localhost" ? "private" : "public";
  return new Promise((opened, failed) => {
    const socket = connect({ host, port, lookup: guardedLookup(reach, resolve) });
    const late = setTimeout(() => {
      socket.destroy(Object.assign(new Error("late"), { code: "ETIMEDOUT" }));
    }, timeoutMs);
    socket.once("error", (error) => {
      clearTimeout(late);
      failed(refusalIn(error) ?? error);
    });
    socket.once("connect", () => {
      clearTimeout(late);
      socket.removeAllListeners("error");
      opened(socket);
    });
  });
}

/** Where a name has several addresses, the refusal is the error of each. */
function refusalIn(error: Error): AddressRefused | null {
  if (error instanceof AddressRefused) return error;
  const parts = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return parts.find((part) => part instanceof AddressRefused) ?? null;
}

function messageFor({ name, channel }: Mail, alert: Alert) {
  const from = mailbox(channel.from) ?? { name: "", address: channel.from };
  const domain = from.address.slice(from.address.lastIndexOf("@") + 1);
  return {
    from,
    to: [...channel.to],
    subject: subjectOf(alert),
    text: textOf(alert, name),
    html: htmlOf(alert, name),
    messageId: `<${alert.id}@${domain}>`,
    date: new Date(alert.at),
    headers: {
      // RFC 3834, 5: nobody's absence note answers it.
      "Auto-Submitted": "auto-generated",
      "X-Entrain-Alert": alert.type,
    },
  };
}
