import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EVERY_ROLE } from "../permissions.ts";
import { Directory } from "../state/directory.ts";
import { isLive } from "../state/objects.ts";
import { fill, type Operation, operate, operation } from "../testing/operations.ts";
import { type Effects, NO_EFFECTS } from "./effects.ts";
import { GraphService } from "./service.ts";

type Record_ = Readonly<Record<string, unknown>>;
type Reference = { readonly id: string; readonly "@removed"?: object };

/** A client that does what "Use delta query" asks of one: merge, in order, whatever comes. */
class Mirror {
  readonly records = new Map<string, { name: unknown; manager: string | null; members: Set<string> }>();
  link: string;
  readonly #service: GraphService;

  constructor(service: GraphService, start: string) {
    this.#service = service;
    this.link = start;
  }

  /** Reads one page and answers whether a whole round of changes was empty: there is nothing left to tell. */
  pull(effects: Effects): boolean {
    const betweenRounds = this.link.includes("$deltatoken=");
    const [path = "", search = ""] = this.link.replace("base", "").split("?");
    const request = {
      method: "GET",
      segments: path.split("/").slice(1),
      search,
      headers: {},
      body: undefined,
    };
    const answer = this.#service.answer(request, this.#service.route(request), new Set(EVERY_ROLE), effects);
    assert.ok(!(answer instanceof Promise));
    const page = answer.json as Record_ & { readonly value: readonly Record_[] };
    for (const record of page.value) this.#merge(record);
    this.link = String(page["@odata.nextLink"] ?? page["@odata.deltaLink"]);
    return betweenRounds && page.value.length === 0 && page["@odata.deltaLink"] !== undefined;
  }

  #merge(record: Record_): void {
    const id = String(record.id);
    if (record["@removed"] !== undefined) {
      this.records.delete(id);
      return;
    }
    const known = this.records.get(id) ?? { name: null, manager: null, members: new Set<string>() };
    this.records.set(id, known);
    if ("displayName" in record) known.name = record.displayName;
    for (const entry of (record["members@delta"] ?? []) as readonly Reference[]) {
      if (entry["@removed"] === undefined) known.members.add(entry.id);
      else known.members.delete(entry.id);
    }
    for (const entry of (record["manager@delta"] ?? []) as readonly Reference[]) {
      known.manager = entry["@removed"] === undefined ? entry.id : null;
    }
  }
}

function truth(directory: Directory, kind: "user" | "group"): readonly unknown[] {
  return directory
    .list(kind)
    .filter(isLive)
    .map((object) => [
      object.id,
      object.properties.displayName,
      object.manager?.id ?? null,
      object.members.flatMap((ordinal) => directory.at(ordinal)?.id ?? []).toSorted(byText),
    ])
    .toSorted(([a], [b]) => byText(String(a), String(b)));
}

function mirrored(mirror: Mirror): readonly unknown[] {
  return [...mirror.records]
    .map(([id, { name, manager, members }]) => [id, name, manager, [...members].toSorted(byText)])
    .toSorted(([a], [b]) => byText(String(a), String(b)));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const LAG: Effects = { ...NO_EFFECTS, lagVersions: 3 };
const pull = fc.record({ lagging: fc.boolean() });

test("a client that merges delta pages ends with the directory, whatever is written between its pages", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(operation, pull), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (steps: readonly (Operation | { readonly lagging: boolean })[], objects, members) => {
        const directory = fill(new Directory({ instance: "test", ids: "test", clock: () => 0 }), 6, 4);
        const tenant = { id: "t", organization: {}, defaultDomain: "contoso.com", domains: ["contoso.com"] };
        const service = new GraphService({ directory, tenant, clock: () => 0, deltaPaging: { objects, members } });
        service.base = "base";
        const users = new Mirror(service, "base/users/delta?$select=displayName,manager");
        const groups = new Mirror(service, "base/groups/delta?$select=displayName,members");
        for (const step of steps) {
          if ("lagging" in step) {
            users.pull(step.lagging ? LAG : NO_EFFECTS);
            groups.pull(step.lagging ? LAG : NO_EFFECTS);
          } else {
            operate(directory, step);
          }
        }
        for (const mirror of [users, groups]) {
          let pages = 0;
          while (!mirror.pull(NO_EFFECTS)) assert.ok(++pages < 1000, "The rounds do not end.");
        }
        assert.deepEqual(mirrored(users), truth(directory, "user"));
        assert.deepEqual(mirrored(groups), truth(directory, "group"));
      },
    ),
    { numRuns: 400 },
  );
});
