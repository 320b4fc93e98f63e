import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { ConnectorError } from "@entrain/core";
import forge from "node-forge";
import type { CertificateData } from "./credential.ts";
import { credentialFault } from "./fault.ts";

/** A client certificate that is ready to sign. */
export interface ClientCertificate {
  readonly key: KeyObject;
  /** SHA-256 of the certificate's DER form in base64url: the header `x5t#S256` ("Certificate credentials"). */
  readonly thumbprint: string;
  /** SHA-1 of the same in hexadecimal, as Entra shows it. */
  readonly sha1: string;
  readonly subject: string;
  /** Milliseconds since 1970, UTC. */
  readonly startsAt: number;
  readonly expiresAt: number;
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;
const MAKE_ONE =
  "Give a PEM file with the certificate and its private key, or a PFX file: openssl req -x509 -newkey rsa:3072 -nodes -days 365 -keyout app.pem -out app.pem";

/**
 * Reads a certificate and its RSA key from PEM or PFX (PKCS #12, RFC 7292). @throws ConnectorError `config_invalid`, which
 * says what is missing and never repeats anything of the key.
 */
export function readCertificate(given: CertificateData): ClientCertificate {
  const text = textOf(given.data);
  const { key, certificates } = text.includes("-----BEGIN ") ? fromPem(text, given) : fromPfx(given);
  if (key.asymmetricKeyType !== "rsa") {
    throw invalid("The certificate's key is not an RSA key, which Microsoft's PS256 signatures need.", MAKE_ONE);
  }
  const certificate = certificates.find((one) => one.checkPrivateKey(key));
  if (certificate === undefined) {
    throw invalid(
      "The private key does not belong to the certificate.",
      "Give the key that the certificate was made with.",
    );
  }
  return {
    key,
    thumbprint: Buffer.from(certificate.fingerprint256.replaceAll(":", ""), "hex").toString("base64url"),
    sha1: certificate.fingerprint.replaceAll(":", "").toLowerCase(),
    subject: certificate.subject,
    startsAt: certificate.validFromDate.getTime(),
    expiresAt: certificate.validToDate.getTime(),
  };
}

interface Parts {
  readonly key: KeyObject;
  readonly certificates: readonly X509Certificate[];
}

function textOf(data: string | Uint8Array): string {
  return typeof data === "string" ? data : Buffer.from(data).toString("latin1");
}

function fromPem(text: string, { key, passphrase }: CertificateData): Parts {
  const blocks = [...`${text}\n${key ?? ""}`.matchAll(PEM_BLOCK)];
  const keyBlock = blocks.find(([, label = ""]) => label.endsWith("PRIVATE KEY"))?.[0];
  const certificates = blocks.filter(([, label]) => label === "CERTIFICATE").map(([block]) => x509(block));
  if (certificates.length === 0) throw invalid("There is no certificate in it, only a key.", MAKE_ONE);
  if (keyBlock === undefined) throw invalid("The certificate has no private key with it.", MAKE_ONE);
  return { key: privateKey(keyBlock, passphrase), certificates };
}

function x509(block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    throw invalid("The certificate is damaged.", MAKE_ONE);
  }
}

function privateKey(block: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: block, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    const encrypted = block.includes("ENCRYPTED");
    if (encrypted && passphrase === undefined) {
      throw invalid("The private key is encrypted and no passphrase was given.", "Give the passphrase beside it.");
    }
    const what = encrypted ? "The private key does not open with this passphrase." : "The private key is damaged.";
    throw invalid(what, encrypted ? "Check the passphrase." : MAKE_ONE);
  }
}

function fromPfx({ data, passphrase }: CertificateData): Parts {
  const bytes = typeof data === "string" ? Buffer.from(data, "base64") : Buffer.from(data);
  // A PFX begins with an ASN.1 sequence. A file of its base64 text is accepted as well.
  const der = bytes[0] === 0x30 ? bytes : Buffer.from(bytes.toString("latin1"), "base64");
  if (der[0] !== 0x30) throw invalid("It is neither PEM nor PFX.", MAKE_ONE);
  const store = openPfx(der, passphrase);
  const bags = (type: string): readonly forge.pkcs12.Bag[] => store.getBags({ bagType: type })[type] ?? [];
  const { pkcs8ShroudedKeyBag, keyBag, certBag } = forge.pki.oids;
  const keys = [...bags(pkcs8ShroudedKeyBag ?? ""), ...bags(keyBag ?? "")].flatMap(({ key }) => key ?? []);
  const [key] = keys;
  if (key === undefined) throw invalid("The PFX holds no RSA private key.", MAKE_ONE);
  const certificates = bags(certBag ?? "").flatMap(({ cert }) =>
    cert === undefined ? [] : [x509(forge.pki.certificateToPem(cert))],
  );
  return { key: createPrivateKey(forge.pki.privateKeyToPem(key)), certificates };
}

function openPfx(der: Buffer, passphrase: string | undefined): forge.pkcs12.Pkcs12Pfx {
  try {
    const asn1 = forge.asn1.fromDer(forge.util.createBuffer(der.toString("binary")));
    return forge.pkcs12.pkcs12FromAsn1(asn1, passphrase ?? "");
  } catch (error) {
    const wrong = error instanceof Error && /mac|password|decrypt/i.test(error.message);
    if (!wrong) throw invalid("The PFX is damaged, or of a kind that cannot be read here.", MAKE_ONE);
    const fix = passphrase === undefined ? "Give the PFX's passphrase beside it." : "Check the passphrase.";
    throw invalid("The PFX does not open with this passphrase.", fix);
  }
}

function invalid(message: string, fix: string): ConnectorError {
  return credentialFault("config_invalid", {
    message: `The certificate credential cannot be used. ${message} ${fix}`,
    fix,
  });
}
