import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULTS } from "@entrain/core";
import { Checker } from "./checker.ts";
import { pathText } from "./document.ts";
import { plainGuard, readGuard } from "./guard.ts";
import { readProtect } from "./protect.ts";

const flawsOf = (read: (checker: Checker) => unknown): readonly string[] => {
  const checker = new Checker();
  read(checker);
  return checker.flaws.map(({ path, detail }) => `${pathText(path)}: ${detail}`);
};
const guardFlaws = (value: unknown) => flawsOf((checker) => readGuard(checker, value, ["guard"]));
const protectFlaws = (value: unknown) => flawsOf((checker) => readProtect(checker, value, ["protect"]));

describe("guards in a document", () => {
  it("have the defaults where nothing is said, for every counter", () => {
    assert.deepEqual(readGuard(new Checker(), undefined, []), DEFAULTS.guard);
    const { removals, members } = DEFAULTS.guard;
    assert.deepEqual(readGuard(new Checker(), plainGuard({ removals, members }), []), DEFAULTS.guard);
  });

  it("are read as they were written", () => {
    const read = readGuard(new Checker(), { creations: { percent: 100, count: 0, window: "7d" } }, []);
    assert.deepEqual(read?.creations, { percent: 100, count: 0, windowMs: 7 * 86_400_000 });
    assert.deepEqual(read?.updates, DEFAULTS.guard.updates);
  });

  it("cannot be switched off, by whatever figure", () => {
    for (const [counter, percent] of [
      ["removals", 51],
      ["members", 51],
      ["matching", 51],
      ["creations", 101],
      ["updates", 91],
    ] as const) {
      assert.match(
        guardFlaws({ [counter]: { percent } })[0] ?? "",
        new RegExp(`^guard\\.${counter}\\.percent: must be`),
      );
      assert.match(guardFlaws({ [counter]: { count: 100_001 } })[0] ?? "", /cannot be switched off/);
    }
    assert.match(guardFlaws({ deletions: {} })[0] ?? "", /there is no "deletions" here/);
    assert.match(guardFlaws({ removals: { off: true } })[0] ?? "", /there is no "off" here/);
  });
});

describe("protected lists in a document", () => {
  it("are read as they were written, and are none when they are empty", () => {
    const protect = { people: ["ana@contoso.com"], groups: ["Break-glass"] };
    assert.deepEqual(readProtect(new Checker(), protect, []), { protect });
    for (const nothing of [undefined, {}, { people: [] }])
      assert.deepEqual(readProtect(new Checker(), nothing, []), {});
  });

  it("name people by what tells them apart", () => {
    assert.match(protectFlaws({ people: ["Ana"] })[0] ?? "", /^protect\.people\[0\]: .*not "Ana"/);
    assert.match(protectFlaws({ users: [] })[0] ?? "", /there is no "users" here/);
    assert.match(protectFlaws({ people: Array(1001).fill("a@b") })[0] ?? "", /at most 1000, not 1001/);
    assert.match(protectFlaws({ people: [7] })[0] ?? "", /must be text/);
  });
});
