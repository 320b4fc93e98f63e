import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectorError, type Mapping } from "@entrain/core";
import { eachEngine } from "../store/testing.ts";
import { neededAttributes } from "./needed.ts";
import { readDocument } from "./read.ts";
import { renderDocument } from "./render.ts";
import { DOCUMENT, install, TYPES } from "./testing.ts";

const NOTHING = { connections: new Map(), targets: new Map(), syncs: new Map(), channels: new Map() };
const ID = "6f0c2f3e-1111-4222-8333-444455556666";

const document = (mapping: string): string => `
connections:
  contoso: { cloud: global, tenant: ${ID}, client: ${ID}, credential: { kind: secret, secret: { env: S } } }
targets:
  portal: { type: portal }
syncs:
  people:
    connection: contoso
    target: portal
    records: requester
    mapping:
      userName: { direct: userPrincipalName }
      externalId: { direct: objectId }
      ${mapping}`;

const read = (text: string) => readDocument(text, { name: "test.yaml", types: TYPES, current: NOTHING });

/** Read, rendered and read again: what is exported must mean the same. */
function mappingOf(mapping: string): Mapping | undefined {
  const { connections, targets, syncs } = read(document(mapping));
  if (connections === null || targets === null || syncs === null) assert.fail("a section is missing");
  const once = syncs.get("people")?.mapping;
  const text = renderDocument({ connections, targets, syncs, channels: new Map() });
  assert.deepEqual(read(text).syncs?.get("people")?.mapping, once);
  return once;
}

function flawOf(mapping: string): string {
  try {
    read(document(mapping));
  } catch (error) {
    assert.ok(error instanceof ConnectorError, String(error));
    return error.message;
  }
  return "no flaw";
}

describe("the mapping of a configuration", () => {
  it("is exported as it was read: expressions, Entra's names, the manager's attributes, sensitive values", () => {
    const expression = `Join(" ", [givenName], "d'Arc, \\"x\\"", [extensionAttribute1])`;
    const mapping = mappingOf(`displayName: { expression: ${JSON.stringify(expression)}, whenEmpty: keep }
      jobTitle: { direct: manager.displayName, default: none }
      employeeId: { direct: employeeId, sensitive: true }
      city: { expression: "Guid()", apply: create, sensitive: false }`);
    assert.deepEqual(mapping, {
      userName: { direct: "userPrincipalName" },
      externalId: { direct: "objectId" },
      displayName: { expression, whenEmpty: "keep" },
      jobTitle: { direct: "manager.displayName", default: "none" },
      employeeId: { direct: "employeeId", sensitive: true },
      city: { expression: "Guid()", apply: "create", sensitive: false },
    });
  });

  it("is refused with the place, the line and the column of what is wrong", () => {
    const expression = (text: string): string => flawOf(`city: { expression: '${text}' }`);
    assert.match(
      expression("Join([city], Uper([state]))"),
      /people\.mapping\.city: column 14: There is no function Uper.*\(line 14\)/,
    );
    assert.match(expression("Left([jobTitel], 2)"), /mapping\.city: column 6: .*jobTitel.*did you mean "jobTitle"\?/);
    assert.match(
      expression("[manager]"),
      /mapping\.city: column 1: the manager is a reference; write \[manager\.mail\]/,
    );
    assert.match(expression("[manager.jobTitel]"), /mapping\.city: column 1: .*jobTitel/);
    assert.match(expression("Left([passwordProfile], 2)"), /column 6: passwordProfile cannot be read/);
    assert.match(expression("[appRoles]"), /mapping\.city\.expression: appRoles needs a scope of who is assigned/);
    assert.match(expression("Now()"), /mapping\.city: Now, Guid and RandomString .*: add apply: create/);
    assert.match(flawOf("city: { direct: manager }"), /mapping\.city: the manager is a reference.*map manager\.mail/);
    for (const direct of ["givenNam", "manager.nope"]) {
      assert.equal(flawOf(`city: { direct: ${direct} }`).match(/has no attribute/g)?.length, 1, direct);
    }
    assert.match(flawOf("city: { direct: manager.mial }"), /mapping\.city\.direct: .*did you mean "mail"\?/);
    assert.match(flawOf("city: { direct: isSoftDeleted }"), /mapping\.city\.direct: IsSoftDeleted is no attribute/);
    assert.match(
      flawOf("city: { direct: city, sensitive: yes please }"),
      /mapping\.city\.sensitive: must be true or false/,
    );
    assert.match(
      flawOf("manager: { direct: manager, sensitive: true }"),
      /mapping\.manager: is a reference and cannot/,
    );
  });

  it("lets nobody be matched by what is chosen, by chance or sensitive", () => {
    const unique = `SelectUniqueValue([mail], [mailNickname])`;
    const of = (rule: string): string => flawOf(`mail: ${rule}\n    matching: [mail]`);
    assert.match(of(`{ expression: "${unique}", apply: create }`), /matching.*mail is chosen by SelectUniqueValue/);
    assert.match(of("{ direct: mail, sensitive: true }"), /matching.*mail is sensitive/);
  });
});

eachEngine((engine) => {
  it("what an expression names is read, of the manager too", async () => {
    const { apply, store } = await install(await engine.open());
    await apply(`${DOCUMENT}
  more:
    connection: contoso
    target: desk
    records: requester
    mapping:
      userName: { direct: userPrincipalName }
      city: { expression: 'Join("", [legalAgeGroupClassification], [manager.isResourceAccount])' }
    matching: [userName]
`);
    const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
    const { user, askedBy } = await neededAttributes({ store, types: TYPES }, row);
    for (const name of ["legalAgeGroupClassification", "isResourceAccount"]) {
      assert.ok(user.includes(name), name);
      assert.deepEqual(askedBy("user", name), ["the sync more"]);
    }
  });
});
