import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { TABLE, tableOf } from "../tools/permissions.ts";
import { graphFolder } from "./fidelity/shared.ts";

/** Words and marks alone: how the formatter breaks the lines is its own affair. */
function bare(text: string): string {
  return text.replaceAll(/\s+|,(?=\s*[\]}])|\|/g, "");
}

test("the table of permissions is the one that the reference data gives; mend: node tools/permissions.ts", () => {
  const reference = JSON.parse(readFileSync(join(graphFolder(), "permissions-by-endpoint.json"), "utf8"));
  assert.equal(bare(readFileSync(TABLE, "utf8")), bare(tableOf(reference)));
});
