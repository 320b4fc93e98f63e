import type { ToldType } from "../store/alerts.ts";

/** How a mail server is spoken to: TLS from the first byte, after STARTTLS and never without, or none, on this machine alone. */
export const MAIL_TLS = ["implicit", "starttls", "none"] as const;
export type MailTls = (typeof MAIL_TLS)[number];

/** Where alerts go; `S` is what stands for a secret. Fields that hold one are {@link SECRET_FIELDS}. */
export type ChannelOf<S> = WebhookOf<S> | ChatOf<S> | EmailOf<S>;

interface AnyChannel {
  /** What it is told of; of everything unless given. */
  readonly types?: readonly ToldType[];
  /** The address's name may lead to a private network, or to this machine. */
  readonly allowPrivate: boolean;
}

/** A receiver of signed webhooks (Standard Webhooks). `url`: https, or http on loopback. */
export interface WebhookOf<S> extends AnyChannel {
  readonly type: "webhook";
  readonly url: string;
  /** `whsec_…`, which the receiver knows too. */
  readonly secret: S;
}

/** An incoming webhook of Slack, or a workflow of Teams: whoever knows the address may post there, so it is the secret. */
export interface ChatOf<S> extends AnyChannel {
  readonly type: "slack" | "teams";
  readonly url: S;
}

/** People who are told by mail. `from` is an address, or `Name <address>`; `to` has addresses alone. */
export interface EmailOf<S> extends AnyChannel {
  readonly type: "email";
  readonly host: string;
  readonly port: number;
  readonly tls: MailTls;
  /** With `password`; neither where the server asks for none. */
  readonly user?: string;
  readonly password?: S;
  readonly from: string;
  readonly to: readonly string[];
}

const SECRET_FIELDS: { readonly [T in ChannelOf<unknown>["type"]]: string } = {
  webhook: "secret",
  slack: "url",
  teams: "url",
  email: "password",
};

/** The field of a channel's type that is a secret. */
export function secretField(type: ChannelOf<unknown>["type"]): string {
  return SECRET_FIELDS[type];
}

/** A channel's secret, by the field that it stands in; null for one that has none. */
export function channelSecret<S>(channel: ChannelOf<S>): { readonly field: string; readonly secret: S } | null {
  const field = secretField(channel.type);
  const secret = secretIn(channel);
  return secret === undefined ? null : { field, secret };
}

function secretIn<S>(channel: ChannelOf<S>): S | undefined {
  if (channel.type === "webhook") return channel.secret;
  return channel.type === "email" ? channel.password : channel.url;
}

/** The same channel with another stand-in for its secret. */
export function mapChannel<S, T>(channel: ChannelOf<S>, to: (secret: S, field: string) => T): ChannelOf<T> {
  if (channel.type === "webhook") return { ...channel, secret: to(channel.secret, "secret") };
  if (channel.type !== "email") return { ...channel, url: to(channel.url, "url") };
  const { password, ...rest } = channel;
  return password === undefined ? rest : { ...rest, password: to(password, "password") };
}

/** Where a mail server stands, for a person: `smtp://mail.example.com:587`. */
export function mailAddress({ host, port }: Pick<EmailOf<unknown>, "host" | "port">): string {
  return `smtp://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether a host is this machine by its name or its number. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
