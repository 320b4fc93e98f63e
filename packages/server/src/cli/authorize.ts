import { administratorSignIn, keepGrant } from "../authorize/sign-in.ts";
import { momentInWords } from "../clock.ts";
import type { Invocation } from "./command.ts";
import { byCode } from "./device-code.ts";
import { findRow } from "./entries.ts";

/** Lets an administrator sign in on any device, and keeps the agreement for a connection's `delegated` credential. */
export async function authorizeConnection(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const installation = await invocation.open();
  const row = await findRow(installation, "connections", name);
  const signIn = await administratorSignIn(installation, row);
  try {
    const device = await signIn.device(invocation.signal);
    const until = momentInWords(device.expiresAt);
    invocation.output.remark(`Open ${device.verificationUri} and enter the code ${device.userCode}.`);
    invocation.output.remark(`It works until ${until}; waiting …`);
    const grant = await byCode(invocation.signal, () => device.finished(invocation.signal));
    await keepGrant(installation, row, { grant, actor: invocation.actor });
    await invocation.output.say(`${grant.account.username} authorized the connection ${name}.`);
    await invocation.output.value({ authorized: name, account: grant.account, scopes: grant.scopes });
    return undefined;
  } finally {
    await signIn.close();
  }
}
