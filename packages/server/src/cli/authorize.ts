import { CLOUDS, createAdministratorSignIn } from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import { credentialsOf } from "../config/connector-credentials.ts";
import { connectionCloud } from "../config/current.ts";
import { saveGrant } from "../store/grants.ts";
import { appendJournal } from "../store/journal.ts";
import type { Invocation } from "./command.ts";
import { findRow } from "./entries.ts";

/** What reading people and groups on an administrator's behalf needs. */
const PERMISSIONS = ["User.Read", "User.Read.All", "GroupMember.Read.All", "Group.Read.All"];

/** Lets an administrator sign in on any device, and keeps the agreement for a connection's `delegated` credential. */
export async function authorizeConnection(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const installation = await invocation.open();
  const { store, keyring } = installation;
  const row = await findRow(installation, "connections", name);
  const credential = credentialsOf(store, keyring, row).find((one) => one.kind === "delegated");
  if (credential === undefined) {
    const message = `The connection ${name} has no delegated credential; give it one with \`credential: { kind: delegated }\`.`;
    throw new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
  }
  const cloud = connectionCloud(row);
  const { clock } = store;
  const signIn = createAdministratorSignIn({
    cloud: cloud.kind === "custom" ? cloud : CLOUDS[cloud.kind],
    tenant: row.tenant,
    client: row.client,
    permissions: PERMISSIONS,
    clock,
    random: () => clock.random(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    ...(credential.app === undefined ? {} : { app: credential.app }),
  });
  try {
    const device = await signIn.device(invocation.signal);
    const until = new Date(device.expiresAt).toISOString();
    invocation.output.remark(`Open ${device.verificationUri} and enter the code ${device.userCode}.`);
    invocation.output.remark(`It works until ${until}; waiting …`);
    const grant = await device.finished(invocation.signal);
    refuseOtherTenant(grant.account.tenant, row.tenant);
    await saveGrant(store, keyring, row.id, grant);
    await store.transaction(
      (tx) =>
        appendJournal(tx, store, "system", [
          {
            actor: invocation.actor,
            type: "configured",
            kind: "connection",
            action: "authorized",
            detail: `connection ${name} authorized by ${grant.account.username}`,
          },
        ]),
      { repeatable: true },
    );
    await invocation.output.say(`${grant.account.username} authorized the connection ${name}.`);
    await invocation.output.value({ authorized: name, account: grant.account, scopes: grant.scopes });
    return undefined;
  } finally {
    await signIn.close();
  }
}

function refuseOtherTenant(signedIn: string, wanted: string): void {
  if (signedIn === wanted.toLowerCase()) return;
  const message = `The account that signed in belongs to the tenant ${signedIn}, not to ${wanted}. Nothing was kept.`;
  throw new ConnectorError("sign_in_refused", message, { stops: "connection", retry: "never" });
}
