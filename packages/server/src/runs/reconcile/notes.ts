import { Scratch } from "../../store/scratch.ts";
import type { Some } from "../report-notes.ts";
import type { FieldDrift } from "./compare.ts";
import type { MembersDrift } from "./members.ts";

/**
 * What was found of one linked record: it is gone, others changed it, or they changed what is theirs since; or nothing, for the
 * last change of it was sent and not heard of.
 */
export type Sort = "missing" | "changed" | "theirs" | "unsettled";

/** One record of the sync that is not in the target as it was left. */
export interface Drift {
  readonly objectId: string;
  readonly recordId: string;
  readonly name: string;
  readonly sort: Sort;
  /** Why it is not repaired; `null`: it may be. */
  readonly kept: string | null;
  readonly fields: readonly FieldDrift[];
  readonly active: boolean | null;
}

/** One membership that others moved; `foreign` ones are told by record id. */
export interface MemberDrift {
  readonly groupId: string;
  readonly group: string;
  readonly member: string;
  readonly name: string;
  readonly sort: keyof MembersDrift;
}

const SCHEMA = `
  create table seen (id text primary key) without rowid;
  create table drifts (place integer primary key, object_id text, record_id text, name text, sort text, kept text, body text);
  create index drifts_by_sort on drifts (sort, object_id);
  create table unknown (place integer primary key, id text, name text, active int);
  create table members (place integer primary key, group_id text, group_name text, member text, name text, sort text);
  create index members_by_group on members (group_id, sort, member);`;

/** What comparing one target found, in a database of its own: memory does not grow with the target. */
export class ReconcileNotes {
  readonly #scratch = new Scratch(SCHEMA);
  #repairable = false;

  /** Whether a repair would put anything back, if it is wanted still. */
  get repairable(): boolean {
    return this.#repairable;
  }

  close(): void {
    this.#scratch.close();
  }

  addSeen(recordIds: readonly string[]): void {
    this.#scratch.together(() => {
      for (const id of recordIds) this.#scratch.run("insert or ignore into seen values (?)", id);
    });
  }

  /** Of these record ids those that the target did not list. */
  unseen(recordIds: readonly string[]): readonly string[] {
    return recordIds.filter((id) => this.#scratch.all("select id from seen where id = ?", id).length === 0);
  }

  addDrifts(drifts: readonly Drift[]): void {
    this.#repairable ||= drifts.some(({ sort, kept }) => sort !== "theirs" && kept === null);
    this.#scratch.together(() => {
      for (const { objectId, recordId, name, sort, kept, ...body } of drifts) {
        const values = [objectId, recordId, name, sort, kept, JSON.stringify(body)];
        this.#scratch.run("insert into drifts values (null, ?, ?, ?, ?, ?, ?)", ...values);
      }
    });
  }

  addUnknown(records: readonly { readonly id: string; readonly name: string; readonly active: boolean }[]): void {
    this.#scratch.together(() => {
      for (const { id, name, active } of records)
        this.#scratch.run("insert into unknown values (null, ?, ?, ?)", id, name, Number(active));
    });
  }

  /** `repairable`: not all of them are pinned, or none's. */
  addMembers(members: readonly MemberDrift[], repairable: boolean): void {
    this.#repairable ||= repairable;
    this.#scratch.together(() => {
      for (const { groupId, group, member, name, sort } of members)
        this.#scratch.run("insert into members values (null, ?, ?, ?, ?, ?)", groupId, group, member, name, sort);
    });
  }

  /** A page of what may be repaired, in the order of object ids. */
  open(sort: Sort, after: string, limit: number): readonly Drift[] {
    const of = "from drifts where sort = ? and kept is null and object_id > ?";
    return this.#scratch.all(`select * ${of} order by object_id limit ${limit}`, sort, after).map(driftOf);
  }

  /** Groups whose memberships others moved, each with those members; foreign ones left out. */
  *groups(): Generator<{
    readonly groupId: string;
    readonly added: readonly string[];
    readonly removed: readonly string[];
  }> {
    for (let after = ""; ; ) {
      const of = "from members where sort <> 'foreign' and group_id > ?";
      const [first] = this.#scratch.all(`select group_id ${of} order by group_id limit 1`, after);
      if (first === undefined) return;
      after = String(first.group_id);
      const members = this.#scratch.all("select member, sort from members where group_id = ? order by member", after);
      const those = (sort: string): readonly string[] =>
        members.filter((one) => one.sort === sort).map(({ member }) => String(member));
      yield { groupId: after, added: those("added"), removed: those("removed") };
    }
  }

  count(sort: Sort): number {
    return Number(this.#scratch.all("select count(*) as count from drifts where sort = ?", sort)[0]?.count);
  }

  drifts(sort: Sort, limit: number): Some<Drift> {
    const of = `select * from drifts where sort = ? order by place limit ${limit}`;
    return { count: this.count(sort), samples: this.#scratch.all(of, sort).map(driftOf) };
  }

  unknown(limit: number): Some<{ readonly id: string; readonly name: string; readonly active: boolean }> & {
    readonly active: number;
  } {
    const [all] = this.#scratch.all("select count(*) as count, sum(active) as active from unknown");
    const samples = this.#scratch.all(`select * from unknown order by place limit ${limit}`);
    return {
      count: Number(all?.count),
      active: Number(all?.active ?? 0),
      samples: samples.map(({ id, name, active }) => ({ id: String(id), name: String(name), active: active === 1 })),
    };
  }

  members(sort: keyof MembersDrift, limit: number): Some<Omit<MemberDrift, "sort">> {
    const [all] = this.#scratch.all("select count(*) as count from members where sort = ?", sort);
    const samples = this.#scratch.all(`select * from members where sort = ? order by place limit ${limit}`, sort);
    return {
      count: Number(all?.count),
      samples: samples.map((row) => ({
        ...{ groupId: String(row.group_id), group: String(row.group_name) },
        ...{ member: String(row.member), name: String(row.name) },
      })),
    };
  }
}

function driftOf(row: { readonly [column: string]: unknown }): Drift {
  return {
    ...{ objectId: String(row.object_id), recordId: String(row.record_id), name: String(row.name) },
    sort: row.sort as Sort,
    kept: row.kept === null ? null : String(row.kept),
    ...(JSON.parse(String(row.body)) as Pick<Drift, "fields" | "active">),
  };
}
