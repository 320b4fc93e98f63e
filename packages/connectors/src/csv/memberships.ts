import type { TargetChange } from "@entrain/core";
import { damaged, type Row, type Table, type TableSpec } from "./table.ts";

/** What a batch does to the memberships: per group who comes and goes, and whose memberships end altogether. */
export class MembershipChanges {
  readonly #groups: Map<string, { readonly add: Set<string>; readonly remove: Set<string> }> = new Map();
  readonly #gone: Set<string> = new Set();

  /** Takes one change in its turn: of two that name one member, the later counts. */
  take(group: string, change: Pick<TargetChange, "add" | "remove">): void {
    const known = this.#groups.get(group) ?? { add: new Set(), remove: new Set() };
    for (const member of change.remove ?? []) {
      known.add.delete(member);
      known.remove.add(member);
    }
    for (const member of change.add ?? []) {
      known.remove.delete(member);
      known.add.add(member);
    }
    this.#groups.set(group, known);
  }

  /** A deleted record leaves all groups, and all leave it. */
  end(id: string): void {
    this.#gone.add(id);
    this.#groups.delete(id);
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0 && this.#gone.size === 0;
  }

  /** The whole table with the changes in place, piece by piece. */
  async *merged(spec: TableSpec, table: Table, signal: AbortSignal): AsyncIterable<readonly Row[]> {
    const columns = edgeColumns(table);
    for await (const rows of table.rows(signal)) {
      yield rows.filter((row) => {
        const { group, member } = edgeOf(spec, columns, row);
        if (this.#gone.has(group) || this.#gone.has(member)) return false;
        const changes = this.#groups.get(group);
        // What is there already is not added; what remains at the end is.
        changes?.add.delete(member);
        return !changes?.remove.has(member);
      });
    }
    for (const [group, { add }] of this.#groups) {
      yield [...add].map((member) =>
        table.columns.map((name) => (name === "group" ? group : name === "member" ? member : "")),
      );
    }
  }
}

/** The members of some groups, each group's in the order of the file. */
export async function membersOf(
  spec: TableSpec,
  table: Table,
  groups: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const columns = edgeColumns(table);
  const members = new Map<string, string[]>([...groups].map((group) => [group, []]));
  for await (const rows of table.rows(signal)) {
    for (const row of rows) {
      const { group, member } = edgeOf(spec, columns, row);
      members.get(group)?.push(member);
    }
  }
  return members;
}

interface EdgeColumns {
  readonly group: number;
  readonly member: number;
}

function edgeColumns({ columns }: Table): EdgeColumns {
  return { group: columns.indexOf("group"), member: columns.indexOf("member") };
}

function edgeOf(spec: TableSpec, columns: EdgeColumns, row: Row): { readonly group: string; readonly member: string } {
  const group = row[columns.group];
  const member = row[columns.member];
  if (!group || !member) throw damaged(spec, "a membership lacks its group or its member");
  return { group, member };
}
