import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TargetKind, TargetRecord } from "../model/target.ts";
import type { Attributes } from "../model/value.ts";
import { matchKey } from "./key.ts";
import { chooseMatch, type Match, type MatchTry } from "./match.ts";

const kind: TargetKind = {
  name: "user",
  source: "user",
  attributes: [
    { name: "externalId", type: "string", caseExact: true },
    { name: "userName", type: "string" },
    { name: "title", type: "string" },
  ],
  matchable: ["externalId", "userName"],
  disable: true,
  members: [],
  settleMs: 0,
  preset: { mapping: {}, matching: [] },
};
const fold = (text: string): string | null => matchKey(text, {});

describe("matching keys", () => {
  it("ignore case and composition in every script, unless case-exact", () => {
    const same: readonly (readonly [string, string])[] = [
      ["ANA@Contoso.com", "ana@contoso.com"],
      ["Zoe\u0308", "ZO\u00cb"],
      ["STRASSE", "straße"],
      ["STRAẞE", "straße"],
      ["ΟΔΟΣ", "οδος"],
      ["οδοσ", "οδος"],
      ["Łódź", "ŁÓDŹ"],
      ["İ", "i\u0307"],
      ["ﬁt", "FIT"],
      ["\u212aelvin", "kelvin"],
    ];
    for (const [one, other] of same) assert.equal(fold(one), fold(other), `${one} ${other}`);
    assert.notEqual(matchKey("Ana", { caseExact: true }), matchKey("ana", { caseExact: true }));
    assert.equal(matchKey("Zoe\u0308", { caseExact: true }), "Zo\u00eb");
  });

  it("keep apart what differs in more than case", () => {
    for (const [one, other] of [
      ["ırmak", "irmak"],
      ["e", "é"],
      ["ana", "ana "],
      ["о", "o"],
    ] as const) {
      assert.notEqual(fold(one), fold(other));
    }
  });

  it("fold into an ASCII letter nothing but its capital, the Kelvin sign and the long s", () => {
    const found: string[] = [];
    for (let point = 0x80; point <= 0x1ffff; point++) {
      const key = fold(String.fromCodePoint(point));
      if (/^[a-z]$/.test(key ?? "")) found.push(`U+${point.toString(16)} ${key}`);
    }
    assert.deepEqual(found, ["U+17f s", "U+212a k"]);
  });

  it("equate whatever Unicode's simple case folding equates", () => {
    for (let point = 0x41; point <= 0x1ffff; point++) {
      const letter = String.fromCodePoint(point);
      for (const other of [letter.toLowerCase(), letter.toUpperCase()]) {
        if (other === letter || [...other].length > 1) continue;
        const simple = new RegExp(`^${other}$`, "iu").test(letter);
        if (simple) assert.equal(fold(letter), fold(other), `U+${point.toString(16)}`);
      }
    }
  });

  it("are stable: the key of a key is the key", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
        const key = fold(text);
        assert.equal(key === null ? null : fold(key), key);
      }),
    );
  });

  it("do not exist for what cannot match", () => {
    for (const value of [null, undefined, "", [], ["a"], { a: 1 }]) assert.equal(matchKey(value, {}), null);
    assert.equal(matchKey(42, {}), "42");
  });
});

const ana = { objectId: "u1", name: "Ana" };
const record = (id: string, attributes: Attributes): TargetRecord => ({ kind: "user", id, attributes, active: true });
const byName = (candidates: readonly TargetRecord[], rivals: readonly string[] = []): MatchTry => ({
  value: { attribute: "userName", value: "Ana@x", key: "ana@x" },
  candidates,
  rivals,
});
const byId = (candidates: readonly TargetRecord[]): MatchTry => ({
  value: { attribute: "externalId", value: "u1", key: "u1" },
  candidates,
  rivals: [],
});
const choose = (tries: readonly MatchTry[], linked: { readonly [id: string]: string } = {}): Match =>
  chooseMatch(ana, tries, kind, (id) => linked[id] ?? null);

function issueOf(match: Match): string {
  return match.decision === "issue" ? `${match.finding.code}: ${match.finding.detail}` : match.decision;
}

describe("matching", () => {
  it("creates when nothing fits, joins the one that does", () => {
    assert.equal(choose([byId([]), byName([])]).decision, "create");
    const hit = record("7", { userName: "ANA@X" });
    const match = choose([byId([]), byName([hit])]);
    assert.ok(match.decision === "join" && match.record === hit && match.by.attribute === "userName");
  });

  it("lets the first attribute with a hit decide", () => {
    const first = record("1", { externalId: "u1" });
    const match = choose([byId([first]), byName([record("2", {}), record("3", {})])]);
    assert.ok(match.decision === "join" && match.record === first);
  });

  it("never guesses between several, and names them", () => {
    const hits = [record("7", { userName: "ana@x", displayName: "Ana L." }), record("8", { userName: "Ana@x" })];
    assert.equal(
      issueOf(choose([byName(hits)])),
      'ambiguous: userName "Ana@x" fits 2 records of the target: Ana L. (7), Ana@x (8)',
    );
  });

  it("neither creates nor joins when another unlinked person has the same value", () => {
    const said = 'ambiguous: userName "Ana@x" is also the value of Ana Two';
    assert.equal(issueOf(choose([byName([], ["Ana Two"])])), said);
    assert.equal(issueOf(choose([byName([record("7", { userName: "ana@x" })], ["Ana Two"])])), said);
  });

  it("leaves alone a record that is linked to somebody else", () => {
    const match = choose([byName([record("7", { userName: "ana@x" })])], { "7": "Bo" });
    assert.equal(issueOf(match), 'linked_elsewhere: userName "Ana@x" fits ana@x (7), which is linked to Bo');
  });

  it("does not take a record that only the target's loose comparison found", () => {
    assert.equal(choose([byName([record("7", { userName: "aná@x" })])]).decision, "create");
    assert.equal(choose([byName([record("7", { userName: ["b", "ana@x"] })])]).decision, "join");
    assert.equal(choose([byName([record("7", {})])]).decision, "join");
  });

  it("says who a record is linked to where it fits beside others", () => {
    const hits = [record("7", { userName: "ana@x", displayName: "Ana L." }), record("8", { userName: "Ana@x" })];
    assert.equal(
      issueOf(choose([byName(hits)], { "7": "Bo (u2) of contoso" })),
      'ambiguous: userName "Ana@x" fits 2 records of the target: Ana L. (7) [linked to Bo (u2) of contoso], Ana@x (8)',
    );
  });

  it("tells which other record a later attribute finds", () => {
    const first = record("1", { externalId: "u1" });
    const match = choose([byId([first]), byName([record("2", { userName: "ana@x" }), first])]);
    assert.ok(match.decision === "join" && match.record === first);
    assert.deepEqual(match.others, ['userName "Ana@x" fits ana@x (2)']);
    const same = choose([byId([first]), byName([first])]);
    assert.deepEqual(same.decision === "join" && same.others, []);
  });
});
