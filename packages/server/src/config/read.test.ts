import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectorError, DEFAULTS } from "@entrain/core";
import { REQUESTER } from "../portal/kinds.ts";
import type { CompleteConfiguration } from "./document.ts";
import { readDocument } from "./read.ts";
import { DOCUMENT, TYPES } from "./testing.ts";

const EMPTY: CompleteConfiguration = {
  connections: new Map(),
  targets: new Map(),
  syncs: new Map(),
  channels: new Map(),
};

const read = (text: string, current = EMPTY): ReturnType<typeof readDocument> =>
  readDocument(text, { name: "test.yaml", types: TYPES, current });

function flawOf(text: string): string {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof ConnectorError, String(error));
    assert.equal(error.code, "config_invalid");
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return "no flaw";
}

describe("a configuration document", () => {
  it("fills in what is left out: mapping and matching from the kind, the rest from the defaults", () => {
    const sync = read(DOCUMENT).syncs?.get("contoso-desk");
    assert.deepEqual(sync?.mapping, REQUESTER.preset.mapping);
    assert.deepEqual(sync?.matching, REQUESTER.preset.matching);
    assert.deepEqual(sync?.operations, DEFAULTS.operations);
    assert.deepEqual(sync?.deprovision, { ...DEFAULTS.deprovision, softDeleted: "disable" });
    assert.deepEqual(sync?.guard.members, DEFAULTS.guard.members);
    assert.deepEqual(sync?.schedule, { everyMs: 300_000 });
    assert.deepEqual(sync?.scope.groups, { include: ["Everyone EMEA"], transitive: true });
  });

  it("says nothing of a section that it does not have", () => {
    const { connections, targets, syncs } = read("targets: { portal: { type: portal } }");
    assert.deepEqual([connections, [...(targets?.keys() ?? [])], syncs], [null, ["portal"], null]);
    assert.deepEqual(read(""), { connections: null, targets: null, syncs: null, channels: null });
  });

  it("takes who is assigned to an application as a scope, and their roles where there is one", () => {
    const application = "0A5D9C11-1111-4222-8333-444455556666";
    const mapping = "mapping: { userName: { direct: mail }, jobTitle: { direct: appRoles.0 } }";
    const without = DOCUMENT.replace("records: requester", `records: requester\n    ${mapping}`);
    const mapped = without.replace(/groups:\n.*|groups: \{.*/, `assigned: { application: ${application} }`);
    const scope = read(mapped).syncs?.get("contoso-desk")?.scope;
    assert.deepEqual(scope?.assigned, { application: application.toLowerCase(), transitive: true });
    assert.match(flawOf(without), /mapping\.jobTitle\.direct: appRoles needs a scope of who is assigned/);
    const named = mapped.replace(application, "Desk");
    assert.match(flawOf(named), /scope\.assigned\.application: give the application's client id/);
  });

  it("spells an id one way", () => {
    const upper = DOCUMENT.replace("6f0c2f3e-1111", "6F0C2F3E-1111");
    assert.equal(read(upper).connections?.get("contoso")?.tenant, "6f0c2f3e-1111-4222-8333-444455556666");
  });
});

describe("a flaw is told with its place and line", () => {
  const flawed = (from: string | RegExp, to: string): string => flawOf(DOCUMENT.replace(from, to));
  for (const [name, text, said] of [
    ["not YAML", "connections: { contoso: [", /test\.yaml is not readable YAML: .+, line 1, column \d+\.$/],
    ["two entries of one name", "targets:\n  a: {}\n  a: {}", /unique, line 3, column 3/],
    ["an alias without anchor", "targets: *none", /is not readable YAML: .*none/],
    ["aliases that multiply", bomb(), /is not readable YAML/],
    [
      "no map",
      "- a\n- b",
      /the document must be a map with connections, targets, syncs, channels, not a list \(line 1\)/,
    ],
    ["an unknown section", "conections: {}", /there is no "conections" here; did you mean "connections"\? \(line 1\)/],
    ["a bad name", "targets:\n  -desk-: { type: portal }", /targets\.-desk-: a name has 1 to 64 .*\(line 2\)/],
    [
      "an unknown type",
      "targets:\n  desk:\n    type: dsek",
      /targets\.desk\.type: must be one of .*"desk"\? \(line 3\)/,
    ],
  ] as const) {
    it(name, () => assert.match(flawOf(text), said));
  }

  for (const [name, from, to, said] of [
    [
      "a key",
      "labels:",
      "label:",
      /connections\.contoso\.label: there is no "label" here; did you mean "labels"\? \(line 4\)/,
    ],
    ["a tenant's domain", /tenant: \S+/, "tenant: contoso.com", /contoso\.tenant: must be the Directory .*\(line 6\)/],
    ["a cloud", /cloud: .*/, "cloud: globall", /contoso\.cloud: must be one of .*did you mean "global"\? \(line 5\)/],
    ["addresses of a named cloud", "kind: custom", "kind: global", /cloud\.login: only the cloud `custom`/],
    [
      "a password in an address",
      "http://127.0.0.1:8080",
      "http://u:p@127.0.0.1:8080",
      /baseUrl: must hold no user, password/,
    ],
    [
      "a missing setting",
      /settings: \{[^}]*\}/,
      "settings: {}",
      /targets\.desk\.settings: "baseUrl" is missing: its address/,
    ],
    ["a setting's form", "settings: {", "settings: { fast: 1,", /settings\.fast: must be true or false, not 1/],
    ["a setting's choice", "settings: {", 'settings: { mark: "x",', /settings\.mark: must be one of ,, ;, not "x"/],
    ["columns", "settings: {", "settings: { columns: { user: cost },", /columns\.user: must be a list, not text/],
    [
      "a column's limit",
      "settings: {",
      "settings: { columns: { user: [cost, { name: floor, maxLength: 0 }] },",
      /columns\.user\[1\]\.maxLength: must be a number from 1 to 1,000,000, not 0/,
    ],
    [
      "a column's choices",
      "settings: {",
      "settings: { columns: { user: [{ name: floor, choices: [] }] },",
      /columns\.user\[0\]\.choices: names nothing that the column may hold/,
    ],
    [
      "a limit that there is not",
      "settings: {",
      "settings: { columns: { user: [{ name: floor, length: 3 }] },",
      /columns\.user\[0\]\.length: there is no "length" here/,
    ],
    ["no credential", /, credential: \{ token: .*/, " }", /targets\.desk\.credential: "token" is missing/],
    ["a credential of an unknown kind", "kind: secret", "kind: certifcate", /did you mean "certificate"\?/],
    [
      "a field of another kind of credential",
      "kind: secret",
      "kind: certificate",
      /credential\.secret: a credential of the kind certificate has no such field/,
    ],
    [
      "another's connection",
      "connection: contoso",
      "connection: fabrikam",
      /no connection "fabrikam"; there are contoso \(line 13\)/,
    ],
    [
      "a kind",
      "records: requester",
      "records: requesters",
      /records: must be one of requester, group.*"requester"\? \(line 15\)/,
    ],
    [
      "an operator",
      "operator: EQUALS",
      "operator: EQUAL",
      /syncs\.contoso-desk\.scope\.filters\[0\]\[0\]\.operator: must be one of .*"EQUALS"\? \(line 18\)/,
    ],
    [
      "a pattern",
      "operator: EQUALS, value: Sales",
      'operator: REGEX MATCH, value: "("',
      /filters\[0\]\[0\]\.value: not a pattern/,
    ],
    [
      "a number as text",
      "value: Sales",
      "value: 007",
      /filters\[0\]\[0\]\.value: must be text, not 7: put it in quotes/,
    ],
    ["no groups", '["Everyone EMEA"]', "[]", /scope\.groups\.include: name at least one group/],
    [
      "a verb",
      "outOfScope: disable",
      "outOfScope: remove",
      /deprovision\.outOfScope: must be one of ignore, disable, delete/,
    ],
    [
      "a percentage",
      "percent: 10",
      "percent: 51",
      /guard\.removals\.percent: must be a number from 0 to 50, not 51: a guard that lets more than half/,
    ],
    [
      "a count that switches the guard off",
      "count: 500",
      "count: 100001",
      /guard\.removals\.count: must be a number from 0 to 100,000, not 100001: the guard cannot be switched off/,
    ],
    ["a duration", "window: 24h", "window: 1.5h", /guard\.removals\.window: must be a duration such as 30s/],
    ["too often", "every: 5m", "every: 1s", /schedule\.every: must be at least 10s/],
    ["cron", "{ every: 5m }", '{ cron: "61 * * * *" }', /schedule\.cron: must be five fields .* minute: 61/],
    [
      "an attribute",
      "schedule:",
      "mapping: { userName: { direct: userPrincipalName }, nick: { direct: mail } }\n    schedule:",
      /mapping\.nick: requester has no such attribute.*\(line 21\)/,
    ],
    [
      "a rule",
      "schedule:",
      "mapping: { userName: { direct: mail, constant: x } }\n    schedule:",
      /mapping\.userName: needs exactly one of direct, constant/,
    ],
    [
      "an expression",
      "schedule:",
      "mapping: { userName: { expression: 'Join(x)' } }\n    schedule:",
      /mapping\.userName: column \d+: /,
    ],
    [
      "a matching attribute",
      "schedule:",
      "matching: [city]\n    schedule:",
      /matching\[0\]: requester cannot be found by city/,
    ],
  ] as const) {
    it(name, () => assert.match(flawed(from, to), said));
  }

  it("a source attribute that Graph would refuse", () => {
    const cased = flawed("attribute: department", "attribute: OfficeLocation");
    assert.match(cased, /attribute: Graph calls it officeLocation, not OfficeLocation/);
    assert.match(flawed("attribute: department", "attribute: the department"), /is not the name of a source attribute/);
    const mapping = "mapping: { userName: { direct: officelocation } }\n    schedule:";
    assert.match(flawed("schedule:", mapping), /mapping\.userName\.direct: Graph calls it officeLocation/);
  });

  it("a source attribute that Graph does not have, in mapping, scope and the connection's own", () => {
    const mapping = (direct: string): string =>
      flawed("schedule:", `mapping: { userName: { direct: ${direct} } }\n    schedule:`);
    assert.match(
      mapping("userPrincipalNam"),
      /mapping\.userName\.direct: Graph's person has no attribute userPrincipalNam; did you mean "userPrincipalName"\? \(line 21\)/,
    );
    assert.match(mapping("aboutMe"), /aboutMe is kept outside the directory/);
    assert.match(mapping("extension_12_costCenter"), /is no directory extension/);
    assert.doesNotMatch(mapping(`extension_${"ab".repeat(16)}_costCenter`), /direct/);
    assert.match(mapping("onPremisesExtensionAttributes.extensionAttribut1"), /did you mean "extensionAttribute1"\?/);
    assert.match(flawed("attribute: department", "attribute: jobTitel"), /\.attribute: .*did you mean "jobTitle"\?/);
    assert.match(
      flawed("labels:", "attributes: [jobTitel]\n    labels:"),
      /connections\.contoso\.attributes\[0\]: .*did you mean "jobTitle"\?/,
    );
  });

  it("a duration without its unit", () => {
    assert.match(flawed("window: 24h", "window: 24"), /guard\.removals\.window: .*write 24h/);
    assert.match(flawed("every: 5m", "every: 5"), /schedule\.every: .*write 5m/);
  });

  it("tells several at once", () => {
    const text = DOCUMENT.replace("records: requester", "records: x").replace("window: 24h", "window: x");
    assert.match(flawOf(text), /records: .*\(line 15\); .*window: .*\(line 20\)/);
  });

  it("never repeats a secret that was written into the document", () => {
    const said = flawed("secret: { env: CONTOSO_SECRET }", "secret: CANARY-secret");
    assert.match(said, /credential\.secret: a secret does not belong into a document; .*\(line 8\)/);
    assert.doesNotMatch(said, /CANARY/);
    assert.doesNotMatch(flawed("{ env: DESK_TOKEN }", "[CANARY-secret]"), /CANARY/);
  });

  it("says of a secret that is given under another name what may stand there, and nothing else", () => {
    const said = flawed("secret: { env: CONTOSO_SECRET }", "secret: { value: CANARY-secret }");
    assert.match(said, /credential\.secret\.value: there is no "value" here; known are env, file, sealed/);
    assert.doesNotMatch(said, /must be text|CANARY/);
  });
});

/** Few anchors that stand for billions of entries. */
function bomb(): string {
  const levels = Array.from(
    { length: 12 },
    (_, at) => `a${at}: &a${at} [${Array(9).fill(at === 0 ? "x" : `*a${at - 1}`)}]`,
  );
  return levels.join("\n");
}
