import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { format, inspect } from "node:util";
import { ConnectorError } from "@entrain/core";
import { type Keyring, type KeySource, openKeyring, Secret, type SecretReference } from "./secrets.ts";
import type { Store } from "./store.ts";
import { eachEngine } from "./testing.ts";

const CANARY = "canary-7f3a9c-secret";
const KEY = Buffer.alloc(32, 7).toString("base64");
const root = mkdtempSync(join(tmpdir(), "entrain-secrets-"));
after(() => rmSync(root, { recursive: true, force: true }));

function source(key: string | undefined, folder: string = mkdtempSync(join(root, "data-"))): KeySource {
  return { key, folder, environment: { DESK_TOKEN: CANARY, EMPTY: "" } };
}

function failsWith(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConnectorError, inspect(error));
    assert.equal(error.code, code);
    assert.match(error.message, text);
    assert.doesNotMatch(inspect(error, { depth: 9 }), new RegExp(CANARY));
    return true;
  };
}

function sealedOf(reference: SecretReference): string {
  assert.ok("sealed" in reference);
  return reference.sealed;
}

describe("a secret", () => {
  it("prints as [secret] wherever it ends up", () => {
    const secret = new Secret(CANARY);
    const printed = [
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ a: [secret] }),
      format("%s %o %j", secret, secret, secret),
    ];
    for (const text of [...printed, JSON.stringify(Object.entries(secret)), String(secret)]) {
      assert.doesNotMatch(text, /canary/);
    }
    assert.match(printed.join(), /\[secret\]/);
    assert.equal(secret.reveal(), CANARY);
  });
});

eachEngine((engine) => {
  describe("the keyring", () => {
    it("opens what it sealed, in the row it was sealed for and in no other", async () => {
      const ring = await openKeyring(await engine.open(), source(KEY));
      const sealed = ring.seal(new Secret(CANARY), "connections/con_1");
      assert.equal(ring.open(sealed, "connections/con_1").reveal(), CANARY);
      assert.throws(() => ring.open(sealed, "connections/con_2"), failsWith("key_wrong", /connections\/con_2/));
      const parts = sealedOf(sealed).split(".");
      assert.equal(parts.length, 5);
      assert.equal(parts[0], "v1");
      for (const [i, part] of parts.entries()) {
        const flipped = parts.with(i, (part.startsWith("A") ? "B" : "A") + part.slice(1)).join(".");
        assert.throws(
          () => ring.open({ sealed: flipped }, "connections/con_1"),
          failsWith("key_wrong", /or was changed/),
        );
      }
      assert.notEqual(sealedOf(ring.seal(new Secret(CANARY), "connections/con_1")), sealedOf(sealed));
    });

    it("refuses another key before anything is done, and takes the same one in base64 or hex", async () => {
      const store = await engine.open();
      const ring = await openKeyring(store, source(KEY));
      const sealed = ring.seal(new Secret(CANARY), "row");
      const hex = await openKeyring(store, source(Buffer.alloc(32, 7).toString("hex")));
      assert.equal(hex.open(sealed, "row").reveal(), CANARY);
      const other = openKeyring(store, source(Buffer.alloc(32, 8).toString("base64")));
      await assert.rejects(other, failsWith("key_wrong", /ENTRAIN_KEY is not the key/));
      await assert.rejects(openKeyring(store, source("too short")), failsWith("config_invalid", /openssl rand/));
      await assert.rejects(openKeyring(store, source("")), failsWith("config_invalid", /ENTRAIN_KEY must be 32 bytes/));
    });

    it("agrees on one key when two processes bring one each", async () => {
      const store = await engine.open();
      const keys = [1, 2, 3].map((fill) => Buffer.alloc(32, fill).toString("base64"));
      const rings = await Promise.allSettled(keys.map((key) => openKeyring(store, source(key))));
      assert.equal(rings.filter((ring) => ring.status === "fulfilled").length, 1);
    });

    it("makes a key file that only its owner reads, once, and misses it when it is gone", async () => {
      const store = await engine.open();
      const place = source(undefined);
      const file = join(place.folder, "entrain.key");
      const sealed = (await openKeyring(store, place)).seal(new Secret(CANARY), "row");
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(place.folder), ["entrain.key"]);
      assert.equal((await openKeyring(store, place)).open(sealed, "row").reveal(), CANARY);
      chmodSync(file, 0o640);
      await assert.rejects(openKeyring(store, place), failsWith("store_failed", /chmod 600/));
      rmSync(file);
      await assert.rejects(
        openKeyring(store, place),
        failsWith("key_wrong", /ENTRAIN_KEY is not set, and there is no key file/),
      );
      assert.equal(existsSync(file), false);
      writeFileSync(file, Buffer.alloc(32, 9).toString("base64"), { mode: 0o600 });
      await assert.rejects(openKeyring(store, place), failsWith("key_wrong", /The key file .* is not the key/));
    });

    it("reads references anew at every use, and names the one that is missing", async () => {
      const place = source(KEY);
      const ring: Keyring = await openKeyring(await engine.open(), place);
      assert.equal(ring.open({ env: "DESK_TOKEN" }, "row").reveal(), CANARY);
      assert.throws(
        () => ring.open({ env: "ABSENT" }, "row"),
        failsWith("config_invalid", /variable ABSENT.* not set/),
      );
      assert.throws(() => ring.open({ env: "EMPTY" }, "row"), failsWith("config_invalid", /variable EMPTY.* not set/));
      const file = join(place.folder, "token");
      assert.throws(() => ring.open({ file }, "row"), failsWith("config_invalid", /token.* cannot be read \(ENOENT\)/));
      writeFileSync(file, `${CANARY}\n`);
      assert.equal(ring.open({ file }, "row").reveal(), CANARY);
      writeFileSync(file, "\n");
      assert.throws(() => ring.open({ file }, "row"), failsWith("config_invalid", /is empty/));
    });

    it("leaves no secret and no key in the database", async () => {
      const location = await engine.place();
      const store = await engine.open({ location });
      const ring = await openKeyring(store, source(KEY));
      const sealed = ring.seal(new Secret(CANARY), "targets/t");
      await store.transaction((tx) =>
        tx
          .insertInto("meta")
          .values({ key: "x", value: JSON.stringify(sealed) })
          .execute(),
      );
      const dump = Buffer.concat([
        Buffer.from(await tables(store)),
        ...(location.kind === "sqlite" ? files(location.folder) : []),
      ]);
      for (const form of ["utf8", "base64", "hex"] as const) {
        assert.equal(dump.includes(Buffer.from(CANARY).toString(form)), false);
        assert.equal(dump.includes(Buffer.alloc(32, 7).toString(form)), false);
      }
      assert.ok(dump.includes(sealedOf(sealed)), "the dump holds what was written");
    });
  });
});

async function tables(store: Store): Promise<string> {
  return JSON.stringify(await store.db.selectFrom("meta").selectAll().execute());
}

function files(folder: string): readonly Buffer[] {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
}
