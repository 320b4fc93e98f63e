import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ConnectorError } from "@entrain/core";
import { eachEngine } from "../store/testing.ts";
import { install } from "./testing.ts";

const ID = "6f0c2f3e-1111-4222-8333-444455556666";
const OTHER = "7f0c2f3e-1111-4222-8333-444455556666";

const document = (shares: string, more = ""): string => `
connections:
  contoso: { cloud: global, tenant: ${ID}, client: ${ID}, credential: { kind: secret, secret: { env: S } } }
  fabrikam: { cloud: global, tenant: ${OTHER}, client: ${ID}, credential: { kind: secret, secret: { env: S } } }
targets:
  portal: { type: portal }
syncs:
  owner:
    connection: fabrikam
    target: portal
    records: requester
    mapping: { userName: { direct: userPrincipalName }, mail: { direct: mail }${more} }
    matching: [mail]
  second:
    connection: contoso
    target: portal
    records: requester
    mapping:
      userName: { direct: userPrincipalName }
      mail: { direct: mail }
      jobTitle: { direct: jobTitle }
      department: { direct: department, apply: create }
    matching: [mail]
    shares: [${shares}]
`;

eachEngine((engine) => {
  async function flawOf(text: string): Promise<string> {
    const { apply } = await install(await engine.open());
    try {
      await apply(text);
    } catch (error) {
      assert.ok(error instanceof ConnectorError, String(error));
      return error.message;
    }
    return "no flaw";
  }

  describe("attributes that a sync shares", () => {
    it("are kept, and exported as they were written", async () => {
      const { apply, exported } = await install(await engine.open());
      await apply(document("jobTitle"));
      assert.match(await exported(), /\n {4}shares: \[ jobTitle \]\n/);
      assert.deepEqual(await apply(await exported()), []);
    });

    for (const [shares, flaw] of [
      ["title", /syncs\.second\.shares\[0\]: the mapping gives no title/],
      ["mail", /mail is a mail address/],
      ["userName", /records are told apart by userName/],
      ["department", /department is written on creation only/],
      ["jobTitle, jobTitle", /jobTitle stands here twice/],
    ] as const) {
      it(`refuse ${shares}`, async () => assert.match(await flawOf(document(shares)), flaw));
    }

    it("refuse an attribute that the owner writes, too", async () => {
      const flaw = await flawOf(document("jobTitle", ", jobTitle: { direct: jobTitle }"));
      assert.match(flaw, /^syncs\.second\.shares: owner maps jobTitle, too, .* Take jobTitle out of one of the two/);
    });
  });
});
