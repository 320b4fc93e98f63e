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

/** A page's anchors, as GitHub makes them of its headings: a second one of the same words gets a number. */
function anchors(document: string): ReadonlySet<string> {
  const text = readFileSync(join(ROOT, document), "utf8").replaceAll(/```[\s\S]*?```/g, "");
  const found = new Set<string>();
  const times = new Map<string, number>();
  for (const [, heading = ""] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading.toLowerCase().replaceAll(/[^\p{L}\p{M}\p{N}_ -]/gu, "");
    const anchor = words.trim().replaceAll(" ", "-");
    const before = times.get(anchor) ?? 0;
    times.set(anchor, before + 1);
    found.add(before === 0 ? anchor : `${anchor}-${before}`);
  }
  return found;
}

test("every link to a part of a page finds its heading", () => {
  const broken = DOCUMENTS.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), "utf8").replaceAll(/```[\s\S]*?```/g, "");
    const links = [...text.matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)];
    return links.flatMap(([link, to = "", anchor = ""]) => {
      const other = to === "" ? page : join(dirname(page), to);
      return anchors(other).has(anchor) ? [] : [`${page}: ${link}`];
    });
  });
  assert.deepEqual(broken, []);
});
