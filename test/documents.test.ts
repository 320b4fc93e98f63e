import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";

const ROOT = resolve(import.meta.dirname, "..");
const DOCUMENTS: readonly string[] = globSync(["*.md", "docs/**/*.md"], { cwd: ROOT }).sort();

/** Targets of a document's links that lead into the repository, without their anchors. */
function linked(document: string): readonly string[] {
  const text = readFileSync(join(ROOT, document), "utf8").replaceAll(/```[\s\S]*?```/g, "");
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target.split("#")[0] ?? "");
  return targets.filter((target) => target !== "" && !/^[a-z]+:/i.test(target));
}

test("the README leads to every page of the documentation", () => {
  assert.ok(DOCUMENTS.length > 8, "the pages are found");
  const targets = linked("README.md").map((target) => target.replace(/\/$/, ""));
  const pages = DOCUMENTS.filter((page) => page !== "README.md" && !targets.includes(page));
  assert.deepEqual(
    pages.filter((page) => !targets.includes(dirname(page))),
    [],
  );
});

test("every link between the pages leads somewhere", () => {
  const broken = DOCUMENTS.flatMap((page) =>
    linked(page).flatMap((target) => (existsSync(resolve(ROOT, dirname(page), target)) ? [] : [`${page}: ${target}`])),
  );
  assert.deepEqual(broken, []);
});
