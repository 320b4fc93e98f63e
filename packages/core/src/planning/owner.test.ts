import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileMapping } from "../mapping/mapping.ts";
import type { Owner } from "../model/mapping.ts";
import { evaluate } from "./evaluate.ts";
import {
  ana,
  changed,
  inputOf,
  linkOf,
  MAPPING,
  matchAgainst,
  type Options,
  rulesOf,
  targetRecord,
} from "./fixtures.ts";

const owned = (owner: Owner): Options => ({ mapping: { ...MAPPING, department: { direct: "department", owner } } });
const moved = ana({ department: "Legal" });

describe("whose an attribute is", () => {
  it("writes what is onlyWhenEmpty where the target has nothing, and never anything else", () => {
    const rules = rulesOf(owned("onlyWhenEmpty"));
    const of = (known: Parameters<typeof linkOf>[0]) => evaluate(rules, inputOf(moved, { link: linkOf(known) }));
    assert.equal(of({ department: "Sales" }).type, "none");
    assert.deepEqual(changed(of({ department: null })).change.after?.department, "Legal");
    assert.deepEqual(changed(of({ department: "" })).change.after?.department, "Legal");
    const { department: _, ...unknown } = linkOf().known;
    assert.equal(evaluate(rules, inputOf(moved, { link: { ...linkOf(), known: unknown } })).type, "none");
    const emptied = evaluate(rules, inputOf(ana({ department: null }), { link: linkOf() }));
    assert.equal(emptied.type, "none", "nothing is cleared");
  });

  it("takes untilChanged for ours until somebody changed it", () => {
    const rules = rulesOf(owned("untilChanged"));
    assert.equal(changed(evaluate(rules, inputOf(moved, { link: linkOf() }))).change.action, "update");
    const link = linkOf({}, { leftAlone: ["department"] });
    assert.equal(evaluate(rules, inputOf(moved, { link })).type, "none");
    const again = changed(evaluate(rulesOf(), inputOf(moved, { link })));
    assert.equal(again.change.after?.department, "Legal", "the source owns it again when the rule says so");
  });

  it("fills what a joined record lacks, and takes over what is untilChanged", () => {
    const held = targetRecord({ department: "Kept" });
    const join = (owner: Owner) => changed(matchAgainst(rulesOf(owned(owner)), inputOf(moved), [held])).change.after;
    assert.equal(join("onlyWhenEmpty")?.department, "Kept");
    assert.equal(join("untilChanged")?.department, "Legal");
    const empty = changed(matchAgainst(rulesOf(owned("onlyWhenEmpty")), inputOf(moved), [targetRecord({})]));
    assert.equal(empty.change.after?.department, "Legal");
  });

  it("refuses an owner that there is not, and one of what is written once", () => {
    const kind = rulesOf().kind;
    const flaw = (rule: object): string => {
      const compiled = compileMapping({ ...MAPPING, department: { direct: "department", ...rule } }, kind);
      return "findings" in compiled ? (compiled.findings[0]?.detail ?? "") : "";
    };
    assert.match(
      flaw({ owner: "us" }),
      /^mapping\.department: owner is source, onlyWhenEmpty, untilChanged, not "us"$/,
    );
    assert.match(flaw({ owner: "source", apply: "create" }), /written once, on creation/);
    assert.equal(flaw({ owner: "source" }), "");
  });
});
