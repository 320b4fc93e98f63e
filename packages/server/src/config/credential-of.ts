/** A credential of the application itself; `S` is what stands for a secret. `expires` is a day, such as 2027-01-31. */
export type AppCredentialOf<S> =
  | { readonly kind: "secret"; readonly secret: S; readonly expires?: string }
  | { readonly kind: "certificate"; readonly certificate: S; readonly key?: S; readonly passphrase?: S };

/**
 * How a connection proves itself to Microsoft. The refresh token of a `delegated` one stands in the store. The `id` tells it
 * from the connection's other ones for good, wherever it stands among them; its sealed secrets are bound to it.
 */
export type CredentialOf<S> = KindOf<S> & { readonly id?: string };

type KindOf<S> =
  | AppCredentialOf<S>
  | { readonly kind: "federated"; readonly assertion: S }
  | { readonly kind: "federated"; readonly url: string; readonly token?: S; readonly allowPrivate?: boolean }
  | { readonly kind: "managed-identity"; readonly identity?: string }
  | { readonly kind: "workload-identity"; readonly tokenFile?: string }
  | { readonly kind: "delegated"; readonly app?: AppCredentialOf<S> }
  | {
      readonly kind: "password";
      readonly username: string;
      readonly password: S;
      readonly expires?: string;
      readonly app?: AppCredentialOf<S>;
    };
