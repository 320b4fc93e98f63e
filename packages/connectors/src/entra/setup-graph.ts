import { ConnectorError } from "@entrain/core";
import type { GraphClient, GraphRequest } from "./client.ts";
import type { EntraOptions } from "./options.ts";
import { HASTY } from "./sender.ts";
import { uuidFrom } from "./uuid.ts";

/** Microsoft Graph's own application id in every tenant ("servicePrincipal resource type"). */
export const GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000";

/** What was just made may not be known everywhere yet ("Create servicePrincipal"). */
const SPREAD_TRIES = 6;
const SPREAD_PAUSE_MS = 2_000;
/** How long a request that nobody may stop is waited for. */
const MAKE_MS = 60_000;
const FIND_MS = 60_000;
const TAKE_BACK_MS = 30_000;

/** What a request needs: a permission, which the sign-in brings, and a role in Entra, which whoever signs in may lack. */
type Right = Required<Pick<GraphRequest, "permission" | "lack">>;

/** "Microsoft Entra built-in roles". */
const WRITE: Right = {
  permission: "Application.ReadWrite.All",
  lack: {
    needs: "Whoever signed in may not register applications.",
    fix: "Run the setup again, and have a Global Administrator sign in, or a Privileged Role Administrator who is also Application Administrator or Cloud Application Administrator.",
  },
};
const READ: Right = { ...WRITE, permission: "Application.Read.All" };
/** "Grant tenant-wide admin consent to an application": those who may register may not grant Microsoft Graph's app roles. */
const GRANT: Right = {
  permission: "AppRoleAssignment.ReadWrite.All",
  lack: {
    needs: "Whoever signed in may not consent to application permissions of Microsoft Graph.",
    fix: "Run the setup again, and have a Privileged Role Administrator or Global Administrator sign in; an Application Administrator or Cloud Application Administrator may not consent to them.",
  },
};

/** After these nobody knows whether the write was done. */
const UNKNOWN: ReadonlySet<string> = new Set(["unreachable", "timeout", "answer_invalid", "server_failed"]);
/**
 * What Graph says with status 400 where one part of it does not know yet what another just made, and where something is there
 * already: its code is the same `Request_BadRequest` as for everything else ("Create servicePrincipal", "Grant an
 * appRoleAssignment to a service principal").
 */
const NOT_YET =
  /does not reference a valid application object|reference-property objects are not present|Not a valid reference update/;
const THERE = /already exists/;

/** An application that was made. */
export interface MadeApplication {
  readonly objectId: string;
  readonly appId: string;
}

/** A permission of a resource, for a principal. */
export interface Assignment {
  readonly principalId: string;
  readonly resourceId: string;
  readonly appRoleId: string;
}

/** A write that must not happen twice. */
interface Write<T> {
  readonly path: string;
  readonly body: object;
  readonly right: Right;
  /** What the answer tells. */
  readonly read: (answer: unknown) => T;
  /** Looks up what became of a try; null when nothing did, so that it may be tried again. */
  readonly lookUp: () => Promise<T | null>;
}

/**
 * The few requests of a setup, each with the right that it needs. A write of which nobody knows what became is looked up
 * before it is sent again: two applications or two secrets would be one too many.
 */
export class SetupGraph {
  readonly #client: GraphClient;
  readonly #runtime: Pick<EntraOptions, "random" | "sleep">;
  readonly #signal: AbortSignal;

  constructor(client: GraphClient, runtime: Pick<EntraOptions, "random" | "sleep">, signal: AbortSignal) {
    this.#client = client;
    this.#runtime = runtime;
    this.#signal = signal;
  }

  /** The ids of Graph's principal in this tenant and of permissions by name, which are Microsoft's to give. */
  async permissionIds(
    names: readonly string[],
  ): Promise<{ readonly principal: string; readonly roles: readonly string[] }> {
    const target = `/servicePrincipals(appId='${GRAPH_APP_ID}')?$select=id,appRoles`;
    const body = await this.#ask(target, READ);
    const offered = listIn(body, "appRoles");
    const roles = names.map((name) => {
      const found = offered.find(({ value }) => value === name);
      if (typeof found?.id === "string") return found.id;
      const message = `This cloud's Microsoft Graph has no application permission ${name}.`;
      const fix = "Set up the connection without the feature that needs it.";
      throw new ConnectorError("request_refused", message, { stops: "connection", retry: "never", fix });
    });
    return { principal: textIn(body, "id"), roles };
  }

  /**
   * Makes an application, and waits for the answer even when the setup is stopped meanwhile: only who knows the application can
   * take it back. A lost one is found by a tag of its own.
   */
  async makeApplication(displayName: string, properties: object): Promise<MadeApplication> {
    const tag = `entrain-${uuidFrom(() => this.#runtime.random())}`;
    const body = { displayName, ...properties, tags: [tag] };
    const request = { ...WRITE, method: "POST", body, patience: HASTY, repeatable: false } as const;
    const making = AbortSignal.timeout(MAKE_MS);
    try {
      return applicationIn((await this.#client.request("/applications", request, making)).body);
    } catch (error) {
      if (!making.aborted && !isUnknown(error)) throw error;
      const found = await this.#findApplication(displayName, tag);
      if (found !== null) return found;
      const why = error instanceof ConnectorError ? `${error.message} ` : "";
      const message = `${why}It is not known whether the application was made.`;
      const fix = `Look for ${displayName} among the app registrations in Entra; delete the one that has the tag ${tag} in its manifest, if there is one. Then try again.`;
      throw new ConnectorError("request_refused", message, { stops: "connection", retry: "never", fix, cause: error });
    }
  }

  /** The object id of the application's principal, which this makes. */
  async makePrincipal(appId: string): Promise<string> {
    const lookUp = async (): Promise<string | null> => {
      const target = `/servicePrincipals(appId='${appId}')?$select=id`;
      const body = await this.#unlessAbsent(() => this.#ask(target, WRITE));
      return body === null ? null : textIn(body, "id");
    };
    const read = (answer: unknown): string => textIn(answer, "id");
    return this.#write({ path: "/servicePrincipals", body: { appId }, right: WRITE, read, lookUp });
  }

  async assign(assignment: Assignment): Promise<void> {
    const path = `/servicePrincipals/${assignment.principalId}/appRoleAssignments`;
    const lookUp = async (): Promise<true | null> => {
      const body = await this.#unlessAbsent(() => this.#ask(path, GRANT));
      const { resourceId, appRoleId } = assignment;
      const there = listIn(body, "value").some((one) => one.resourceId === resourceId && one.appRoleId === appRoleId);
      return there ? true : null;
    };
    await this.#write({ path, body: assignment, right: GRANT, read: () => true, lookUp });
  }

  /** The text of a client secret that ends at a time in milliseconds UTC. The application has no other one afterwards. */
  async addSecret(objectId: string, endsAt: number): Promise<string> {
    const at = `/applications/${objectId}`;
    const passwordCredential = { displayName: "Entrain", endDateTime: new Date(endsAt).toISOString() };
    const lookUp = async (): Promise<null> => {
      // The text of a secret is told once: one whose answer was lost is of no use to anybody but a thief.
      const body = await this.#ask(`${at}?$select=id,passwordCredentials`, WRITE);
      for (const { keyId } of listIn(body, "passwordCredentials")) {
        const request = { ...WRITE, method: "POST", body: { keyId }, patience: HASTY } as const;
        await this.#client.send(`${at}/removePassword`, request, this.#signal);
      }
      return null;
    };
    const read = (answer: unknown): string => textIn(answer, "secretText");
    const path = `${at}/addPassword`;
    return this.#write({ path, body: { passwordCredential }, right: WRITE, read, lookUp });
  }

  /** An application without its permissions would only be in the way. Removes it also after an abort. */
  async takeBack(objectId: string, reason: unknown): Promise<void> {
    const request = { ...WRITE, method: "DELETE", patience: HASTY } as const;
    const signal = AbortSignal.timeout(TAKE_BACK_MS);
    try {
      // What is absent may also be not known everywhere yet.
      const remove = (): Promise<true> =>
        this.#client.send(`/applications/${objectId}`, request, signal).then(() => true);
      for (let tries = 1; (await this.#unlessAbsent(remove)) === null && tries < SPREAD_TRIES; tries++) {
        await this.#runtime.sleep(SPREAD_PAUSE_MS, signal);
      }
    } catch (error) {
      if (!(error instanceof ConnectorError) && !signal.aborted) throw error;
      const message = `${reason instanceof Error ? reason.message : "The setup failed."} The application that was begun could not be removed.`;
      const fix = `Delete the application with the object id ${objectId} in Entra, then try again.`;
      throw new ConnectorError("request_refused", message, { stops: "connection", retry: "never", fix, cause: reason });
    }
  }

  async #write<T>({ path, body, right, read, lookUp }: Write<T>): Promise<T> {
    const request = { ...right, method: "POST", body, repeatable: false } as const;
    for (let tries = 1; ; tries++) {
      try {
        return read(await this.#ask(path, request));
      } catch (error) {
        const { unknown, there, later } = judged(error);
        if (unknown) await this.#pause();
        const found = unknown || there ? await lookUp() : null;
        if (found !== null) return found;
        if (!(unknown || there || later) || tries >= SPREAD_TRIES) throw error;
        if (!unknown) await this.#pause();
      }
    }
  }

  async #findApplication(displayName: string, tag: string): Promise<MadeApplication | null> {
    const filter = encodeURIComponent(`displayName eq '${displayName.replaceAll("'", "''")}'`);
    const target = `/applications?$filter=${filter}&$select=id,appId,tags&$top=999`;
    const finding = AbortSignal.timeout(FIND_MS);
    for (let tries = 1; tries <= SPREAD_TRIES; tries++) {
      try {
        await this.#runtime.sleep(SPREAD_PAUSE_MS, finding);
        const { body } = await this.#client.request(target, { ...WRITE, patience: HASTY }, finding);
        const found = listIn(body, "value").find(({ tags }) => Array.isArray(tags) && tags.includes(tag));
        if (found !== undefined) return applicationIn(found);
      } catch (error) {
        if (finding.aborted) return null;
        if (!(error instanceof ConnectorError)) throw error;
      }
    }
    return null;
  }

  #pause(): Promise<void> {
    return this.#runtime.sleep(SPREAD_PAUSE_MS, this.#signal);
  }

  async #ask(target: string, request: GraphRequest): Promise<unknown> {
    return (await this.#client.request(target, { patience: HASTY, ...request }, this.#signal)).body;
  }

  async #unlessAbsent<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ConnectorError && error.status === 404) return null;
      throw error;
    }
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof ConnectorError && (UNKNOWN.has(error.code) || error.status === 408);
}

/** What a failed write means: nobody knows what became of it, it had been done before, or it may be done later. */
function judged(error: unknown): { readonly unknown: boolean; readonly there: boolean; readonly later: boolean } {
  const { status, message } = error instanceof ConnectorError ? error : { status: null, message: "" };
  return {
    unknown: isUnknown(error),
    there: status === 409 || (status === 400 && THERE.test(message)),
    later: status === 404 || (status === 400 && NOT_YET.test(message)),
  };
}

function applicationIn(body: unknown): MadeApplication {
  return { objectId: textIn(body, "id"), appId: textIn(body, "appId") };
}

function textIn(body: unknown, name: string): string {
  const value = record(body)[name];
  if (typeof value === "string" && value !== "") return value;
  const message = `Microsoft Graph answered without ${name}.`;
  throw new ConnectorError("answer_invalid", message, { stops: "connection", retry: "later" });
}

function listIn(body: unknown, name: string): readonly Readonly<Record<string, unknown>>[] {
  const value = record(body)[name];
  return Array.isArray(value) ? value.map(record) : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
