import assert from "node:assert/strict";
import type { Action, Attributes, Outcome, Target, TargetChange, TargetKind, TargetRecord } from "../index.ts";

/** How one kind of record is exercised. */
export interface KindSample {
  /** The name of a kind that the target declares. */
  readonly kind: string;
  /**
   * The attributes of the n-th record (n ≥ 0): accepted by the target, every unique and matchable value distinct for
   * every n and holding letters, the reference left out, `text` filled.
   */
  readonly attributes: (n: number) => Attributes;
  /** An optional attribute of type `string` that holds any text of at least 4,000 characters. */
  readonly text: string;
  /** A matchable attribute that `attributes` fills. */
  readonly matching: string;
  /** A matchable attribute that holds any text, for looking hostile values up. */
  readonly matchingText?: string;
  /** An attribute of type `reference` to this very kind. */
  readonly reference?: string;
  /** An attribute of type `lookup` whose lookup's values may be created; none are there at first. */
  readonly lookup?: string;
}

/** A target on an empty system of its own. */
export interface OpenedTarget {
  readonly target: Target;
  readonly close: () => Promise<void>;
  /** Reads all records of a kind, members included, past the target: by its own means from where they are kept. */
  readonly independentRead?: (kind: string) => Promise<readonly TargetRecord[]>;
}

/** What the suite needs to know of a target. `kinds` names every kind that may be a member before the kind it joins. */
export interface ConformanceOptions {
  readonly name: string;
  readonly open: () => Promise<OpenedTarget>;
  readonly kinds: readonly KindSample[];
}

/** One promise of every target, as a sentence and its proof. */
export interface Claim {
  readonly name: string;
  readonly check: (subject: Subject) => Promise<void>;
}

/** Which claims hold for a kind depends on what the kind declares. */
export type Claims = (kind: TargetKind, sample: KindSample) => readonly Claim[];

type Fields = Partial<Omit<TargetChange, "ordinal" | "action">>;

/** One opened target and one kind of record, with the few gestures that every claim is made of. */
export class Subject {
  readonly opened: OpenedTarget;
  readonly target: Target;
  readonly kind: TargetKind;
  readonly sample: KindSample;
  readonly samples: readonly KindSample[];
  readonly signal: AbortSignal = new AbortController().signal;
  #ordinal = 0;

  constructor(opened: OpenedTarget, sample: KindSample, samples: readonly KindSample[]) {
    this.opened = opened;
    this.target = opened.target;
    this.kind = kindOf(opened.target, sample.kind);
    this.sample = sample;
    this.samples = samples;
  }

  /** A change of this subject's kind, as the runner would send it. */
  change(action: Action, fields: Fields): TargetChange {
    return { ordinal: this.#ordinal++, kind: this.kind.name, action, recordId: null, set: {}, ...fields };
  }

  creation(n: number, set: Attributes = {}): TargetChange {
    return this.change("create", { set: { ...this.sample.attributes(n), ...set } });
  }

  /** Applies changes in as many batches as the target asks for. */
  async apply(...changes: readonly TargetChange[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (let start = 0; start < changes.length; start += this.target.batch) {
      const batch = changes.slice(start, start + this.target.batch);
      const answers = await this.target.apply(batch, this.signal);
      assert.equal(answers.length, batch.length, "one outcome per change");
      outcomes.push(...answers);
    }
    return outcomes;
  }

  /** Applies one change that must succeed, and answers the record's id. */
  async succeed(change: TargetChange): Promise<string> {
    const [outcome] = await this.apply(change);
    return recordIdOf(outcome);
  }

  async create(n: number, set: Attributes = {}): Promise<string> {
    return this.succeed(this.creation(n, set));
  }

  /** Creates the samples `from … from + count - 1` of a kind and answers their ids in that order. */
  async createMany(sample: KindSample, from: number, count: number): Promise<readonly string[]> {
    const changes = Array.from({ length: count }, (_, index) =>
      this.change("create", { kind: sample.kind, set: sample.attributes(from + index) }),
    );
    return (await this.apply(...changes)).map(recordIdOf);
  }

  async get(id: string): Promise<TargetRecord | undefined> {
    const records = await this.target.get(this.kind.name, [id], { members: this.hasMembers }, this.signal);
    assert.ok(records.length <= 1, "get answers a record once");
    return records[0];
  }

  /** The record, which must exist. */
  async read(id: string): Promise<TargetRecord> {
    const record = await this.get(id);
    assert.ok(record, `record ${id} exists`);
    assert.equal(record.id, id);
    assert.equal(record.kind, this.kind.name);
    return record;
  }

  async find(attribute: string, ...values: readonly string[]): Promise<readonly string[]> {
    const records = await this.target.find(this.kind.name, attribute, values, this.signal);
    return records.map((record) => record.id);
  }

  /** All records of a kind, which must be what an independent reader sees. */
  async list(kind: string = this.kind.name): Promise<readonly TargetRecord[]> {
    const members = kindOf(this.target, kind).members.length > 0;
    const records: TargetRecord[] = [];
    for await (const page of this.target.list(kind, { members }, this.signal)) records.push(...page);
    const independent = await this.opened.independentRead?.(kind);
    if (independent !== undefined)
      assert.deepEqual(byId(records), byId(independent), "list equals an independent read");
    return records;
  }

  get hasMembers(): boolean {
    return this.kind.members.length > 0;
  }

  /** The sample of a kind that may be a member of this one, other than this one where there is a choice. */
  memberSample(): KindSample {
    const others = this.kind.members.filter((name) => name !== this.kind.name);
    const sample = this.samples.find(({ kind }) => kind === (others[0] ?? this.kind.name));
    assert.ok(sample, "the samples hold a kind that may be a member");
    return sample;
  }
}

/** The declared kind of that name. */
export function kindOf(target: Target, name: string): TargetKind {
  const kind = target.kinds.find((candidate) => candidate.name === name);
  assert.ok(kind, `the target declares the kind ${name}`);
  return kind;
}

/** The id that a successful outcome carries. */
export function recordIdOf(outcome: Outcome | undefined): string {
  assert.ok(outcome, "an outcome was answered");
  if ("code" in outcome) assert.fail(`${outcome.status} (${outcome.code}): ${outcome.detail}`);
  assert.ok(outcome.recordId.length > 0, "a successful outcome carries the record's id");
  return outcome.recordId;
}

/** Asserts that a record holds these values; `null` stands for "empty", whichever way the target says so. */
export function assertHolds(record: TargetRecord, expected: Attributes): void {
  const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, record.attributes[name] ?? null]));
  assert.deepEqual(actual, { ...expected });
}

/** Ids in one order, so that two sets of them can be compared. */
export function sorted(ids: readonly string[]): readonly string[] {
  return ids.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Records in one order and one form, so that two readers can be compared. */
function byId(records: readonly TargetRecord[]): readonly unknown[] {
  return records
    .map(({ kind, id, attributes, active, members }) => ({
      kind,
      id,
      attributes: Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null)),
      active,
      members: sorted(members ?? []),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
