import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { SignJWT } from "jose";
import { type Simulator, type SimulatorOptions, startSimulator } from "../simulator.ts";
import { makeSelfSigned } from "../tls.ts";
import { smallTenant } from "./tenant.ts";

/** Frozen time of these tests, milliseconds UTC. */
export const NOW = 1_800_000_000_000;
export const GRAPH_DEFAULT = "https://graph.microsoft.com/.default";

/** A small simulator with a frozen clock, closed after the test. */
export async function startSignIn(test: TestContext, options: SimulatorOptions = {}): Promise<Simulator> {
  const tenant = options.tenants === undefined ? smallTenant(6) : undefined;
  const simulator = await startSimulator({ tenant, throttle: "off", clock: () => NOW, ...options });
  test.after(() => simulator.close());
  return simulator;
}

/** An answer of the token endpoint. */
export interface TokenReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly numbers: unknown;
}

/** Posts a form to the token endpoint of a tenant; null leaves a field out. */
export async function askToken(
  simulator: Pick<Simulator, "login" | "tenant">,
  fields: Readonly<Record<string, string | null>>,
  tenant: string = simulator.tenant,
): Promise<TokenReply> {
  const body = new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  const response = await fetch(`${simulator.login}/${tenant}/oauth2/v2.0/token`, { method: "POST", body });
  const json = (await response.json()) as TokenReply["body"];
  return { status: response.status, body: json, numbers: json.error_codes };
}

/** A key pair with a self-signed certificate, as an administrator would register it. */
export interface TestCertificate {
  readonly key: KeyObject;
  readonly pem: string;
  readonly base64: string;
}

export function testCertificate(from: number = NOW - 1000, to: number = NOW + 3600_000): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const der = makeSelfSigned({ name: "Test", publicKey, privateKey, from, to });
  const base64 = der.toString("base64");
  return { key: privateKey, base64, pem: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n` };
}

/** A client assertion; `header` and `claims` change what is right by default. */
export async function assertionFor(
  simulator: Pick<Simulator, "login" | "tenant">,
  client: string,
  certificate: TestCertificate,
  change: {
    readonly header?: Readonly<Record<string, unknown>>;
    readonly claims?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<string> {
  const der = Buffer.from(certificate.base64, "base64");
  const seconds = NOW / 1000;
  const header = { alg: "PS256", typ: "JWT", "x5t#S256": createHash("sha256").update(der).digest("base64url") };
  return new SignJWT({
    aud: `${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`,
    iss: client,
    sub: client,
    jti: randomUUID(),
    nbf: seconds,
    iat: seconds,
    exp: seconds + 300,
    ...change.claims,
  })
    .setProtectedHeader({ ...header, ...change.header })
    .sign(certificate.key);
}

/** SHA-1 thumbprint of a certificate, base64url: `x5t`. */
export function thumbprint(certificate: TestCertificate): string {
  return createHash("sha1").update(Buffer.from(certificate.base64, "base64")).digest("base64url");
}

/** A visitor with a browser's cookies and nothing else: forms are sent as they stand on the page. */
export class Visitor {
  #cookie = "";

  /** Opens an address; redirects are answered, not followed. */
  async open(url: string): Promise<Page> {
    return this.#page(await fetch(url, { redirect: "manual", headers: { cookie: this.#cookie } }));
  }

  /** Sends the page's form with these fields beside its hidden ones. */
  async send(page: Page, fields: Readonly<Record<string, string>>): Promise<Page> {
    const body = new URLSearchParams({ ...page.hidden, ...fields });
    return this.#page(
      await fetch(page.action, { method: "POST", body, redirect: "manual", headers: { cookie: this.#cookie } }),
    );
  }

  async #page(response: Response): Promise<Page> {
    const text = await response.text();
    const cookie = response.headers.get("set-cookie");
    if (cookie !== null) this.#cookie = cookie.split(";")[0] ?? "";
    const hidden: Record<string, string> = {};
    for (const [, name = "", value = ""] of text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
      hidden[name] = unescaped(value);
    }
    return {
      status: response.status,
      text: unescaped(text),
      hidden,
      title: unescaped(/<title>([^<]*)/.exec(text)?.[1] ?? ""),
      action: unescaped(/<form method="post" action="([^"]*)"/.exec(text)?.[1] ?? ""),
      location: response.headers.get("location"),
    };
  }
}

/** One page as a visitor sees it. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  readonly location: string | null;
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
