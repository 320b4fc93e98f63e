import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Action } from "../model/target.ts";
import { comparePlaces, type Place, rankByReference } from "./order.ts";

const place = (action: Action, objectId: string, rank = 0): Place => ({ change: { action, objectId }, rank });

describe("the order of a plan", () => {
  it("is records, then memberships, then what takes away", () => {
    const actions: readonly Action[] = ["delete", "members", "disable", "update", "enable", "join", "create"];
    const sorted = actions.map((action) => place(action, action)).sort(comparePlaces);
    assert.deepEqual(
      sorted.map(({ change }) => change.action),
      ["create", "join", "enable", "update", "members", "disable", "delete"],
    );
  });

  it("puts managers before their people", () => {
    const sorted = [place("create", "a", 2), place("join", "c", 0), place("create", "b", 0)].sort(comparePlaces);
    assert.deepEqual(
      sorted.map(({ change }) => change.objectId),
      ["b", "c", "a"],
    );
  });
});

describe("ranks", () => {
  it("are depths among the planned records, whatever lies outside", () => {
    const { ranks, cut } = rankByReference(
      new Map([
        ["worker", ["lead"]],
        ["lead", ["boss"]],
        ["boss", ["already there"]],
        ["lone", []],
      ]),
    );
    assert.deepEqual(Object.fromEntries(ranks), { boss: 0, lead: 1, worker: 2, lone: 0 });
    assert.deepEqual(cut, []);
  });

  it("cut a circle at one place, and oneself as one's own manager", () => {
    const circle = rankByReference(
      new Map([
        ["a", ["b"]],
        ["b", ["c"]],
        ["c", ["a"]],
        ["self", ["self"]],
      ]),
    );
    assert.deepEqual(circle.cut, [
      { from: "c", to: "a" },
      { from: "self", to: "self" },
    ]);
    assert.deepEqual(Object.fromEntries(circle.ranks), { c: 0, b: 1, a: 2, self: 0 });
  });

  it("take a chain as long as the plan", () => {
    const size = 100_000;
    const chain = new Map(Array.from({ length: size }, (_, at) => [`u${at}`, [`u${at + 1}`]] as const));
    assert.equal(rankByReference(chain).ranks.get("u0"), size - 1);
  });

  it("are higher than those of all that a record refers to, but for what was cut", () => {
    const id = fc.nat(8).map((at) => `u${at}`);
    const graph = fc.array(fc.tuple(id, fc.uniqueArray(id, { maxLength: 3 }))).map((entries) => new Map(entries));
    fc.assert(
      fc.property(graph, (references) => {
        const { ranks, cut } = rankByReference(references);
        assert.equal(ranks.size, references.size);
        for (const [from, targets] of references) {
          for (const to of targets) {
            if (!references.has(to) || cut.some((edge) => edge.from === from && edge.to === to)) continue;
            assert.ok((ranks.get(from) ?? -1) > (ranks.get(to) ?? -1), `${from} → ${to}`);
          }
        }
      }),
    );
  });
});
