/** A certificate with its private key as it was given: PEM, or PFX (as bytes or in base64). */
export interface CertificateData {
  readonly data: string | Uint8Array;
  /** A private key that stands by itself, as PEM. */
  readonly key?: string;
  readonly passphrase?: string;
}

/** What only the application's own registration knows: its secret, or its certificate's private key. */
export type AppCredential = SecretCredential | CertificateCredential;

export interface SecretCredential {
  readonly kind: "secret";
  readonly secret: () => string;
  /** When it ends, where somebody wrote that down. Milliseconds since 1970, UTC. */
  readonly expiresAt?: number;
}

export interface CertificateCredential {
  readonly kind: "certificate";
  readonly certificate: () => CertificateData;
}

/** An assertion of another identity provider that the application trusts ("Workload identity federation"). */
export interface FederatedCredential {
  readonly kind: "federated";
  readonly assertion: (() => string) | AssertionEndpoint;
}

/** Where another identity provider hands out assertions over HTTP, as GitHub's and other runners' do. */
export interface AssertionEndpoint {
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: () => string;
  /** The name may lead to a private network, or to this machine. Default false. */
  readonly allowPrivate?: boolean;
}

/** The identity of the Azure machine that Entrain runs on; the system's own, unless one is named by its client id. */
export interface ManagedIdentityCredential {
  readonly kind: "managed-identity";
  readonly identity?: string;
}

/** The identity of the Kubernetes service account that Entrain runs as ("Use Microsoft Entra Workload ID with AKS"). */
export interface WorkloadIdentityCredential {
  readonly kind: "workload-identity";
  /** The projected token; default: what AZURE_FEDERATED_TOKEN_FILE names. */
  readonly tokenFile?: string;
}

/**
 * An administrator's consent, kept as a refresh token. With `app` the application is a confidential client (signed in
 * through a browser), without it a public one (device code).
 */
export interface DelegatedCredential {
  readonly kind: "delegated";
  readonly refreshToken: () => Promise<string | null>;
  /** Keeps the token that replaces the one just used, or is that one: it works. */
  readonly replace: (refreshToken: string) => Promise<void>;
  /** Told when Microsoft refuses a sign-in that may work again later: the refresh token is kept. */
  readonly refused: (reason: string) => Promise<void>;
  /** Told when Microsoft ends the refresh token for good. */
  readonly died: (reason: string) => Promise<void>;
  readonly app?: AppCredential;
}

/** A user name and a password. Cannot pass a second factor; for installations that have no other way. */
export interface PasswordCredential {
  readonly kind: "password";
  readonly username: string;
  readonly password: () => string;
  /** When it ends, where somebody wrote that down. Milliseconds since 1970, UTC. */
  readonly expiresAt?: number;
  readonly app?: AppCredential;
}

/** How Entrain proves to Microsoft who it is. Values are asked for at each sign-in, so that a replaced one is used at once. */
export type Credential =
  | AppCredential
  | FederatedCredential
  | ManagedIdentityCredential
  | WorkloadIdentityCredential
  | DelegatedCredential
  | PasswordCredential;

const NAMES: Readonly<Record<Credential["kind"], string>> = {
  secret: "client secret",
  certificate: "certificate",
  federated: "federated credential",
  "managed-identity": "managed identity",
  "workload-identity": "workload identity",
  delegated: "administrator's sign-in",
  password: "user name and password",
};

/** What operators call a kind of credential. */
export function credentialName(kind: Credential["kind"]): string {
  return NAMES[kind];
}

/** The same credential for whoever only looks: what Microsoft answers to its use is not kept. */
export function asLookedAt(credential: Credential): Credential {
  if (credential.kind !== "delegated") return credential;
  const forget = async (): Promise<void> => undefined;
  // A refresh token that was used goes on working beside the one that was given for it ("Refresh tokens").
  return { ...credential, replace: forget, refused: forget, died: forget };
}
