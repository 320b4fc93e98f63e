import type { Directory } from "../state/directory.ts";
import { isLive } from "../state/objects.ts";

/** A built-in role of the directory ("Microsoft Entra built-in roles"). */
export interface DirectoryRole {
  readonly displayName: string;
  readonly templateId: string;
}

/** The built-in roles that matter to apps and people here. */
export const DIRECTORY_ROLES: readonly DirectoryRole[] = [
  { displayName: "Global Administrator", templateId: "62e90394-69f5-4237-9190-012177145e10" },
  { displayName: "Privileged Role Administrator", templateId: "e8611ab8-c189-46e8-94e1-60213ab1f814" },
  { displayName: "Cloud Application Administrator", templateId: "158c047a-c907-4556-b7ef-446551a6b5f7" },
  { displayName: "Application Administrator", templateId: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3" },
  { displayName: "User Administrator", templateId: "fe930be7-5e62-47db-91af-98c3a49a38b1" },
  { displayName: "Privileged Authentication Administrator", templateId: "7be44c8a-adaf-4e2a-84d6-ab2649e08a13" },
  { displayName: "Helpdesk Administrator", templateId: "729827e3-9c14-49f7-bb1b-9608f156bbb8" },
  { displayName: "Groups Administrator", templateId: "fdd7a751-b60b-444a-984c-02652fe8fa1c" },
  { displayName: "Global Reader", templateId: "f2ef992c-3afb-46b9-b7cf-a126ee74c451" },
  { displayName: "Directory Readers", templateId: "88d8e3e3-8f55-4a1e-953a-9b9898b8876b" },
  { displayName: "Security Reader", templateId: "5d6b6bb7-de71-4623-b4af-96380a352509" },
  { displayName: "Security Administrator", templateId: "194ae4cb-b126-40b2-bd5b-6091b380977d" },
  { displayName: "Conditional Access Administrator", templateId: "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9" },
  { displayName: "Identity Governance Administrator", templateId: "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e" },
];

const GIVEN: readonly string[] = [
  "Global Administrator",
  "Cloud Application Administrator",
  "Privileged Role Administrator",
  "User Administrator",
];

/** Who holds which built-in role in one tenant. */
export class RoleHolders {
  readonly #byPrincipal = new Map<string, Set<string>>();

  /** Roles of a person or service principal by name. */
  rolesOf(id: string): readonly string[] {
    return [...(this.#byPrincipal.get(id) ?? [])];
  }

  holdersOf(role: string): readonly string[] {
    return [...this.#byPrincipal].filter(([, roles]) => roles.has(role)).map(([id]) => id);
  }

  /** Gives exactly these roles. Throws when one is none of the built-in roles. */
  set(id: string, roles: readonly string[]): void {
    for (const role of roles) {
      if (!DIRECTORY_ROLES.some(({ displayName }) => displayName === role)) {
        throw new Error(
          `There is no role ${role}. There are: ${DIRECTORY_ROLES.map(({ displayName }) => displayName).join(", ")}.`,
        );
      }
    }
    if (roles.length === 0) this.#byPrincipal.delete(id);
    else this.#byPrincipal.set(id, new Set(roles));
  }

  all(): Iterable<readonly [id: string, roles: ReadonlySet<string>]> {
    return this.#byPrincipal;
  }
}

/** The first people of a tenant who are enabled and mastered in the cloud hold a role each, a Global Administrator first. */
export function firstAdministrators(directory: Directory): RoleHolders {
  const holders = new RoleHolders();
  let given = 0;
  for (const user of directory.list("user")) {
    const role = GIVEN[given];
    if (role === undefined) break;
    const { accountEnabled, onPremisesSyncEnabled, userType } = user.properties;
    if (!isLive(user) || accountEnabled === false || onPremisesSyncEnabled === true || userType === "Guest") continue;
    holders.set(user.id, [role]);
    given++;
  }
  return holders;
}
