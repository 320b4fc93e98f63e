import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import forge from "node-forge";

/** A certificate that was made here, with its private key. `certificate` may be shown, `key` is a secret. */
export interface NewCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** DER in base64, as Graph takes it ("keyCredential resource type"). */
  readonly der: string;
}

const KEY_BITS = 3072;

/** Makes a self-signed certificate for an application's sign-in; its name is shown in Entra. Times in milliseconds UTC. */
export async function makeClientCertificate(of: {
  readonly name: string;
  readonly startsAt: number;
  readonly endsAt: number;
}): Promise<NewCertificate> {
  const pair = await promisify(generateKeyPair)("rsa", { modulusLength: KEY_BITS });
  const made = forge.pki.createCertificate();
  made.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: "spki", format: "pem" }).toString());
  // RFC 5280 section 4.1.2.2: a positive number.
  made.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  made.validity.notBefore = new Date(of.startsAt);
  made.validity.notAfter = new Date(of.endsAt);
  const name = [{ name: "commonName", value: of.name }];
  made.setSubject(name);
  made.setIssuer(name);
  made.sign(
    forge.pki.privateKeyFromPem(pair.privateKey.export({ type: "pkcs1", format: "pem" }).toString()),
    forge.md.sha256.create(),
  );
  return {
    certificate: forge.pki.certificateToPem(made),
    key: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    der: forge.util.encode64(forge.asn1.toDer(forge.pki.certificateToAsn1(made)).getBytes()),
  };
}
