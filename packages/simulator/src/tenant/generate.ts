import { companyOf, listSites } from "./company.ts";
import { makeContacts } from "./contacts.ts";
import { makeGroups } from "./groups.ts";
import { makePeople } from "./people.ts";
import { createRandom } from "./random.ts";
import { trimMemberships } from "./trim.ts";
import type { GraphUser, ManagerReference, Membership, TenantFile } from "./types.ts";
import { GENERATED_UNTIL, timestamp, toGraphUser } from "./user-record.ts";

/** How many accounts of all kinds and how many groups; `seed` is any integer. */
export interface GenerateOptions {
  readonly people: number;
  readonly groups: number;
  readonly seed: number;
  /** At most this many direct memberships; as many as the company's groups have unless given. */
  readonly memberships?: number | undefined;
  /** Organizational contacts; none unless given. */
  readonly contacts?: number | undefined;
  /** Sets the domains apart from those of another tenant whose company has the same name; 0 unless given. */
  readonly series?: number | undefined;
}

/** Streams of chance that do not disturb each other: more groups leave the people as they are. */
const STREAM = { tenant: 0, people: 1, groups: 2, contacts: 3, firstRecord: 16 } as const;

/**
 * An invented company of exactly `people` accounts and `groups` groups: the same options give the same tenant, wherever
 * and whenever. Users, memberships and managers are made as they are read, and may be read again.
 *
 * @throws RangeError when a number is not a whole number that is not negative (`seed` may be negative).
 */
export function generateTenant(options: GenerateOptions): TenantFile {
  const { people: peopleCount, groups: groupCount, seed, memberships } = options;
  checkCount("people", peopleCount);
  checkCount("groups", groupCount);
  checkCount("contacts", options.contacts ?? 0);
  if (memberships !== undefined) checkCount("memberships", memberships);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed is ${seed}, but must be a whole number.`);
  const tenant = createRandom(seed, STREAM.tenant);
  const company = companyOf(seed, options.series);
  const securityDomain = [tenant.word(), tenant.word(), tenant.word()].join("-");
  const people = makePeople(createRandom(seed, STREAM.people), company, peopleCount);
  const made = makeGroups({
    random: createRandom(seed, STREAM.groups),
    company,
    securityDomain,
    people,
    count: groupCount,
  });
  const groups = memberships === undefined ? made : trimMemberships(made, memberships);
  const contacts = makeContacts(seed, STREAM.contacts, company, options.contacts ?? 0);
  const headOffice = listSites()[0];
  return {
    organization: {
      id: tenant.guid(),
      displayName: company.name,
      city: headOffice?.city ?? null,
      street: headOffice?.street ?? null,
      postalCode: headOffice?.postalCode ?? null,
      countryLetterCode: headOffice?.countryCode ?? null,
      preferredLanguage: "en",
      tenantType: "AAD",
      createdDateTime: "2011-03-01T08:00:00Z",
      onPremisesSyncEnabled: true,
      onPremisesLastSyncDateTime: timestamp(GENERATED_UNTIL),
      technicalNotificationMails: [`it-operations@${company.domain}`],
      verifiedDomains: [
        {
          name: company.initialDomain,
          isInitial: true,
          isDefault: false,
          type: "Managed",
          capabilities: "Email, OfficeCommunicationsOnline",
        },
        {
          name: company.domain,
          isInitial: false,
          isDefault: true,
          type: "Managed",
          capabilities: "Email, OfficeCommunicationsOnline",
        },
        { name: company.acquired.domain, isInitial: false, isDefault: false, type: "Managed", capabilities: "Email" },
      ],
    },
    users: repeatable(function* (): Generator<GraphUser> {
      for (const [index, person] of people.entries()) {
        yield toGraphUser(person, index, { company, securityDomain }, createRandom(seed, STREAM.firstRecord + index));
      }
    }),
    groups: groups.map(({ record }) => record),
    ...(contacts.length === 0 ? {} : { contacts }),
    memberships: repeatable(function* (): Generator<Membership> {
      for (const { record, members } of groups) for (const member of members) yield { group: record.id, member };
      // Partners are on the mailing lists.
      const lists = groups.filter(
        ({ record }) => record.mailEnabled === true && !record.groupTypes?.includes("Unified"),
      );
      for (const [index, { id }] of contacts.entries()) {
        const list = lists[index % Math.max(lists.length, 1)];
        if (list !== undefined) yield { group: list.record.id, member: id };
      }
    }),
    managers: repeatable(function* (): Generator<ManagerReference> {
      for (const person of people) {
        const manager = people[person.manager];
        if (manager !== undefined) yield { user: person.id, manager: manager.id };
      }
    }),
  };
}

function repeatable<T>(make: () => Iterator<T>): Iterable<T> {
  return { [Symbol.iterator]: make };
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} is ${value}, but must be a whole number of 0 or more.`);
}
