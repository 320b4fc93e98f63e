import { createHash } from "node:crypto";
import type { GraphGroup, GraphUser, TenantFile } from "@entrain/simulator";

/** An object id that is the same in every run, made from a name. */
export function idOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A directory object whose id and name are known. */
export type Known<T> = T & { readonly id: string; readonly displayName: string };

const LONG_AGO = { createdDateTime: "2024-01-01T08:00:00Z" };

/** A tenant of whom nobody is taken for somebody whom a lagging copy of the directory does not know yet, unless it says so. */
export function longThere(tenant: TenantFile): TenantFile {
  const users = Array.from(tenant.users, (user) => ({ ...LONG_AGO, ...user }));
  const groups = Array.from(tenant.groups, (one) => ({ ...LONG_AGO, ...one }));
  return { ...tenant, users, groups };
}

/** A person as Graph answers one; the id is made from the display name. */
export function person(displayName: string, more: Partial<GraphUser> = {}): Known<GraphUser> {
  const local = displayName.toLowerCase().replaceAll(/[^a-z0-9]+/g, ".");
  return {
    id: idOf(displayName),
    displayName,
    userPrincipalName: `${local}@contoso.com`,
    mail: `${local}@contoso.com`,
    mailNickname: local,
    accountEnabled: true,
    department: "Sales",
    ...more,
  } as Known<GraphUser>;
}

/** A security group as Graph answers one; the id is made from the name. */
export function group(displayName: string, more: Partial<GraphGroup> = {}): Known<GraphGroup> {
  return {
    id: idOf(displayName),
    displayName,
    groupTypes: [],
    mailEnabled: false,
    mailNickname: displayName.toLowerCase().replaceAll(/[^a-z0-9]+/g, "."),
    securityEnabled: true,
    ...more,
  } as Known<GraphGroup>;
}

/** As many people as asked, named `Person 0001` and so on. */
export function crowd(count: number, more: (at: number) => Partial<GraphUser> = () => ({})): Known<GraphUser>[] {
  return Array.from({ length: count }, (_, at) => person(`Person ${String(at + 1).padStart(4, "0")}`, more(at)));
}

/** What `POST /users` wants for a person. */
export function newUser(displayName: string, more: object = {}): object {
  const { id: _made, mail: _byExchange, ...user } = person(displayName);
  return { ...user, passwordProfile: { password: "Not-a-secret-1!" }, ...more };
}

/** A body that refers to a directory object. */
export function reference(id: string): object {
  return { "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${id}` };
}
