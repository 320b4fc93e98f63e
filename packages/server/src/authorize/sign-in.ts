import {
  type AdministratorGrant,
  type AdministratorSignIn,
  CLOUDS,
  createAdministratorSignIn,
  featuresOf,
  leastPermissions,
} from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import { credentialsOf } from "../config/connector-credentials.ts";
import { connectionCloud, connectionUses } from "../config/current.ts";
import { neededAttributes } from "../config/needed.ts";
import type { TargetTypes } from "../config/targets.ts";
import type { Actor, ConnectionRow } from "../runs/context.ts";
import { saveGrant } from "../store/grants.ts";
import { appendJournal } from "../store/journal.ts";
import type { Keyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";

/** What a sign-in on behalf of a connection needs of an installation. */
export interface Authorizing {
  readonly store: Store;
  readonly keyring: Keyring;
  /** Every target type that can be configured: what a sync needs depends on what its target holds. */
  readonly types: TargetTypes;
}

/** The sign-in by which an administrator lets a connection read what it and its syncs are for, and no more. @throws ConnectorError `config_invalid` without a `delegated` credential */
export async function administratorSignIn(
  { store, keyring, types }: Authorizing,
  row: ConnectionRow,
): Promise<AdministratorSignIn> {
  const credential = credentialsOf(store, keyring, row).find((one) => one.kind === "delegated");
  if (credential === undefined) {
    const message = `The connection ${row.name} has no delegated credential; give it one with \`credential: { kind: delegated }\`.`;
    throw new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
  }
  const cloud = connectionCloud(row);
  const needed = await neededAttributes({ store, types }, row);
  const features = featuresOf({
    features: [...(connectionUses(row).features ?? []), ...needed.features],
    attributes: needed.user,
  });
  const { clock } = store;
  return createAdministratorSignIn({
    cloud: cloud.kind === "custom" ? cloud : CLOUDS[cloud.kind],
    tenant: row.tenant,
    client: row.client,
    permissions: ["User.Read", ...leastPermissions(features)],
    clock,
    random: () => clock.random(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    ...(credential.app === undefined ? {} : { app: credential.app }),
  });
}

/**
 * Keeps what an administrator agreed to, for the connection's `delegated` credential.
 * @throws ConnectorError `sign_in_refused` when the account is of another tenant; nothing is kept then
 */
export async function keepGrant(
  { store, keyring }: Authorizing,
  row: ConnectionRow,
  { grant, actor }: { readonly grant: AdministratorGrant; readonly actor: Actor },
): Promise<void> {
  const { tenant, username } = grant.account;
  if (tenant !== row.tenant.toLowerCase()) {
    const message = `The account that signed in belongs to the tenant ${tenant}, not to ${row.tenant}. Nothing was kept.`;
    throw new ConnectorError("sign_in_refused", message, { stops: "connection", retry: "never" });
  }
  await saveGrant(store, keyring, row.id, grant);
  await store.transaction(
    (tx) =>
      appendJournal(tx, store, "system", [
        {
          actor,
          type: "configured",
          kind: "connection",
          objectId: row.id,
          action: "authorized",
          detail: `connection ${row.name} authorized by ${username}`,
        },
      ]),
    { repeatable: true },
  );
}
