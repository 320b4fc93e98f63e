import { type Company, listSites } from "./company.ts";
import { createRandom } from "./random.ts";
import type { GraphContact } from "./types.ts";
import { GENERATED_UNTIL, timestamp } from "./user-record.ts";

const GIVEN = ["Amara", "Bruno", "Chiara", "Dimitri", "Esther", "Farid", "Greta", "Hugo", "Ines", "Jonas"];
const FAMILY = ["Adler", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "Grant", "Horvat", "Ivanova", "Janssen"];
const PARTNERS = ["Fabrikam", "Litware", "Tailspin", "Northwind", "Proseware", "Adatum"];
const TITLES = ["Account Manager", "Buyer", "Consultant", "Auditor", "Sales Engineer", "Lawyer"];

/** A contact with the id that memberships name. */
type GeneratedContact = GraphContact & { readonly id: string };

/** Organizational contacts ("orgContact resource type"): people of partners, as Exchange and the on-premises directory keep them. */
export function makeContacts(
  seed: number,
  stream: number,
  company: Company,
  count: number,
): readonly GeneratedContact[] {
  const random = createRandom(seed, stream);
  const sites = listSites();
  return Array.from({ length: count }, (_, index) => {
    const pick = (list: readonly string[]): string => list[random.integer(0, list.length - 1)] ?? "";
    const [givenName, surname, partner] = [pick(GIVEN), pick(FAMILY), pick(PARTNERS)];
    const mailNickname = `${givenName}.${surname}.${index + 1}`.toLowerCase();
    const mail = `${mailNickname}@${partner.toLowerCase()}.com`;
    const site = sites[random.integer(0, sites.length - 1)];
    const synced = random.chance(0.6);
    return {
      id: random.guid(),
      displayName: `${givenName} ${surname} (${partner})`,
      givenName,
      surname,
      companyName: partner,
      jobTitle: pick(TITLES),
      mail,
      mailNickname,
      proxyAddresses: [`SMTP:${mail}`],
      phones: [{ type: "business", number: `+49 40 ${random.integer(100_000, 999_999)}` }],
      addresses: [
        {
          city: site?.city ?? null,
          countryOrRegion: site?.countryCode ?? null,
          officeLocation: null,
          postalCode: site?.postalCode ?? null,
          state: null,
          street: site?.street ?? null,
        },
      ],
      department: null,
      ...(synced ? { onPremisesSyncEnabled: true, onPremisesLastSyncDateTime: timestamp(GENERATED_UNTIL) } : {}),
      ...(index % 7 === 0 ? { department: `${company.name} desk` } : {}),
    };
  });
}
