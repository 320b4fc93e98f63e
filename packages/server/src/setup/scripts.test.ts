import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { leastPermissions } from "@entrain/connectors/entra";
import type { Setup } from "./plan.ts";
import { SCRIPTS, scriptOf } from "./scripts.ts";
import { portalSteps } from "./steps.ts";

const SETUP: Setup = {
  name: "contoso",
  displayName: "Entrain test",
  tenant: "contoso.onmicrosoft.com",
  cloud: { kind: "global" },
  client: null,
  features: ["people", "groups"],
  permissions: leastPermissions(["people", "groups"]),
  credential: "certificate",
  days: 365,
  multiTenant: false,
  redirectUris: ["https://entrain.contoso.com/connect/consent"],
};
const VARIANTS: readonly Setup[] = [
  SETUP,
  { ...SETUP, credential: "secret" },
  { ...SETUP, multiTenant: true, cloud: { kind: "usgov-dod" }, tenant: null, credential: "secret" },
  { ...SETUP, permissions: leastPermissions(["people", "groups", "notifications", "credential-expiry"]) },
];

/** Brackets that open are closed, in their order, outside of quoted texts and comments. */
function balanced(script: string): boolean {
  const bare = script.replaceAll(/^\s*#.*$/gm, "").replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g, "");
  const open: string[] = [];
  const pairs: { readonly [close: string]: string } = { ")": "(", "]": "[", "}": "{" };
  for (const [mark] of bare.matchAll(/[()[\]{}]/g)) {
    if (pairs[mark] === undefined) open.push(mark);
    else if (open.pop() !== pairs[mark]) return false;
  }
  return open.length === 0;
}

/** A parser at hand, and how it is asked to parse without running; PowerShell's is not everywhere. */
function parses(kind: string, script: string): boolean | null {
  if (kind === "azure-cli") return spawnSync("bash", ["-n"], { input: script }).status === 0;
  const [program, args] =
    kind === "powershell"
      ? ["pwsh", ["-NoProfile", "-Command", "$null = [scriptblock]::Create([Console]::In.ReadToEnd())"]]
      : ["terraform", ["fmt", "-check", "-"]];
  const { status, error } = spawnSync(String(program), args as string[], { input: script });
  return error === undefined ? status === 0 : null;
}

describe("scripts that register the application", () => {
  for (const kind of SCRIPTS) {
    it(`${kind}: parses, and asks for exactly the least permissions`, () => {
      for (const setup of VARIANTS) {
        const script = scriptOf(kind, setup);
        assert.notEqual(parses(kind, script), false, script);
        assert.ok(balanced(script), script);
        const asked = [...script.matchAll(/\b[A-Za-z]+\.(?:ReadWrite|Read)\.?[A-Za-z]*\b/g)].map(([name]) => name);
        const own = asked.filter((name) => !/^(Application|AppRoleAssignment)\.ReadWrite\.All$/.test(name));
        assert.deepEqual([...new Set(own)].sort(), [...setup.permissions].sort());
        assert.ok(script.includes(setup.multiTenant ? "AzureADMultipleOrgs" : "AzureADMyOrg"));
        for (const uri of setup.redirectUris) assert.ok(script.includes(uri));
        assert.match(script, /entrain connection add contoso --tenant/);
      }
    });

    it(`${kind}: a text with quotes stays a text`, () => {
      const script = scriptOf(kind, { ...SETUP, displayName: "it's; $(id) `id`" });
      assert.notEqual(parses(kind, script), false);
      assert.ok(!/^[^'"#]*\$\(id\)/m.test(script));
    });
  }

  it("the secret goes into a file that nobody else may read, never onto the screen", () => {
    const script = scriptOf("azure-cli", { ...SETUP, credential: "secret" });
    assert.ok(script.indexOf("umask 077") < script.indexOf("> entrain-secret.txt"));
  });
});

describe("steps by hand", () => {
  it("each has a link into the cloud's own admin centre and the role that it needs", () => {
    const steps = portalSteps({ ...SETUP, cloud: { kind: "usgov" } });
    const client = "0a5d9c11-1111-4222-8333-444455556666";
    const [, permissions] = portalSteps({ ...SETUP, client });
    assert.ok(permissions?.link.endsWith(`/CallAnAPI/appId/${client}`));
    for (const { link, role } of steps.slice(0, -1)) {
      assert.match(link, /^https:\/\/entra\.microsoft\.us\/#view\//);
      assert.notEqual(role, "none");
    }
    assert.match(steps.map(({ role }) => role).join(), /Privileged Role Administrator/);
    const told = steps.flatMap(({ details }) => details).join("\n");
    for (const name of SETUP.permissions) assert.ok(told.includes(name));
    assert.ok(told.includes("https://entrain.contoso.com/connect/consent"));
  });
});
