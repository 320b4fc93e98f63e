import type { Target, TargetRecord, Value } from "@entrain/core";
import type { Scene } from "./scene.ts";

/**
 * Everything that a target says it holds, record ids told as names: equal before and after where nothing but the ids of records
 * that were made anew differs.
 */
export async function targetContent(scene: Scene, name: string): Promise<readonly string[]> {
  const row = await scene.store.db.selectFrom("targets").selectAll().where("name", "=", name).executeTakeFirstOrThrow();
  const target = await scene.engine.openTarget(row);
  try {
    return await contentOf(target);
  } finally {
    await target.close();
  }
}

async function contentOf(target: Target): Promise<readonly string[]> {
  const { signal } = new AbortController();
  const records: TargetRecord[] = [];
  for (const kind of target.kinds) {
    for await (const page of target.list(kind.name, { members: kind.members.length > 0 }, signal))
      records.push(...page);
  }
  const names = new Map(records.map((record) => [record.id, nameOf(record)]));
  const told = (value: Value): Value => (typeof value === "string" ? (names.get(value) ?? value) : value);
  return records
    .map(({ kind, attributes, active, members = [] }) => {
      const entries = Object.entries(attributes).map(([name, value]) => [name, told(value)] as const);
      const set = entries.filter(([, value]) => value !== null && value !== "").sort(([a], [b]) => (a < b ? -1 : 1));
      return JSON.stringify([kind, Object.fromEntries(set), active, members.map(told).sort()]);
    })
    .sort();
}

function nameOf({ kind, attributes: { userName, displayName, email, externalId } }: TargetRecord): string {
  return `<${kind} ${String(userName ?? email ?? displayName ?? externalId)}>`;
}
