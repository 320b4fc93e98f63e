/** What the sign-in service knows of a tenant: the organization resource, its id and its verified domains. */
export interface RealmProfile {
  readonly id: string;
  readonly domains: readonly string[];
  readonly organization: Readonly<Record<string, unknown>>;
}
