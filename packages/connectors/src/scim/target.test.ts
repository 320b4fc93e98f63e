import type { Attributes, TargetRecord, Value } from "@entrain/core";
import { type KindSample, type OpenedTarget, targetConformance } from "@entrain/core/conformance";
import { createScimTarget } from "./index.ts";
import { membersOf, type ScimServer, type StoredResource, startScimServer } from "./testing/index.ts";

const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const TOKEN = "conformance-token";

const user: KindSample = {
  kind: "user",
  attributes: (n) => ({
    userName: `Ada.${n}@example.org`,
    externalId: `External-${n}`,
    displayName: `Ada ${n}`,
    "name.givenName": "Ada",
    "name.familyName": `Lovelace ${n}`,
    title: `Title ${n}`,
    'emails[type eq "work"].value': `Mail.${n}@example.org`,
    'phoneNumbers[type eq "mobile"].value': `+41 79 000 00 ${n}`,
    'addresses[type eq "work"].locality': "Zürich",
    'addresses[type eq "work"].country': "CH",
    [`${ENTERPRISE}:employeeNumber`]: `E${n}`,
    [`${ENTERPRISE}:department`]: "Engines",
  }),
  text: "title",
  matching: "userName",
  matchingText: "externalId",
  reference: `${ENTERPRISE}:manager`,
};
const userWithText = (text: string): KindSample => ({
  ...user,
  attributes: (n) => ({ ...user.attributes(n), [text]: `Text ${n}` }),
  text,
});
const group: KindSample = {
  kind: "group",
  attributes: (n) => ({ displayName: `Group ${n}`, externalId: `External-${n}` }),
  text: "externalId",
  matching: "displayName",
  matchingText: "displayName",
};

async function open(): Promise<OpenedTarget> {
  const server = await startScimServer({ token: TOKEN, now: () => 0 });
  const target = createScimTarget({
    baseUrl: server.baseUrl,
    token: () => TOKEN,
    clock: { now: () => 0, random: () => 0.5, sleep: async () => {} },
  });
  return { target, close: server.close, independentRead: async (kind) => storedRecords(server, kind) };
}

targetConformance({ name: "scim", open, kinds: [user, group] });
targetConformance({
  name: "scim, with the text inside a multi-valued attribute or an extension",
  open,
  kinds: ['emails[type eq "work"].value', 'addresses[type eq "work"].region', `${ENTERPRISE}:division`].map(
    userWithText,
  ),
});

/** What the server's own store holds, in the words of the samples. */
function storedRecords({ store }: ScimServer, kind: string): readonly TargetRecord[] {
  if (kind === "group") {
    return [...store.groups.values()].map((stored) => ({
      kind,
      id: stored.id,
      attributes: filled({ displayName: stored.displayName, externalId: stored.externalId }),
      active: true,
      members: membersOf(stored).map(({ value }) => value),
    }));
  }
  return [...store.users.values()].map((stored) => ({
    kind,
    id: stored.id,
    attributes: userAttributes(stored),
    active: stored.active !== false,
  }));
}

function userAttributes(stored: StoredResource): Attributes {
  const name = Object(stored.name);
  const enterprise = Object(stored[ENTERPRISE]);
  const element = (attribute: string, type: string): Record<string, unknown> => {
    const elements = stored[attribute];
    return Object(Array.isArray(elements) ? elements.find((each) => each.type === type) : {});
  };
  const address = element("addresses", "work");
  return filled({
    userName: stored.userName,
    externalId: stored.externalId,
    displayName: stored.displayName,
    title: stored.title,
    "name.givenName": name.givenName,
    "name.familyName": name.familyName,
    'emails[type eq "work"].value': element("emails", "work").value,
    'phoneNumbers[type eq "mobile"].value': element("phoneNumbers", "mobile").value,
    'addresses[type eq "work"].locality': address.locality,
    'addresses[type eq "work"].region': address.region,
    'addresses[type eq "work"].country': address.country,
    [`${ENTERPRISE}:employeeNumber`]: enterprise.employeeNumber,
    [`${ENTERPRISE}:department`]: enterprise.department,
    [`${ENTERPRISE}:division`]: enterprise.division,
    [`${ENTERPRISE}:manager`]: Object(enterprise.manager).value,
  });
}

function filled(attributes: { readonly [name: string]: unknown }): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter((entry): entry is [string, Value] => entry[1] != null));
}
