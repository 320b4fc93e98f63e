import assert from "node:assert/strict";
import { it } from "node:test";
import { ConnectorError } from "@entrain/core";
import { eachEngine } from "../store/testing.ts";
import { loadConfiguration } from "./current.ts";
import { DOCUMENT, install } from "./testing.ts";

const SYNC = `
  partners:
    connection: contoso
    target: desk
    records: requester
    source: contact
`;

eachEngine((engine) => {
  it("a sync of contacts has a mapping that contacts fit, and is exported the same", async () => {
    const { apply, exported, store } = await install(await engine.open());
    await apply(DOCUMENT + SYNC);
    const sync = (await loadConfiguration(store)).syncs.get("partners");
    assert.equal(sync?.source, "contact");
    assert.deepEqual(sync?.mapping.userName, { direct: "mail" });
    assert.deepEqual(sync?.mapping.companyName, { direct: "companyName" });
    for (const name of ["manager", "employeeId", "businessPhones"]) assert.equal(sync?.mapping[name], undefined, name);
    assert.deepEqual(sync?.matching, ["externalId", "userName"]);
    assert.match(await exported(), /source: contact/);
    assert.deepEqual(await apply(await exported(), { prune: true }), []);
  });

  it("what contacts do not have, and what does not take them, is refused by its place", async () => {
    const { apply } = await install(await engine.open());
    const refused = async (text: string, said: RegExp): Promise<void> => {
      await assert.rejects(apply(text), (error) => error instanceof ConnectorError && said.test(error.message));
    };
    const mapped = (direct: string): string => `${DOCUMENT}${SYNC}    mapping: { userName: { direct: ${direct} } }`;
    await refused(
      mapped("userPrincipalName"),
      /partners\.mapping\.userName\.direct.*Graph's contact has no attribute/s,
    );
    await refused(mapped("manager"), /partners\.mapping\.userName\.direct.*of contacts it is not read/s);
    await refused(mapped("extension_abc_x"), /contacts have none/);
    const filter = "[[{ attribute: accountEnabled, operator: IS TRUE }]]";
    await refused(`${DOCUMENT}${SYNC}    scope: { filters: ${filter} }`, /partners\.scope\.filters.*accountEnabled/s);
    const scope = "scope: { assigned: { application: 0a5d9c11-1111-4222-8333-444455556666 } }";
    await refused(`${DOCUMENT}${SYNC}    ${scope}`, /partners\.scope\.assigned.*contacts cannot be assigned/s);
    await refused(DOCUMENT + SYNC.replace("requester", "group"), /partners\.source.*group is made of groups/s);
    await refused(DOCUMENT + SYNC.replace("source: contact", "source: contacts"), /partners\.source.*contact/s);
  });

  it("a photo's hash is mapped, and neither decides who is in nor is chosen for a connection", async () => {
    const { apply } = await install(await engine.open());
    const people = SYNC.replace("    source: contact\n", "");
    const mapping = "mapping: { userName: { direct: userPrincipalName }, city: { direct: photo.hash } }";
    await apply(`${DOCUMENT}${people}    ${mapping}\n    matching: [userName]`);
    const filters = "scope: { filters: [[{ attribute: photo.hash, operator: IS NOT NULL }]] }";
    await assert.rejects(apply(`${DOCUMENT}${people}    ${filters}`), /filters.*would let people in by chance/s);
    const chosen = DOCUMENT.replace("    labels: [europe]\n", "    attributes: [photo]\n");
    await assert.rejects(apply(chosen), /attributes\[0\].*where a sync maps photo\.hash/s);
  });

  it("a sync's people never become contacts: that is another sync", async () => {
    const { apply } = await install(await engine.open());
    await apply(DOCUMENT + SYNC);
    await assert.rejects(apply(DOCUMENT + SYNC.replace("    source: contact\n", "")), /source: cannot become people/);
  });
});
