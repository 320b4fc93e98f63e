import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { ConnectorError } from "@entrain/core";
import type { CloudEntry } from "../config/document.ts";
import { readDocument } from "../config/read.ts";
import { DOCUMENT, TYPES } from "../config/testing.ts";
import { testClock } from "../runs/testing/time.ts";
import { checkSetup, type Setup } from "./plan.ts";
import { resolveTenant } from "./tenant.ts";

const SETUP: Setup = {
  name: "contoso",
  displayName: "Entrain",
  tenant: "contoso.com",
  cloud: { kind: "global" },
  client: null,
  features: ["people", "groups"],
  permissions: [],
  credential: "certificate",
  days: 365,
  multiTenant: false,
  redirectUris: [],
};

const READ = {
  name: "test.yaml",
  types: TYPES,
  current: { connections: new Map(), targets: new Map(), syncs: new Map(), channels: new Map() },
};
const FINE = "https://login.contoso.example";

function custom(login: string, graph: string): CloudEntry {
  return { kind: "custom", login, graph };
}

function refusedBy(check: () => void): string {
  try {
    check();
    return "nothing";
  } catch (error) {
    assert.ok(error instanceof ConnectorError, String(error));
    return `${error.code}: ${error.message}`;
  }
}

describe("the addresses of a custom cloud", () => {
  const far = [custom("http://169.254.169.254", FINE), custom(FINE, "http://graph.contoso.example")];

  it("are encrypted in a setup, unless they are this machine's", () => {
    for (const cloud of far)
      assert.match(
        refusedBy(() => checkSetup({ ...SETUP, cloud })),
        /^usage: .*not encrypted/,
      );
    for (const near of ["http://127.0.0.1:7421", "http://localhost:7421", "http://[::1]:7421", FINE]) {
      checkSetup({ ...SETUP, cloud: custom(near, near) });
    }
  });

  it("are encrypted in a document too", () => {
    for (const { login, graph } of far as readonly { login: string; graph: string }[]) {
      const document = DOCUMENT.replace(/login: \S+/, `login: "${login}",`).replace(
        /graph: "[^"]+"/,
        `graph: "${graph}"`,
      );
      assert.match(
        refusedBy(() => readDocument(document, READ)),
        /^config_invalid: .*contoso\.cloud\.(login|graph): .*not encrypted/,
      );
    }
  });

  it("are asked for nothing, not even for a tenant's id, while they are not", async (context) => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : null;
    const where = { cloud: custom(`http://0.0.0.0:${port}`, FINE), tenant: "contoso.com" };
    const signal = new AbortController().signal;
    await assert.rejects(resolveTenant(testClock(), where, signal), {
      code: "config_invalid",
      message: /not encrypted/,
    });
    assert.equal(asked, 0);
  });
});
