import { SETUP_STEPS, type SetupStep } from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import type { FastifyBaseLogger } from "fastify";
import { newId } from "../clock.ts";
import type { Adding } from "../config/add.ts";
import type { Setup } from "../setup/plan.ts";
import { type RegisteredConnection, registerByDeviceCode, type SetupEvent } from "../setup/register.ts";
import { describeFault, type Fault } from "./faults.ts";
import { notFound, RequestError } from "./problems.ts";

/** A setup by device code as its operator may see it: never more of the credential than when it ends. Times in milliseconds UTC. */
export interface DeviceSetup {
  readonly id: string;
  /** The connection's name. */
  readonly name: string;
  readonly state: "waiting" | "registering" | "done" | "failed";
  /** What the administrator types, and where, while it waits for them. */
  readonly code: Pick<Extract<SetupEvent, { kind: "code" }>, "userCode" | "verificationUri" | "expiresAt"> | null;
  /** Who signed in. */
  readonly account: string | null;
  readonly steps: readonly { readonly name: SetupStep; readonly state: "due" | "begun" | "done" }[];
  readonly connection: RegisteredConnection | null;
  readonly error: Fault | null;
}

/** What a setup is begun with. */
export interface Beginning {
  readonly operator: string;
  readonly setupClient: string | null;
  /** Whether the operator's session still stands. */
  readonly allowed: () => Promise<boolean>;
}

interface Entry {
  readonly id: string;
  readonly setup: Setup;
  readonly operator: string;
  readonly controller: AbortController;
  state: DeviceSetup["state"];
  code: DeviceSetup["code"];
  account: string | null;
  step: SetupStep | null;
  connection: RegisteredConnection | null;
  error: Fault | null;
  fault: unknown;
  ended: Promise<void>;
}

/** Ended ones are remembered so that their end can be asked for. */
const REMEMBERED_MAX = 20;
/** In the whole process: each holds a connection to the sign-in service for as long as its code works. */
const OPEN_MAX = 8;

/** The setups by device code of this process. Each belongs to the operator who began it, and nobody else sees its code. */
export class DeviceSetups {
  readonly #adding: Omit<Adding, "actor">;
  readonly #log: Pick<FastifyBaseLogger, "error">;
  readonly #open = new Set<Entry>();
  readonly #ended: Entry[] = [];

  constructor(adding: Omit<Adding, "actor">, log: Pick<FastifyBaseLogger, "error">) {
    this.#adding = adding;
    this.#log = log;
  }

  /**
   * Begins one, and answers as soon as there is a code to type.
   * @throws RequestError `device_setup_open`, and what `registerByDeviceCode` refuses before anybody signs in
   */
  async begin(setup: Setup, { operator, setupClient, allowed }: Beginning): Promise<DeviceSetup> {
    const mine = [...this.#open].find((one) => one.operator === operator);
    if (mine !== undefined) {
      throw new RequestError("device_setup_open", `You have begun to set ${mine.setup.name} up already.`);
    }
    if (this.#open.size >= OPEN_MAX) {
      throw new RequestError("device_setup_open", "Other operators have begun as many setups as may wait.");
    }
    const entry = this.#entry(setup, operator);
    const asked = Promise.withResolvers<void>();
    const work = registerByDeviceCode(setup, {
      adding: { ...this.#adding, actor: { kind: "operator", id: operator } },
      setupClient,
      signal: entry.controller.signal,
      allowed,
      told: (event) => {
        hear(entry, event);
        if (event.kind === "code") asked.resolve();
      },
    });
    this.#open.add(entry);
    entry.ended = work.then(
      (connection) => this.#end(entry, { connection }),
      (fault: unknown) => {
        asked.reject(fault);
        this.#end(entry, { fault });
      },
    );
    await asked.promise;
    return viewOf(entry);
  }

  /** The operator's own, the newest first. */
  list(operator: string): readonly DeviceSetup[] {
    return this.#of(operator).map(viewOf);
  }

  /** @throws ConnectorError `not_found`, also for another operator's */
  find(id: string, operator: string): DeviceSetup {
    return viewOf(this.#entryOf(id, operator));
  }

  /**
   * Stops one and forgets it, when what it began in Entra is taken back; forgets one that has ended.
   * @throws ConnectorError when something is left in Entra, naming it
   */
  async cancel(id: string, operator: string): Promise<DeviceSetup> {
    const entry = this.#entryOf(id, operator);
    const ran = entry.state === "registering";
    entry.controller.abort(new DOMException("The setup was cancelled.", "AbortError"));
    await entry.ended;
    const at = this.#ended.indexOf(entry);
    if (at >= 0) this.#ended.splice(at, 1);
    if (ran && entry.fault instanceof ConnectorError) throw entry.fault;
    return viewOf(entry);
  }

  /** Stops all of them, and waits for that. */
  async close(): Promise<void> {
    for (const { controller } of this.#open) {
      controller.abort(new DOMException("The server is stopping.", "AbortError"));
    }
    await Promise.all([...this.#open].map(({ ended }) => ended));
  }

  #entry(setup: Setup, operator: string): Entry {
    return {
      id: newId(this.#adding.store.clock, "setup"),
      setup,
      operator,
      controller: new AbortController(),
      state: "waiting",
      code: null,
      account: null,
      step: null,
      connection: null,
      error: null,
      fault: null,
      ended: Promise.resolve(),
    };
  }

  #of(operator: string): readonly Entry[] {
    return [...this.#open, ...this.#ended.toReversed()].filter((one) => one.operator === operator);
  }

  #entryOf(id: string, operator: string): Entry {
    const entry = this.#of(operator).find((one) => one.id === id);
    if (entry === undefined) throw notFound("setup of yours with this id");
    return entry;
  }

  #end(entry: Entry, how: { readonly connection: RegisteredConnection } | { readonly fault: unknown }): void {
    this.#open.delete(entry);
    const { code } = entry;
    entry.code = null;
    if ("connection" in how) {
      entry.connection = how.connection;
      entry.state = "done";
    } else {
      entry.state = "failed";
      entry.fault = how.fault;
      if (!(how.fault instanceof ConnectorError) && !entry.controller.signal.aborted) {
        this.#log.error({ err: how.fault }, "A setup by device code failed unexpectedly.");
      }
      entry.error = describeFault(how.fault, entry.controller.signal);
    }
    // What was refused before there was a code was told to whoever asked for it.
    if (code === null) return;
    this.#ended.push(entry);
    if (this.#ended.length > REMEMBERED_MAX) this.#ended.shift();
  }
}

function hear(entry: Entry, event: SetupEvent): void {
  if (event.kind === "code") {
    const { userCode, verificationUri, expiresAt } = event;
    entry.code = { userCode, verificationUri, expiresAt };
  } else if (event.kind === "signed-in") {
    entry.account = event.username;
    entry.state = "registering";
  } else entry.step = event.step;
}

function viewOf({ id, setup, state, code, account, step, connection, error }: Entry): DeviceSetup {
  const reached = step === null ? -1 : SETUP_STEPS.indexOf(step);
  const steps = SETUP_STEPS.map((name, at) => {
    const done = state === "done" || at < reached;
    return { name, state: done ? ("done" as const) : at === reached ? ("begun" as const) : ("due" as const) };
  });
  // Of a code that was used, nothing is left to show.
  const shown = state === "waiting" ? code : null;
  return { id, name: setup.name, state, code: shown, account, steps, connection, error };
}
