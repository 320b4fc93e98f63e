import { generateKeyPairSync } from "node:crypto";
import forge from "node-forge";

/** A self-signed certificate for tests, in the forms in which administrators hold one. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly encryptedKey: string;
  pfx(passphrase: string): Buffer;
}

/** Makes a certificate that is valid between two times (milliseconds since 1970, UTC). */
export function makeCertificate(startsAt: number, expiresAt: number): TestCertificate {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const encryptedKey = pair.privateKey
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "opensesame" })
    .toString();
  const made = forge.pki.createCertificate();
  made.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: "spki", format: "pem" }).toString());
  made.serialNumber = "01";
  made.validity.notBefore = new Date(startsAt);
  made.validity.notAfter = new Date(expiresAt);
  const name = [{ name: "commonName", value: "Entrain test" }];
  made.setSubject(name);
  made.setIssuer(name);
  const forgeKey = forge.pki.privateKeyFromPem(pair.privateKey.export({ type: "pkcs1", format: "pem" }).toString());
  made.sign(forgeKey, forge.md.sha256.create());
  return {
    certificate: forge.pki.certificateToPem(made),
    key,
    encryptedKey,
    pfx: (passphrase) => {
      const store = forge.pkcs12.toPkcs12Asn1(forgeKey, [made], passphrase, { algorithm: "aes256" });
      return Buffer.from(forge.asn1.toDer(store).getBytes(), "binary");
    },
  };
}
