import type { JWTPayload } from "jose";
import type { Applications } from "../applications/applications.ts";
import { isLive } from "../state/objects.ts";
import type { AccountChange } from "./accounts.ts";
import { graphOf } from "./clouds.ts";
import type { Realm } from "./realm.ts";
import { Revocations } from "./revocations.ts";
import { Sessions } from "./sessions.ts";

/** Everything about identity that all tenants of one simulator share. */
export class Identity {
  readonly realms: readonly Realm[];
  readonly applications: Applications;
  readonly sessions: Sessions;
  readonly revocations: Revocations;
  /** Microsoft Graph's address in the cloud that the simulator stands for. */
  graph: string = graphOf("global");
  /** Tenants of other clouds: the cloud's sign-in host by tenant id or domain, in lower case. */
  readonly otherClouds: Map<string, string> = new Map();
  /** Seconds between polls that the device code endpoint asks for ("device authorization grant": 5). */
  deviceInterval = 5;
  /** Refusals that the next token requests meet, whatever they ask: throttling, outages, loops. */
  readonly failures: { readonly number: number; times: number }[] = [];

  constructor(options: {
    readonly realms: readonly Realm[];
    readonly applications: Applications;
    readonly clock: () => number;
  }) {
    this.realms = options.realms;
    this.applications = options.applications;
    this.sessions = new Sessions(options.clock);
    this.revocations = new Revocations(options.clock);
  }

  /** The tenant of this id. */
  realm(id: string): Realm | undefined {
    return this.realms.find(({ profile }) => profile.id === id);
  }

  /** Changes a person's account; a new password ends what the old one had begun. */
  changeAccount(realm: Realm, person: string, change: AccountChange): void {
    realm.accounts.set(person, change);
    if (change.password === undefined) return;
    this.sessions.end(person, "password");
    this.revocations.revoke(person);
  }

  /** Ends a person's sessions ("user: revokeSignInSessions"). */
  revokeSessions(person: string): void {
    this.sessions.end(person, "revoked");
    this.revocations.revoke(person);
  }

  /** The claims that a token of a client with `cp1` lacks for Graph now, base64 of JSON; null when it is good. */
  challengeFor(claims: JWTPayload): string | null {
    const gone = !this.#isStillThere(claims);
    if (gone) this.revocations.revoke(String(claims.oid));
    return this.revocations.challengeFor(claims, gone);
  }

  #isStillThere({ tid, appid, oid, idtyp }: JWTPayload): boolean {
    const principal = this.applications.principalOf(String(tid), String(appid));
    if (principal === undefined || principal.properties.accountEnabled === false) return false;
    if (idtyp === "app") return true;
    const user = this.realm(String(tid))?.directory.byId(String(oid));
    return user !== undefined && isLive(user) && user.properties.accountEnabled !== false;
  }
}
