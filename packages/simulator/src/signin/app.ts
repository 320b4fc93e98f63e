import { type Applications, newPassword } from "../applications/applications.ts";
import type { Application, ServicePrincipal } from "../applications/model.ts";

/** One client secret of the simulated app. */
export interface ClientSecret {
  readonly value: string;
  /** Milliseconds UTC; absent: never. */
  readonly expiresAt?: number;
}

/** The app that every simulated tenant begins with: roles and secrets as levers that act at once. */
export class AppRegistration {
  readonly #applications: Applications;
  readonly #application: Application;
  readonly #principal: ServicePrincipal;

  constructor(applications: Applications, application: Application, principal: ServicePrincipal) {
    this.#applications = applications;
    this.#application = application;
    this.#principal = principal;
  }

  get client(): string {
    return this.#application.appId;
  }

  get roles(): readonly string[] {
    return this.#applications.rolesOf(this.#principal);
  }

  set roles(roles: readonly string[]) {
    this.#applications.setRoles(this.#principal, roles);
  }

  get secrets(): readonly ClientSecret[] {
    return this.#application.passwords.map(({ secretText: value, endsAt }) =>
      endsAt === Number.POSITIVE_INFINITY ? { value } : { value, expiresAt: endsAt },
    );
  }

  set secrets(secrets: readonly ClientSecret[]) {
    this.#application.passwords = secrets.map(({ value, expiresAt }) =>
      newPassword({
        displayName: null,
        secretText: value,
        startsAt: 0,
        endsAt: expiresAt ?? Number.POSITIVE_INFINITY,
      }),
    );
  }
}
