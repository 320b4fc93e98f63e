import { randomBytes } from "node:crypto";
import type { Application } from "../../applications/model.ts";
import type { Identity } from "../identity.ts";
import type { DelegatedScopes } from "../scopes.ts";
import type { DeviceGrant } from "../sessions.ts";
import type { AuthorizeRequest, ReturnAddress } from "./request.ts";

/** Why somebody is at a page. */
export type Purpose =
  | {
      readonly kind: "authorize";
      readonly to: ReturnAddress;
      readonly request: AuthorizeRequest;
      readonly scopes: DelegatedScopes;
    }
  | {
      readonly kind: "admin";
      readonly to: ReturnAddress;
      /** Delegated permissions to grant; null: everything that the registration lists. */
      readonly scopes: readonly string[] | null;
      /** The scope as the request wrote it; null at the older endpoint, which has none. */
      readonly asked: string | null;
    }
  | { readonly kind: "device"; readonly device: DeviceGrant; readonly scopes: DelegatedScopes };

/** One visit, from the first page to the answer. */
export interface Flow {
  readonly purpose: Purpose;
  /** The tenant as the address named it. */
  readonly tenantName: string;
  readonly application: Application;
  readonly hint: string;
  /** Who has proven to be there so far. */
  visitor: { readonly tenant: string; readonly person: string; methods: readonly string[]; signedInAt: number } | null;
}

/** What pages need of the service. */
export interface PageContext {
  readonly identity: Identity;
  readonly flows: Flows;
  readonly base: string;
  readonly clock: () => number;
}

const LIMIT = 5000;

/** The visits that are under way, each by a value that its forms carry. */
export class Flows {
  readonly #flows = new Map<string, Flow>();

  open(flow: Flow): string {
    for (const [oldest] of this.#flows) {
      if (this.#flows.size < LIMIT) break;
      this.#flows.delete(oldest);
    }
    const id = randomBytes(24).toString("base64url");
    this.#flows.set(id, flow);
    return id;
  }

  find(id: string | null): Flow | undefined {
    return id === null ? undefined : this.#flows.get(id);
  }

  close(id: string): void {
    this.#flows.delete(id);
  }
}
