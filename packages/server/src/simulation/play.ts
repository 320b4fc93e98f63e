import { createEntraSource } from "@entrain/connectors/entra";
import { ConnectorError, type SyncDefinition } from "@entrain/core";
import type { Clock } from "../clock.ts";
import type { Engine } from "../runs/context.ts";
import type { RunOptions } from "../runs/run.ts";
import { openKeyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { Chance } from "./chance.ts";
import { Chronicle } from "./chronicle.ts";
import { SimulatedTime } from "./clock.ts";
import type { Content, End } from "./content.ts";
import { openEnd } from "./ends.ts";
import { Removals } from "./guarding.ts";
import { AFTER_WORK, type Observation } from "./invariants.ts";
import { type Fate, Life, makeFolder, openFor, removeFolder, type Template, UNHARMED } from "./machine.ts";
import { firstDefinition, groupDefinition } from "./policy.ts";
import { addSync, connect } from "./setting.ts";
import { Tenant } from "./tenant.ts";
import { CLEAR, type Passage, throughWeather, type Underway } from "./weather.ts";
import { differencesOf, type Intent, StoreReader } from "./witness.ts";

/** Broken invariants, by their numbers. */
export class Breach extends Error {
  readonly invariant: number;

  constructor(invariant: number, breaches: readonly string[]) {
    super(`invariant ${invariant}: ${breaches.join("; ")}`);
    this.name = "Breach";
    this.invariant = invariant;
  }
}

/** A process of the server: a store of its own, and a life at a time. */
interface Machine {
  readonly store: Store;
  readonly engine: Engine;
  life: Life;
  passage: Passage;
}

interface Opened {
  readonly tenant: Tenant;
  readonly end: End;
  readonly others: Store;
  readonly reader: StoreReader;
}

/** What happened to one piece of work of the engine. */
export type Ended<T> =
  | { readonly how: "done"; readonly value: T }
  | { readonly how: "died" }
  | { readonly how: "refused"; readonly fault: ConnectorError };

/** What the engine's work of a run changed, when nothing else happened meanwhile. */
export interface RunEffect {
  readonly before: Content;
  readonly after: Content;
}

const KEY = Buffer.alloc(32, 7).toString("base64");
const START = Date.UTC(2031, 2, 3, 8);
/** A server is where most can go wrong. */
const TARGETS = ["portal", "scim", "csv", "freshchat", "scim"] as const;

/** Everything that one seed plays with: the tenant, the target, the store, time, and what was seen so far. */
export class Play {
  readonly seed: number;
  readonly trace: string[] = [];
  readonly time: SimulatedTime = new SimulatedTime(START);
  readonly chance: Chance;
  readonly folder: string = makeFolder();
  readonly chronicle: Chronicle = new Chronicle();
  readonly underway: Underway = { arrive: null };
  readonly definitions: SyncDefinition[] = [];
  readonly intents: Intent[] = [];
  readonly origins: Map<string, string> = new Map();
  /** The keys that records of the target were last seen with. */
  readonly keys: Map<string, string> = new Map();
  /** By record id, what others changed in the target: their values are not ours to expect. */
  readonly touched: Map<string, Set<string>> = new Map();
  /** The last run of each sync, when everything is well. */
  readonly quiet: Map<string, string> = new Map();
  readonly effects: Map<string, RunEffect> = new Map();
  /** Whatever was said to anybody, for the search for secrets. */
  readonly said: string[] = [];
  readonly #clock: Clock;
  readonly #removals = new Removals();
  /** The first run of the people's sync is over: what it removed has not been guarded. */
  #hasRun = false;
  #machine: Machine | null = null;
  #opened: Opened | null = null;
  content: Content = new Map();
  people = "";
  groups: string | null = null;

  constructor(seed: number) {
    this.seed = seed;
    this.chance = new Chance(Math.imul(seed, 0x9e3779b1));
    this.#clock = this.time.machine(this.chance.part("machine"));
  }

  static async open(seed: number, template: Template): Promise<Play> {
    const play = new Play(seed);
    const { chance, folder, time } = play;
    try {
      template.copyTo(folder);
      const tenant = await Tenant.open(time, chance.part("tenant"));
      const type = TARGETS[seed % TARGETS.length] ?? "portal";
      const end = await openEnd(type, { folder, time, clock: play.#clock, chance: chance.part("target") });
      const others = await openFor(() => new Life(UNHARMED, () => undefined), play.#place());
      play.#opened = { tenant, end, others, reader: new StoreReader(folder) };
      await connect(others, tenant.simulator, end.type);
      const definition = firstDefinition(end, chance);
      play.people = await addSync(others, "people", end.type, definition);
      play.definitions.push(definition);
      if (!chance.once(4) && end.words.teams)
        play.groups = await addSync(others, "groups", end.type, groupDefinition(definition));
      play.chronicle.note(tenant, definition);
      play.tell(
        `seed ${seed}: ${tenant.people.size} people, ${tenant.teams.size} groups, target ${end.told}${play.groups === null ? "" : " and groups"}`,
      );
      return play;
    } catch (error) {
      await play.close();
      throw error;
    }
  }

  get tenant(): Tenant {
    return this.#open.tenant;
  }

  get end(): End {
    return this.#open.end;
  }

  /** A store handle of somebody to whom nothing happens. */
  get others(): Store {
    return this.#open.others;
  }

  get reader(): StoreReader {
    return this.#open.reader;
  }

  get #open(): Opened {
    if (this.#opened === null) throw new Error("the play has not begun");
    return this.#opened;
  }

  get syncs(): readonly string[] {
    return this.groups === null ? [this.people] : [this.people, this.groups];
  }

  get definition(): SyncDefinition {
    const [definition] = this.definitions.slice(-1);
    if (definition === undefined) throw new Error("the play has no sync");
    return definition;
  }

  nameOf(sync: string): string {
    return sync === this.people ? "people" : "groups";
  }

  /** A run that ended by a bug of ours, rather than by a fault that it tells. */
  refuseBug(ended: Ended<unknown>): void {
    const error =
      ended.how === "done"
        ? (ended.value as { readonly error?: { readonly code: string; readonly message: string } | null }).error
        : null;
    if (error != null) this.said.push(error.message);
    if (error?.code === "internal") throw new Breach(0, [`the run ended by a bug: ${error.message}`]);
  }

  tell(line: string): void {
    this.trace.push(line);
  }

  /** Notes the world after a change of the tenant or of the configuration. */
  note(): void {
    this.chronicle.note(this.tenant, this.definition);
  }

  /** Does a piece of work in the process that runs, or in a new one where the last died. */
  async work<T>(
    of: {
      readonly sync: string;
      readonly fate?: Fate;
      readonly passage?: Passage;
      readonly meanwhile?: () => Promise<void>;
    },
    act: (engine: Engine, options: RunOptions) => Promise<T>,
  ): Promise<Ended<T>> {
    this.#machine ??= await this.#start();
    const machine = this.#machine;
    machine.life = new Life(of.fate ?? UNHARMED, (line) => this.tell(`    ${line}`));
    machine.life.meanwhile = of.meanwhile ?? null;
    machine.passage = of.passage ?? CLEAR;
    const ended = await this.#attempt(machine, of.sync, act);
    if (ended.how === "died") {
      this.#machine = null;
      await machine.store.close();
    }
    return ended;
  }

  /** Does a piece of work in another process beside the one that runs. */
  async beside<T>(sync: string, act: (engine: Engine, options: RunOptions) => Promise<T>): Promise<Ended<T>> {
    const machine = await this.#start();
    try {
      return await this.#attempt(machine, sync, act);
    } finally {
      await machine.store.close();
    }
  }

  async #attempt<T>(
    { engine, life }: Machine,
    sync: string,
    act: (engine: Engine, options: RunOptions) => Promise<T>,
  ): Promise<Ended<T>> {
    const options: RunOptions = {
      sync,
      actor: { kind: "operator", id: "simulation" },
      signal: new AbortController().signal,
      onProgress: ({ detail }) => void this.said.push(detail),
    };
    try {
      const value = await act(engine, options);
      return life.isDead ? { how: "died" } : { how: "done", value };
    } catch (fault) {
      if (life.isDead) return { how: "died" };
      if (!(fault instanceof ConnectorError)) throw fault;
      this.said.push(fault.message, String(fault.stack), String(fault.cause));
      return { how: "refused", fault };
    }
  }

  /** Looks at what the engine's work did to the target, and checks every invariant that can be seen there. */
  observe(run: string | null): void {
    const before = this.content;
    const after = this.end.content();
    const fresh = this.reader.newIntents();
    this.intents.push(...fresh);
    const differences = differencesOf(before, after);
    for (const { before: was, after: is } of differences) {
      if (
        was === null &&
        is !== null &&
        this.intents.some(({ action, objectId }) => action === "create" && objectId === is.values.key)
      )
        this.origins.set(is.id, "create");
    }
    for (const { action, recordId } of fresh)
      if (action === "join" && recordId !== null) this.origins.set(recordId, "join");
    this.#see(after);
    const { intents, chronicle, definitions, keys, origins } = this;
    const seen: Observation = {
      before,
      after,
      differences,
      fresh,
      intents,
      chronicle,
      words: this.end.words,
      definitions,
      keys,
      origins,
    };
    for (const { invariant, check } of AFTER_WORK) {
      const breaches = check(seen);
      if (breaches.length > 0) throw new Breach(invariant, breaches);
    }
    const row = this.reader.rows("select first_run_at from syncs where id = ?", this.people)[0];
    const counts = this.#hasRun;
    const { removals: limit } = this.definition.guard;
    const guarded = this.#removals.take({
      now: this.#clock.now(),
      limit,
      content: after,
      differences,
      intents,
      origins,
      counts,
    });
    if (guarded.length > 0) throw new Breach(3, guarded);
    this.#hasRun = row?.first_run_at != null;
    if (run !== null && fresh.every((intent) => intent.run === run)) this.effects.set(run, { before, after });
  }

  #see(content: Content): void {
    this.content = content;
    for (const { id, values } of content.values()) if (values.key !== null) this.keys.set(id, values.key);
  }

  /** Others change the target by hand: nothing of that is checked. */
  lookAgain(): void {
    this.#see(this.end.content());
  }

  async close(): Promise<void> {
    await this.#machine?.store.close();
    const opened = this.#opened;
    if (opened !== null) {
      opened.reader.close();
      await opened.end.close();
      await opened.others.close();
      await opened.tenant.simulator.close();
    }
    removeFolder(this.folder);
  }

  #place() {
    return { folder: this.folder, clock: this.#clock, time: this.time, chance: this.chance.part("store") };
  }

  async #start(): Promise<Machine> {
    const holder: { machine: Machine | null; life: Life } = {
      machine: null,
      life: new Life(UNHARMED, () => undefined),
    };
    const store = await openFor(() => holder.machine?.life ?? holder.life, this.#place());
    const keyring = await openKeyring(store, { key: KEY, folder: this.folder, environment: {} });
    const engine: Engine = {
      store,
      keyring,
      openSource: async (_connection, onWait = () => undefined) => this.#openSource(onWait),
      openTarget: async () =>
        throughWeather(this.end.open(store), {
          life: holder.machine?.life ?? holder.life,
          passage: holder.machine?.passage ?? CLEAR,
          underway: this.underway,
          chance: this.chance.part("passage"),
          sending: (changes) => this.#sending(changes),
          told: (line) => this.tell(`    ${line}`),
        }),
    };
    holder.machine = { store, engine, life: holder.life, passage: CLEAR };
    return holder.machine;
  }

  /** 5. Nothing is sent that has no committed intent. */
  async #sending(changes: readonly { readonly ordinal: number }[]): Promise<void> {
    const open = new Set(this.reader.rows("select ordinal from open_intents").map(({ ordinal }) => Number(ordinal)));
    const without = changes.filter(({ ordinal }) => !open.has(ordinal));
    if (without.length === 0) return;
    this.breach ??= new Breach(5, [
      `${without.length} of ${changes.length} changes are sent before their intents are committed`,
    ]);
  }

  /** What was broken where nobody can throw. */
  breach: Breach | null = null;

  #openSource(onWait: NonNullable<Parameters<Engine["openSource"]>[1]>) {
    const { simulator } = this.tenant;
    const clock = this.#clock;
    return createEntraSource({
      cloud: { login: simulator.login, graph: simulator.graph },
      tenant: simulator.tenant,
      client: simulator.client,
      credentials: [{ kind: "secret", secret: () => simulator.secret }],
      clock,
      random: () => clock.random(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
      onWait,
    });
  }
}
