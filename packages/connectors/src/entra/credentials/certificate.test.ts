import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { readCertificate } from "./certificate.ts";
import { makeCertificate } from "./testing.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const END = Date.parse("2027-01-01T00:00:00Z");
const made = makeCertificate(START, END);
const der = new X509Certificate(made.certificate).raw;
const thumbprint = createHash("sha256").update(der).digest("base64url");

test("reads the same certificate from PEM, from two PEM files and from PFX", () => {
  const forms = {
    "one file": { data: `${made.key}${made.certificate}` },
    "two files": { data: made.certificate, key: made.key },
    "an encrypted key": { data: made.certificate, key: made.encryptedKey, passphrase: "opensesame" },
    PFX: { data: made.pfx("opensesame"), passphrase: "opensesame" },
    "PFX in base64": { data: made.pfx("opensesame").toString("base64"), passphrase: "opensesame" },
    "a file of base64": { data: Buffer.from(made.pfx("").toString("base64")), passphrase: "" },
  };
  for (const [form, given] of Object.entries(forms)) {
    const read = readCertificate(given);
    assert.equal(read.thumbprint, thumbprint, form);
    assert.equal(read.startsAt, START, form);
    assert.equal(read.expiresAt, END, form);
    assert.equal(read.key.type, "private", form);
  }
});

test("finds the key's own certificate among a chain", () => {
  const other = makeCertificate(START, END);
  const chain = `${other.certificate}${made.certificate}`;
  assert.equal(readCertificate({ data: chain, key: made.key }).thumbprint, thumbprint);
});

test("says what is wrong with a certificate, and repeats nothing of it", () => {
  const other = makeCertificate(START, END);
  const curve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const cases: readonly (readonly [Parameters<typeof readCertificate>[0], RegExp])[] = [
    [{ data: made.certificate }, /no private key with it/],
    [{ data: made.key }, /no certificate in it, only a key/],
    [{ data: other.certificate, key: made.key }, /does not belong to the certificate/],
    [{ data: made.certificate, key: made.encryptedKey }, /encrypted and no passphrase was given/],
    [
      { data: made.certificate, key: made.encryptedKey, passphrase: "shibboleth" },
      /does not open with this passphrase/,
    ],
    [{ data: made.pfx("opensesame"), passphrase: "shibboleth" }, /PFX does not open with this passphrase\. Check/],
    [{ data: made.pfx("opensesame") }, /Give the PFX's passphrase beside it/],
    [{ data: made.pfx("opensesame").subarray(0, 900), passphrase: "opensesame" }, /PFX is damaged/],
    [{ data: made.certificate, key: curve.export({ type: "pkcs8", format: "pem" }).toString() }, /not an RSA key/],
    [{ data: "not a certificate" }, /neither PEM nor PFX/],
    [{ data: "" }, /neither PEM nor PFX/],
  ];
  for (const [given, expected] of cases) {
    assert.throws(
      () => readCertificate(given),
      (fault: Error & { code?: string }) => {
        assert.equal(fault.code, "config_invalid");
        assert.match(fault.message, expected);
        assert.doesNotMatch(fault.message, /shibboleth|opensesame/);
        return true;
      },
    );
  }
});
