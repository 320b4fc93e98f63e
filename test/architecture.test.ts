import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { readHouse } from "./architecture/house.ts";
import { importsOf } from "./architecture/imports.ts";
import { tokensOf } from "./architecture/tokens.ts";
import { describeViolation, RULES, type Rule, violationsOf } from "./architecture.ts";

describe("the house", () => {
  const house = readHouse(join(import.meta.dirname, ".."));

  it("holds every direction of the architecture", () => {
    assert.deepEqual(violationsOf(house).map(describeViolation), []);
  });

  it("was seen: every package has files, and they import each other", () => {
    for (const [name, exports] of house.exports) {
      const folder = `packages/${name.split("/")[1]}/`;
      const files = [...house.files].filter(([path]) => path.startsWith(folder));
      const imports = files.flatMap(([, text]) => importsOf(tokensOf(text)));
      assert.ok(files.length > 0 && imports.length > 0, `no file or no import seen in ${folder}`);
      for (const [entry, path] of exports)
        assert.ok(house.files.has(path), `${name} exports ${entry} from ${path}, which does not exist`);
    }
  });
});

/** A small house in which every rule is kept; each planted file below breaks one. */
const CLEAN: Readonly<Record<string, string>> = {
  "packages/core/package.json": `{"name":"@entrain/core","exports":{".":"./src/index.ts","./conformance":"./src/conformance/index.ts"}}`,
  "packages/connectors/package.json": `{"name":"@entrain/connectors","exports":{"./scim":"./src/scim/index.ts"}}`,
  "packages/simulator/package.json": `{"name":"@entrain/simulator","exports":{".":"./src/index.ts"}}`,
  "packages/console/package.json": `{"name":"@entrain/console","exports":{".":"./src/main.tsx"}}`,
  "packages/server/package.json": `{"name":"@entrain/server","exports":{".":"./src/main.ts"}}`,
  "packages/core/src/index.ts": `export * from "./model/value.ts";`,
  "packages/core/src/model/value.ts": `import { RE2JS } from "re2js";
    // A comment may say import "node:fs", Date.now() and main().
    export const hint = \`import "node:fs" \${"Math.random()"} Date.now()\`;
    export const slashes: RegExp = /["'\`]import "node:fs"\\//;
    export const halved = (a: number, b: number): number => a / b / 2;
    export const day = (ms: number): Date => new Date(ms);
    export type Value = { readonly a: string } | { readonly b: typeof RE2JS };
    export function split(x: string): { readonly left: string } { return { left: x }; }
    export interface Clock { readonly now: () => number; open(path: string): void }`,
  "packages/core/src/model/value.test.ts": `import { test } from "node:test"; import { readFileSync } from "node:fs";
    import fc from "fast-check"; import "../../../../test/servers.ts"; test("x", () => Date.now());`,
  "packages/core/src/conformance/index.ts": `import { it } from "node:test"; import assert from "node:assert/strict"; export { it, assert };`,
  "packages/connectors/src/scim/index.ts": `import type { Value } from "@entrain/core"; import { Pool } from "undici";
    import { createHash } from "node:crypto"; import { retry } from "../shared/retry.ts"; export { createHash, Pool, retry }; export type { Value };`,
  "packages/connectors/src/scim/index.test.ts": `import { start } from "@entrain/simulator"; import "@entrain/core/conformance"; start();`,
  "packages/connectors/src/scim/testing.ts": `import { start } from "@entrain/simulator"; export const started = (): unknown => start();`,
  "packages/connectors/src/shared/retry.ts": `export const retry = (): number => 1;`,
  "packages/simulator/src/index.ts": `import { faker } from "@faker-js/faker"; export const start = (): unknown => [faker, Date.now()];`,
  "packages/console/src/main.tsx": `import type { Value } from "@entrain/core"; import { createRoot } from "react-dom/client";
    createRoot(null).render(<p>It's {new Date().toString()} </p>);`,
  "packages/server/src/main.ts": `import { serve } from "./wiring.ts"; await serve();`,
  "packages/server/src/wiring.ts": `import "./api/routes.ts"; import "./demo/demo.ts"; import "@entrain/connectors/scim"; export async function serve(): Promise<void> {}`,
  "packages/server/src/clock.ts": `import { randomBytes } from "node:crypto"; export const clock = { now: () => Date.now(), bytes: randomBytes };`,
  "packages/server/src/config.ts": `export const port = 7420;`,
  "packages/server/src/api/routes.ts": `import "../runs/run.ts"; import "../store/store.ts"; import "../config.ts"; export {};`,
  "packages/server/src/runs/run.ts": `import "../store/store.ts"; import { clock } from "../clock.ts"; import "@entrain/core"; export const now = clock.now;`,
  "packages/server/src/runs/run.test.ts": `import "../api/routes.ts"; import "@entrain/simulator"; import "../../../../test/servers.ts";`,
  "packages/server/src/store/store.ts": `import { DatabaseSync } from "node:sqlite"; export const open = (): unknown => new DatabaseSync("x");`,
  "packages/server/src/demo/demo.ts": `import type { Tenant } from "@entrain/simulator";
    export const demo = async (): Promise<unknown> => (await import("@entrain/simulator")).start(); export type { Tenant };`,
  "test/servers.ts": `export const servers = 1;`,
  "tools/tool.ts": `import { servers } from "../test/servers.ts"; if (import.meta.main) console.log(servers);`,
  "bench/read.bench.ts": `import "../packages/server/src/store/store.ts"; export const name = "read";`,
};

/** What breaks which rule: a file that is added to the clean house, or takes a file's place in it. */
const PLANTED: readonly (readonly [Rule, string, string])[] = [
  ["core is pure", "packages/core/src/a.ts", `import { readFileSync } from "node:fs"; export { readFileSync };`],
  ["core is pure", "packages/core/src/a.ts", `import fs from 'fs'; export { fs };`],
  ["core is pure", "packages/core/src/a.ts", `export { parse } from "yaml";`],
  ["core is pure", "packages/core/src/a.ts", `import { test } from "node:test"; export { test };`],
  [
    "core is pure",
    "packages/core/src/conformance/a.ts",
    `import { readFileSync } from "node:fs"; export { readFileSync };`,
  ],
  ["core is pure", "packages/core/src/a.ts", `export const load = (x: string): Promise<unknown> => import(x);`],
  ["core is pure", "packages/core/src/a.ts", `export const f = (): unknown => require("fs");`],
  ["core is pure", "packages/core/src/a.ts", `import type { S } from "@entrain/connectors/scim"; export type { S };`],
  ["core is pure", "packages/core/src/a.test.ts", `import { start } from "@entrain/simulator"; start();`],
  ["core is pure", "packages/core/src/a.ts", `export const env = (): unknown => process.env;`],
  ["core is pure", "packages/core/src/a.ts", `export const f = (): unknown => fetch("http://127.0.0.1");`],
  [
    "connectors know core",
    "packages/connectors/src/scim/a.ts",
    `import { open } from "@entrain/server"; export { open };`,
  ],
  [
    "connectors know core",
    "packages/connectors/src/scim/a.ts",
    `export const f = (): unknown => import("@entrain/simulator");`,
  ],
  ["connectors stand apart", "packages/connectors/src/csv/a.ts", `import "../scim/index.ts"; export {};`],
  [
    "connectors stand apart",
    "packages/connectors/src/shared/a.ts",
    `import type { V } from "../scim/index.ts"; export type { V };`,
  ],
  [
    "simulator stands alone",
    "packages/simulator/src/a.ts",
    `import type { Value } from "@entrain/core"; export type { Value };`,
  ],
  ["simulator stands alone", "packages/simulator/src/a.test.ts", `import "@entrain/connectors/scim";`],
  ["console takes types", "packages/console/src/a.ts", `import { hint } from "@entrain/core"; export { hint };`],
  [
    "console takes types",
    "packages/console/src/a.tsx",
    `import { type Value } from "@entrain/core"; export const a = <b>don't</b>;`,
  ],
  [
    "console takes types",
    "packages/console/src/a.ts",
    `import type { open } from "@entrain/server"; export type { open };`,
  ],
  ["server knows core and connectors", "packages/server/src/api/a.ts", `import "@entrain/console"; export {};`],
  [
    "simulator is loaded, not imported",
    "packages/server/src/demo/a.ts",
    `import { start } from "@entrain/simulator"; export { start };`,
  ],
  [
    "simulator is loaded, not imported",
    "packages/server/src/cli/a.ts",
    `export const f = (): unknown => import("@entrain/simulator");`,
  ],
  ["rooms go one way", "packages/server/src/store/a.ts", `import "../runs/run.ts"; export {};`],
  [
    "rooms go one way",
    "packages/server/src/runs/a.ts",
    `import type { R } from "../api/routes.ts"; export type { R };`,
  ],
  ["rooms go one way", "packages/server/src/runs/a.ts", `import "../portal/target.ts"; export {};`],
  ["rooms go one way", "packages/server/src/schedule/a.ts", `import "../cli/commands.ts"; export {};`],
  ["rooms go one way", "packages/server/src/cli/a.ts", `import { serve } from "../wiring.ts"; export { serve };`],
  ["rooms go one way", "packages/server/src/api/a.ts", `import "../demo/demo.ts"; export {};`],
  ["rooms go one way", "packages/server/src/attic/a.ts", `import "../store/store.ts"; export {};`],
  [
    "packages keep their walls",
    "packages/server/src/runs/a.ts",
    `import "../../../core/src/model/value.ts"; export {};`,
  ],
  [
    "packages keep their walls",
    "packages/server/src/runs/a.ts",
    `import "@entrain/core/src/model/value.ts"; export {};`,
  ],
  ["packages keep their walls", "packages/server/src/runs/a.test.ts", `import "../../../simulator/src/index.ts";`],
  ["product knows no test", "packages/server/src/runs/a.ts", `import "../../../../test/servers.ts"; export {};`],
  ["product knows no test", "packages/server/src/runs/a.ts", `import "./run.test.ts"; export {};`],
  ["product knows no test", "packages/connectors/src/scim/a.ts", `export { started } from "./testing.ts";`],
  ["product knows no test", "packages/server/src/runs/a.test.ts", `import "../../../../tools/tool.ts";`],
  ["time and chance come in", "packages/server/src/runs/a.ts", `export const f = (): number => Date.now();`],
  ["time and chance come in", "packages/server/src/runs/a.ts", `export const f = (): Date => new Date();`],
  ["time and chance come in", "packages/core/src/a.ts", `export const pick = Math.random;`],
  [
    "time and chance come in",
    "packages/connectors/src/scim/a.ts",
    `export const f = (): string => \`\${performance.now()}\`;`,
  ],
  ["time and chance come in", "packages/server/src/store/a.ts", `export const f = (): string => crypto.randomUUID();`],
  [
    "time and chance come in",
    "packages/server/src/store/a.ts",
    `import { randomUUID as id } from "node:crypto"; export { id };`,
  ],
  [
    "no cycle",
    "packages/connectors/src/shared/retry.ts",
    `export { delay } from "./delay.ts"; export const retry = 1;`,
  ],
  ["no cycle", "test/servers.ts", `import "../tools/tool.ts"; export const servers = 1;`],
  [
    "nothing runs at import",
    "packages/server/src/runs/a.ts",
    `export function f(): { readonly a: 1 } { return { a: 1 }; } f();`,
  ],
  [
    "nothing runs at import",
    "packages/server/src/runs/a.ts",
    `const f = async (): Promise<number> => 1; export const x: number = await f();`,
  ],
  ["nothing runs at import", "packages/server/src/runs/a.ts", `process.on("exit", () => {}); export {};`],
  ["nothing runs at import", "packages/connectors/src/scim/a.ts", `export const page = fetch("http://127.0.0.1");`],
  ["nothing runs at import", "tools/a.ts", `if (process.argv.length > 2) console.log("x"); export {};`],
  ["nothing runs at import", "bench/a.bench.ts", `for (const x of [1]) console.log(x); export {};`],
];

/** What a planted file leans on; on its own it breaks nothing. */
const PROPS: Readonly<Record<string, string>> = {
  "packages/connectors/src/shared/delay.ts": `import { retry } from "./retry.ts"; export const delay = (): unknown => retry;`,
  "packages/server/src/portal/target.ts": `import "../store/store.ts"; export {};`,
  "packages/server/src/cli/commands.ts": `import "../runs/run.ts"; export {};`,
};

describe("the architecture test", () => {
  const folders: string[] = [];
  const violationsWith = (planted: Readonly<Record<string, string>>): ReturnType<typeof violationsOf> => {
    const root = mkdtempSync(join(tmpdir(), "entrain-house-"));
    folders.push(root);
    for (const [path, text] of Object.entries({ ...CLEAN, ...PROPS, ...planted })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return violationsOf(readHouse(root));
  };
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it("flags nothing in a clean house", () => {
    assert.deepEqual(violationsWith({}).map(describeViolation), []);
  });

  for (const [rule, path, text] of PLANTED) {
    it(`finds: ${rule}: ${path}: ${text}`, () => {
      const violations = violationsWith({ [path]: text });
      assert.deepEqual(
        [...new Set(violations.map((violation) => violation.rule))],
        [rule],
        violations.map(describeViolation).join("\n"),
      );
      assert.ok(
        violations.some((violation) => violation.file === path || rule === "no cycle"),
        "named the wrong file",
      );
    });
  }

  it("has a planted violation for every rule", () => {
    assert.deepEqual(new Set(PLANTED.map(([rule]) => rule)), new Set(Object.keys(RULES)));
  });

  it("names the line", () => {
    const text = `/* two\nlines */\nexport const a = \`\n\${1}\n\`;\nimport "node:fs";\n`;
    assert.deepEqual(
      violationsWith({ "packages/core/src/a.ts": text }).map(({ file, line }) => [file, line]),
      [["packages/core/src/a.ts", 6]],
    );
  });
});

describe("reading imports", () => {
  const read = (text: string): unknown =>
    importsOf(tokensOf(text)).map(({ specifier, form, line }) => [specifier, form, line]);

  it("tells static, type-only, dynamic and re-exporting imports apart", () => {
    const text = `import a, { b as from } from "one";
import type { C } from "two";
import type D from "three";
import type from "four";
import * as e from "five";
import { type F } from "six";
export * as g from "seven";
export type { H } from "eight";
export { i };
export const j = { from: "no" };
import "nine";
const k = await import("ten", { with: { type: "json" } });
type L = import("eleven").M;
type N = typeof import("twelve");
const o = import(k + "x");
import p from "thirteen" with { type: "json" };
void import.meta.url;
const q = import(\`fourteen\`).then((m) => m);`;
    assert.deepEqual(read(text), [
      ["one", "static", 1],
      ["two", "type", 2],
      ["three", "type", 3],
      ["four", "static", 4],
      ["five", "static", 5],
      ["six", "static", 6],
      ["seven", "static", 7],
      ["eight", "type", 8],
      ["nine", "static", 11],
      ["ten", "dynamic", 12],
      ["eleven", "type", 13],
      ["twelve", "type", 14],
      [null, "dynamic", 15],
      ["thirteen", "static", 16],
      ["fourteen", "dynamic", 18],
    ]);
  });

  it("is not fooled by comments, strings, templates, regular expressions or members", () => {
    const text = `// import "a";
/* import "b";
*/ const c = 'import "d"' + "it\\"s import 'e'";
const f = \`import "g" \${h(\`import "i" \${"}"}\`)} import "j"\`;
const k = /import "l"[/"'\`]/.test(x) ? 4 / 2 / 1 : y.import("m");
const n = a / b; const o = "/ import 'p'"; require.resolve("q");
import "seen";`;
    assert.deepEqual(read(text), [["seen", "static", 7]]);
  });
});
