import { timingSafeEqual } from "node:crypto";

/** One client secret of the simulated app. */
export interface ClientSecret {
  readonly value: string;
  /** Milliseconds UTC; absent: never. */
  readonly expiresAt?: number;
}

/** The one app registration of the tenant. Roles and secrets may change while the simulator runs. */
export class AppRegistration {
  readonly client: string;
  readonly principal: string;
  readonly displayName: string;
  secrets: readonly ClientSecret[];
  /** Told the roles that new tokens carry, when they change. */
  onRoles: ((roles: readonly string[]) => void) | null = null;
  #roles: readonly string[];

  constructor(options: {
    readonly client: string;
    readonly principal: string;
    readonly displayName: string;
    readonly roles: readonly string[];
    readonly secrets: readonly ClientSecret[];
  }) {
    this.client = options.client;
    this.principal = options.principal;
    this.displayName = options.displayName;
    this.#roles = options.roles;
    this.secrets = options.secrets;
  }

  get roles(): readonly string[] {
    return this.#roles;
  }

  set roles(roles: readonly string[]) {
    this.#roles = roles;
    this.onRoles?.(roles);
  }

  check(secret: string, now: number): "valid" | "expired" | "wrong" {
    const found = this.secrets.find(({ value }) => same(value, secret));
    if (found === undefined) return "wrong";
    return found.expiresAt !== undefined && found.expiresAt <= now ? "expired" : "valid";
  }
}

function same(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}
