import { timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { endSession, findSession, redeemConsoleLink, type Session } from "../store/operators.ts";
import type { Store } from "../store/store.ts";
import type { SignedIn } from "./context.ts";
import { checkOrigin, isSafe } from "./hosts.ts";
import { RequestError } from "./problems.ts";

const CSRF_HEADER = "x-csrf-token";

/** Operators' sessions over HTTP: a cookie that scripts cannot read, and a token that every command must repeat. */
export class Sessions {
  readonly #store: Store;
  readonly #publicOrigin: URL | null;
  readonly #cookie: string;
  readonly #found = new WeakMap<FastifyRequest, Session>();

  /** `storeId` keeps two installations on one host apart: cookies know no ports. */
  constructor(store: Store, options: { readonly storeId: string; readonly publicOrigin: URL | null }) {
    this.#store = store;
    this.#publicOrigin = options.publicOrigin;
    const prefix = this.#isSecure() ? "__Host-" : "";
    this.#cookie = `${prefix}entrain-${options.storeId.replace(/[^A-Za-z0-9]/g, "").slice(-8)}`;
  }

  /** Turns a one-time link into a session; false when the link does not work (any more). */
  async signIn(token: string, reply: FastifyReply): Promise<boolean> {
    const redeemed = await redeemConsoleLink(this.#store, token);
    if (redeemed === null) return false;
    const { createdAt, expiresAt } = redeemed.session;
    reply.setCookie(this.#cookie, redeemed.token, { ...this.#attributes(), maxAge: (expiresAt - createdAt) / 1000 });
    return true;
  }

  async signOut(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const token = request.cookies[this.#cookie];
    if (token !== undefined) await endSession(this.#store, token);
    reply.clearCookie(this.#cookie, this.#attributes());
  }

  /** Lets signed-in requests pass, and commands only with the session's token. @throws RequestError */
  async require(request: FastifyRequest): Promise<void> {
    const session = await this.#find(request);
    if (session === null) throw new RequestError("not_signed_in", "The request has no session that is still open.");
    this.#found.set(request, session);
    if (isSafe(request.method)) return;
    checkOrigin(request, this.#publicOrigin);
    if (isSame(request.headers[CSRF_HEADER], session.csrf)) return;
    throw new RequestError("csrf_missing", "The request changes something but does not repeat the session's token.");
  }

  /** The session of a request that was let pass. @throws RequestError `not_signed_in` */
  of(request: FastifyRequest): SignedIn {
    const session = this.#found.get(request);
    if (session === undefined) throw new RequestError("not_signed_in", "The request has no session.");
    return { operator: session.operator, csrf: session.csrf, expiresAt: session.expiresAt };
  }

  /** Whether the session stands still, for answers that last long. */
  async stands(request: FastifyRequest): Promise<boolean> {
    return (await this.#find(request)) !== null;
  }

  async #find(request: FastifyRequest): Promise<Session | null> {
    const token = request.cookies[this.#cookie];
    if (token === undefined || token === "" || token.length > 200) return null;
    return await findSession(this.#store, token);
  }

  /** Plain HTTP is for loopback, where no `Secure` cookie would be sent back by every browser. */
  #isSecure(): boolean {
    return this.#publicOrigin?.protocol === "https:";
  }

  #attributes(): { path: string; httpOnly: boolean; sameSite: "strict"; secure: boolean } {
    return { path: "/", httpOnly: true, sameSite: "strict", secure: this.#isSecure() };
  }
}

function isSame(given: string | readonly string[] | undefined, wanted: string): boolean {
  if (typeof given !== "string") return false;
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}
