import {
  ConnectorError,
  matchKey,
  type Outcome,
  type Target,
  type TargetAttribute,
  type TargetChange,
  type TargetKind,
  type TargetRecord,
} from "@entrain/core";

/** A help desk in memory, where one person may be an agent, a requester, or both. Its records outlive what is closed. */
export interface Desk {
  open(): Target;
  /** The manager's record id of each record by its login; `null`: none. */
  managers(kind: string): ReadonlyMap<string, string | null>;
  /** The record id of a login. */
  idOf(kind: string, login: string): string;
  /** Creations, updates and deletions so far, in short. */
  readonly writes: readonly string[];
}

/** `references`: which records a requester's manager may be, in their order. */
export function createDesk(references: readonly string[]): Desk {
  const kinds = ["agent", "requester"].map((name) => kindOf(name, references));
  const tables = new Map(kinds.map(({ name }) => [name, new Map<string, TargetRecord>()]));
  const writes: string[] = [];
  const tableOf = (kind: string): Map<string, TargetRecord> => {
    const table = tables.get(kind);
    if (table !== undefined) return table;
    throw new ConnectorError("not_found", `There is no kind ${kind}.`, { stops: "sync", retry: "never" });
  };
  let made = 0;
  const apply = (change: TargetChange): Outcome => {
    const table = tableOf(change.kind);
    const id = change.recordId ?? `${change.kind}-${++made}`;
    const known = table.get(id);
    writes.push(`${change.action} ${String(change.set.login ?? known?.attributes.login)}`);
    if (change.action === "delete") {
      table.delete(id);
      return { status: known ? "applied" : "unchanged", recordId: id };
    }
    if (known === undefined && change.recordId !== null) {
      return { status: "conflict", code: "record_missing", detail: `There is no ${id}.`, retry: "now" };
    }
    const attributes = { ...known?.attributes, ...change.set };
    table.set(id, { kind: change.kind, id, attributes, active: change.active ?? known?.active ?? true });
    return { status: "applied", recordId: id };
  };
  const target: Target = {
    kinds,
    batch: 50,
    verify: async () => [],
    async *list(kind) {
      yield [...tableOf(kind).values()];
    },
    find: async (kind, attribute, values) => {
      const wanted = new Set(values.map((value) => matchKey(value, {})));
      return [...tableOf(kind).values()].filter((one) => wanted.has(matchKey(one.attributes[attribute], {})));
    },
    get: async (kind, ids) => ids.flatMap((id) => tableOf(kind).get(id) ?? []),
    apply: async (changes) => changes.map(apply),
    close: async () => undefined,
  };
  const records = (kind: string): readonly TargetRecord[] => [...tableOf(kind).values()];
  return {
    open: () => target,
    managers: (kind) =>
      new Map(
        records(kind).map(({ attributes }) => [
          String(attributes.login),
          (attributes.manager ?? null) as string | null,
        ]),
      ),
    idOf: (kind, login) => records(kind).find(({ attributes }) => attributes.login === login)?.id ?? "",
    writes,
  };
}

function kindOf(name: string, references: readonly string[]): TargetKind {
  const attributes: readonly TargetAttribute[] = [
    { name: "login", type: "string", required: true },
    { name: "key", type: "string" },
    { name: "manager", type: "reference", references },
  ];
  const mapping = {
    login: { direct: "displayName" },
    key: { direct: "id" },
    manager: { direct: "manager" },
  };
  const preset = { mapping, matching: ["key"] };
  return { name, source: "user", attributes, matchable: ["key"], disable: false, members: [], settleMs: 0, preset };
}
