import { createHmac } from "node:crypto";
import type { EvaluationContext } from "@entrain/core";
import type { Clock } from "../clock.ts";
import { Secret } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import type { Engine } from "./context.ts";

/** Time and chance for the creation of one record. */
type Creation = NonNullable<EvaluationContext["creation"]>;

/** What mappings need that no source record says. */
export interface Chance {
  /** A keyed digest that stands for a sensitive value: the same in the whole store, and of no use outside of it. */
  readonly conceal: (text: string) => string;
  /**
   * Chance that nobody outside of the store can foresee, and that is the same whenever this sync plans the same record
   * anew: so a preview shows what the run writes, and a plan that is made twice has one digest. `now` is in milliseconds UTC.
   */
  readonly creationOf: (sync: string, now: number) => (objectId: string) => Creation;
}

const KEY = "mapping_seed";
/** The seed tells first passwords that were drawn from it, so it is sealed as credentials are. */
const PLACE = "meta/mapping_seed";
const SEED_BYTES = 32;

/** The store's own chance, made when it is first asked for. */
export async function loadChance({ store, keyring }: Pick<Engine, "store" | "keyring">): Promise<Chance> {
  const sealed = (await readSeed(store)) ?? (await makeSeed(store, keyring));
  const seed = Buffer.from(keyring.open({ sealed }, PLACE).reveal(), "base64");
  return {
    conceal: (text) => createHmac("sha256", seed).update(`sensitive\n${text}`).digest("base64url"),
    creationOf: (sync, now) => (objectId) => new Seeded(seed, `creation\n${sync}\n${objectId}`, now),
  };
}

async function readSeed(store: Store): Promise<string | undefined> {
  const row = await store.db.selectFrom("meta").select("value").where("key", "=", KEY).executeTakeFirst();
  return row?.value;
}

async function makeSeed(store: Store, keyring: Engine["keyring"]): Promise<string> {
  const seed = new Secret(Buffer.from(store.clock.bytes(SEED_BYTES)).toString("base64"));
  const reference = keyring.seal(seed, PLACE);
  if (!("sealed" in reference)) throw new Error("a keyring seals values themselves");
  const value = reference.sealed;
  await store.transaction(
    (tx) =>
      tx
        .insertInto("meta")
        .values({ key: KEY, value })
        .onConflict((conflict) => conflict.column("key").doNothing())
        .execute(),
    { repeatable: true },
  );
  return (await readSeed(store)) ?? value; // Another process may have been faster.
}

/** Chance that nobody can foresee and that never comes again, for what is only tried. */
export function freshCreation(clock: Clock): Creation {
  return new Seeded(Buffer.from(clock.bytes(SEED_BYTES)), "trial", clock.now());
}

const WORD_BYTES = 6;
const GUID_BYTES = 16;

/** A stream of bytes that begins when it is first asked for one: most creations ask for none. */
class Seeded implements Creation {
  readonly now: number;
  readonly #seed: Buffer;
  readonly #subject: string;
  #block: Buffer | null = null;
  #blocks = 0;

  constructor(seed: Buffer, subject: string, now: number) {
    this.#seed = seed;
    this.#subject = subject;
    this.now = now;
  }

  readonly guid = (): string => {
    const bytes = this.#take(GUID_BYTES);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6); // RFC 9562, section 5.4: version 4,
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8); // and its variant.
    return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  /** With 48 bits for limits of a few hundred no value is noticeably likelier than another. */
  readonly random = (limit: number): number => this.#take(WORD_BYTES).readUIntBE(0, WORD_BYTES) % limit;

  #take(count: number): Buffer {
    let block = this.#block ?? this.#next();
    while (block.length < count) block = Buffer.concat([block, this.#next()]);
    this.#block = block.subarray(count);
    return Buffer.from(block.subarray(0, count));
  }

  #next(): Buffer {
    return createHmac("sha256", this.#seed)
      .update(`${this.#subject}\n${this.#blocks++}`)
      .digest();
  }
}
