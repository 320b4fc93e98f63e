import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { leastPermissions } from "@entrain/connectors/entra";
import type { Setup } from "./plan.ts";
import { SCRIPTS, type ScriptKind, scriptOf as scriptOfAt, scriptsFor } from "./scripts.ts";
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
const NOW = Date.UTC(2026, 6, 31, 12, 30, 15, 678);
const scriptOf = (kind: ScriptKind, setup: Setup): string => scriptOfAt(kind, setup, NOW);
const VARIANTS: readonly Setup[] = [
  SETUP,
  { ...SETUP, credential: "secret" },
  { ...SETUP, multiTenant: true, cloud: { kind: "usgov" }, tenant: null, credential: "secret" },
  { ...SETUP, multiTenant: true, cloud: { kind: "usgov-dod" }, tenant: null },
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

/** The variants that there is such a script for. */
function variantsOf(kind: ScriptKind): readonly Setup[] {
  return VARIANTS.filter(({ cloud }) => scriptsFor(cloud).includes(kind));
}

/** What parses a script without running it. */
const PARSERS: { readonly [K in ScriptKind]: readonly [program: string, ...args: string[]] } = {
  "azure-cli": ["bash", "-n"],
  powershell: ["pwsh", "-NoProfile", "-Command", "$null = [scriptblock]::Create([Console]::In.ReadToEnd())"],
  terraform: ["terraform", "fmt", "-check", "-"],
};

/** Whether what parses a kind of script is on this machine. */
function isHere(kind: ScriptKind): boolean {
  return spawnSync(PARSERS[kind][0], ["--version"]).error === undefined;
}

function parse(kind: ScriptKind, script: string): void {
  const [program, ...args] = PARSERS[kind];
  const { status, stderr } = spawnSync(program, args, { input: script, encoding: "utf8" });
  assert.equal(status, 0, `${stderr}\n${script}`);
}

describe("scripts that register the application", () => {
  for (const kind of SCRIPTS) {
    it(`${kind}: parses, and a text with quotes stays a text`, (context) => {
      const quoted = { ...SETUP, displayName: "it's; $(id) `id`" };
      const scripts = [...variantsOf(kind), quoted].map((setup) => scriptOf(kind, setup));
      for (const script of scripts) assert.ok(balanced(script), script);
      if (isHere(kind)) for (const script of scripts) parse(kind, script);
      else context.diagnostic(`there is no ${PARSERS[kind][0]} here: only brackets and quotes were looked at`);
    });

    it(`${kind}: asks for exactly the least permissions`, () => {
      for (const setup of variantsOf(kind)) {
        const script = scriptOf(kind, setup);
        assert.ok(balanced(script), script);
        const asked = [...script.matchAll(/\b[A-Za-z]+\.(?:ReadWrite|Read)\.?[A-Za-z]*\b/g)].map(([name]) => name);
        const own = asked.filter((name) => !/^(Application|AppRoleAssignment)\.ReadWrite\.All$/.test(name));
        assert.deepEqual([...new Set(own)].sort(), [...setup.permissions].sort());
        assert.ok(script.includes(setup.multiTenant ? "AzureADMultipleOrgs" : "AzureADMyOrg"));
        for (const uri of setup.redirectUris) assert.ok(script.includes(uri));
        assert.match(script, /entrain connection add contoso --tenant/);
      }
    });

    it(`${kind}: a text with quotes is quoted`, () => {
      const script = scriptOf(kind, { ...SETUP, displayName: "it's; $(id) `id`" });
      assert.ok(!/^[^'"#]*\$\(id\)/m.test(script));
    });

    it(`${kind}: the connection that it adds is used for what was asked for`, () => {
      const features = ["people", "groups", "contacts", "notifications"] as const;
      assert.match(
        scriptOf(kind, { ...SETUP, features }),
        /connection add contoso .* --features contacts,notifications /,
      );
      assert.doesNotMatch(scriptOf(kind, SETUP), /--features/);
    });
  }

  it("there is none for the Azure CLI where it speaks to another cloud's Graph", () => {
    const cloud = { kind: "usgov-dod" } as const;
    assert.deepEqual(scriptsFor(cloud), ["powershell", "terraform"]);
    assert.deepEqual(scriptsFor({ kind: "usgov" }), SCRIPTS);
    assert.throws(() => scriptOf("azure-cli", { ...SETUP, cloud }), { code: "usage", message: /usgov-dod/ });
  });

  it("there is none for a cloud with addresses of its own, which the tools do not know", () => {
    const cloud = { kind: "custom", login: "https://login.example", graph: "https://graph.example" } as const;
    assert.deepEqual(scriptsFor(cloud), []);
    for (const kind of SCRIPTS) {
      const says = {
        code: "usage",
        message: /does not work in custom/,
        fix: /^Follow the steps.* or take --device-code\.$/,
      };
      assert.throws(() => scriptOf(kind, { ...SETUP, cloud }), says);
    }
  });

  it("what is secret goes into a file that nobody else may read, never onto the screen", () => {
    for (const credential of ["secret", "certificate"] as const) {
      const setup = { ...SETUP, credential };
      const [azure, powershell, terraform] = SCRIPTS.map((kind) => scriptOf(kind, setup));
      assert.ok((azure?.indexOf("umask 077") ?? 0) < (azure?.search(/> entrain-secret\.txt|-keyout/) ?? 0));
      assert.match(powershell ?? "", /^#Requires -Version 7\.3$/m);
      assert.match(powershell ?? "", /UnixCreateMode = .*'UserRead, UserWrite'/);
      assert.match(powershell ?? "", /icacls .*\/inheritance:r/);
      assert.doesNotMatch(powershell ?? "", /Set-Content/);
      assert.match(terraform ?? "", /^# \(umask 077; terraform output -raw \w+ > entrain\S+\)$/m);
      assert.match(terraform ?? "", /^# .*state .*holds the (secret|private key)/m);
    }
  });
});

describe("the Terraform script", () => {
  it("gives the secret a fixed end, for the provider does not heed a relative one", () => {
    const script = scriptOf("terraform", { ...SETUP, credential: "secret", days: 90 });
    assert.match(script, /^ {2}end_date {7}= "2026-10-29T12:30:15Z"$/m);
    assert.doesNotMatch(script, /end_date_relative/);
  });

  it("says which versions of its providers it is written for", () => {
    for (const credential of ["secret", "certificate"] as const) {
      const script = scriptOf("terraform", { ...SETUP, credential });
      const versions = [...script.matchAll(/source {2}= "hashicorp\/(\w+)"\n +version = "(~> \d+\.\d+)"/g)];
      const wanted = [["azuread", "~> 3.0"], ...(credential === "certificate" ? [["tls", "~> 4.0"]] : [])];
      assert.deepEqual(
        versions.map(([, name, version]) => [name, version]),
        wanted,
      );
    }
  });
});

describe("the Azure CLI script, run", () => {
  for (const cloud of ["global", "china"] as const) {
    it(`consents by Graph's own requests in ${cloud}, one for each permission, however slowly things spread`, async (context) => {
      const { status, stderr, calls, files } = await runAzure(context, { ...SETUP, cloud: { kind: cloud } });
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(calls.join("\n"), /admin-consent/);
      const posts = calls.filter((call) => call.startsWith("rest --method POST"));
      assert.match(
        posts[0] ?? "",
        /--url https:\/\/graph\.test\/v1\.0\/servicePrincipals\/PRINCIPAL\/appRoleAssignments /,
      );
      const made = posts.map((call) => /"appRoleId":"(\S+?)"/.exec(call)?.[1]);
      // The first try of each is refused.
      assert.deepEqual(made, [
        "id-User.Read.All",
        "id-User.Read.All",
        "id-GroupMember.Read.All",
        "id-GroupMember.Read.All",
      ]);
      assert.match(posts[0] ?? "", /\{"principalId":"PRINCIPAL","resourceId":"RESOURCE","appRoleId":/);
      assert.match(calls.find((call) => call.includes("credential reset")) ?? "", / --end-date \d{4}-\d\d-\d\d/);
      assert.equal(files.get("entrain.pem"), 0o600);
    });
  }

  it("ends where consent cannot be given, and says so", async (context) => {
    const { status, stderr, calls } = await runAzure(context, SETUP, "never");
    assert.equal(status, 1);
    assert.match(stderr, /User\.Read\.All could not be granted/);
    assert.ok(!calls.some((call) => call.includes("credential reset")));
  });

  it("takes a permission that is there already for granted", async (context) => {
    const { status, stderr } = await runAzure(context, { ...SETUP, credential: "secret" }, "there");
    assert.equal(status, 0, stderr);
  });
});

/** Stands in for az: logs what it is asked, and refuses each POST once, always, or because it is there already. */
const AZ = `#!/usr/bin/env bash
echo "$*" >> "$AZ_LOG"
case "$*" in
  "cloud show"*) echo https://graph.test/ ;;
  "ad app create"*) echo CLIENT ;;
  "ad sp create"*) echo PRINCIPAL ;;
  "ad sp show --id CLIENT"*) exit 3 ;;
  "ad sp show"*appRoles*) expr "$*" : ".*value=='\\([^']*\\)'.*" | sed 's/^/id-/' ;;
  "ad sp show"*) echo RESOURCE ;;
  "rest --method POST"*)
    [ "$AZ_CONSENT" = once ] && [ $(( $(grep -c "^rest --method POST" "$AZ_LOG") % 2 )) -eq 0 ] || exit 1 ;;
  "rest"*) [ "$AZ_CONSENT" = there ] && echo SOME-ASSIGNMENT || true ;;
  "ad app credential reset"*--query*) echo the-secret ;;
esac
`;

interface RanAzure {
  readonly status: number | null;
  readonly stderr: string;
  readonly calls: readonly string[];
  /** The files that were left, with their rights. */
  readonly files: ReadonlyMap<string, number>;
}

async function runAzure(context: TestContext, setup: Setup, consent = "once"): Promise<RanAzure> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-az-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin", "az"), AZ, { mode: 0o755 });
  await writeFile(join(folder, "bin", "sleep"), "#!/bin/sh\n", { mode: 0o755 });
  const env = {
    ...process.env,
    PATH: `${join(folder, "bin")}:${process.env.PATH}`,
    AZ_LOG: join(folder, "log"),
    AZ_CONSENT: consent,
  };
  const input = scriptOf("azure-cli", setup);
  const { status, stderr } = spawnSync("bash", ["-s"], { input, cwd: folder, env, encoding: "utf8" });
  const calls = (await readFile(join(folder, "log"), "utf8")).trim().split("\n");
  const names = (await readdir(folder)).filter((name) => name.startsWith("entrain"));
  const files = names.map(async (name) => [name, (await stat(join(folder, name))).mode & 0o777] as const);
  return { status, stderr, calls, files: new Map(await Promise.all(files)) };
}

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
