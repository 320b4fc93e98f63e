import type { Invocation } from "./command.ts";
import { findRow } from "./entries.ts";

/** Prints how the application's permissions stand to what the connection is used for; 1 when one is missing. */
export async function showPermissions(invocation: Invocation, [name = ""]: readonly string[]): Promise<1 | undefined> {
  const installation = await invocation.open();
  const inspector = installation.openInspector(await findRow(installation, "connections", name));
  try {
    const standings = await inspector.permissions(invocation.signal);
    const ok = standings?.every(({ state }) => state !== "missing") ?? false;
    await invocation.output.value({ ok, permissions: standings });
    if (standings === null) {
      await invocation.output.say(
        "Microsoft's token does not show its permissions. Try them: entrain connection verify",
      );
      return 1;
    }
    const rows = standings.map(({ permission, state, purpose, instead, note }) => [
      permission,
      state === "broader" ? `missing, ${instead} does it` : state,
      note === null ? purpose : `${purpose} (${note})`,
    ]);
    await invocation.output.table(["PERMISSION", "STATE", "FOR"], rows);
    if (!ok) {
      await invocation.output.say(`Grant what is missing: entrain connection consent ${name}`);
      return 1;
    }
    return undefined;
  } finally {
    await inspector.close();
  }
}
