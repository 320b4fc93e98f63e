import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate for this machine's loopback names and the authority that signed it, all PEM. */
export interface LoopbackCertificate {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

/** Makes a certificate authority and a certificate for localhost, 127.0.0.1 and ::1 (RFC 5280), valid for a year. */
export function makeLoopbackCertificate(now: number): LoopbackCertificate {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const authorityName = distinguishedName("Entrain simulator CA");
  const validity = sequence(time(now - 24 * 3600 * 1000), time(now + YEAR_MS));
  const ca = certificate({
    subject: authorityName,
    issuer: authorityName,
    validity,
    publicKey: authority.publicKey,
    signer: authority.privateKey,
    extensions: [
      extension(OID.basicConstraints, sequence(BOOLEAN_TRUE), true),
      extension(OID.keyUsage, bits(0x06, 1), true),
      extension(OID.subjectKeyIdentifier, der(0x04, keyIdentifier(authority.publicKey))),
    ],
  });
  const cert = certificate({
    subject: distinguishedName("localhost"),
    issuer: authorityName,
    validity,
    publicKey: server.publicKey,
    signer: authority.privateKey,
    extensions: [
      extension(OID.basicConstraints, sequence(), true),
      extension(OID.keyUsage, bits(0x80, 7), true),
      extension(OID.extendedKeyUsage, sequence(objectIdentifier(OID.serverAuthentication))),
      extension(OID.authorityKeyIdentifier, sequence(der(0x80, keyIdentifier(authority.publicKey)))),
      extension(
        OID.subjectAlternativeName,
        sequence(
          der(0x82, Buffer.from("localhost")),
          der(0x87, Buffer.from([127, 0, 0, 1])),
          der(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])),
        ),
      ),
    ],
  });
  return {
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: pem(cert),
    ca: pem(ca),
  };
}

/** A self-signed certificate, DER: what an app registers to prove itself. Times are milliseconds UTC. */
export function makeSelfSigned(of: {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly from: number;
  readonly to: number;
}): Buffer {
  const name = distinguishedName(of.name);
  const validity = sequence(time(of.from), time(of.to));
  const { publicKey, privateKey: signer } = of;
  const extensions = [extension(OID.basicConstraints, sequence(), true)];
  return certificate({ subject: name, issuer: name, validity, publicKey, signer, extensions });
}

const OID = {
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  rsaWithSha256: "1.2.840.113549.1.1.11",
} as const;

const BOOLEAN_TRUE = der(0x01, Buffer.from([0xff]));

interface CertificateParts {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly validity: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280 section 4.1: the signed part, the algorithm, the signature. */
function certificate(parts: CertificateParts): Buffer {
  const algorithm =
    parts.signer.asymmetricKeyType === "rsa"
      ? sequence(objectIdentifier(OID.rsaWithSha256), der(0x05, Buffer.alloc(0)))
      : sequence(objectIdentifier(OID.ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    parts.issuer,
    parts.validity,
    parts.subject,
    parts.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...parts.extensions)),
  );
  return sequence(signed, algorithm, bitString(sign("sha256", signed, parts.signer), 0));
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(objectIdentifier(OID.commonName), der(0x0c, Buffer.from(commonName)));
  return sequence(der(0x31, attribute));
}

function extension(oid: string, value: Buffer, critical = false): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [BOOLEAN_TRUE] : []), der(0x04, value));
}

/** RFC 5280 section 4.2.1.2, method 1: SHA-1 of the public key's bits. */
function keyIdentifier(key: KeyObject): Buffer {
  const spki = key.export({ type: "spki", format: "der" });
  return createHash("sha1").update(spki.subarray(-65)).digest();
}

function time(at: number): Buffer {
  const text = `${new Date(at).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
  const year = Number(text.slice(0, 4));
  return year < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

function bits(value: number, unused: number): Buffer {
  return bitString(Buffer.from([value]), unused);
}

function bitString(content: Buffer, unused: number): Buffer {
  return der(0x03, Buffer.concat([Buffer.from([unused]), content]));
}

function objectIdentifier(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** One DER value: tag, length in the shortest form, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

function pem(certificateBytes: Buffer): string {
  const lines = certificateBytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
