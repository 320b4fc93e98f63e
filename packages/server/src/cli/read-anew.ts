import { readAnew } from "../runs/read-anew.ts";
import type { Invocation } from "./command.ts";
import { findRow } from "./entries.ts";

/** Has the next read of a connection begin anew: an operator's word that the present permissions are meant to be as they are. */
export async function readConnectionAnew(
  { open, actor, signal, output }: Invocation,
  [name = ""]: readonly string[],
): Promise<undefined> {
  const installation = await open();
  const { id } = await findRow(installation, "connections", name);
  const kinds = await readAnew(installation.store, { id, name }, { actor, signal });
  await output.value({ connection: name, kinds });
  await output.say(
    kinds.length === 0
      ? `Nothing of ${name} was read yet, so the next read begins from nothing anyway.`
      : `The next run reads all of ${name} anew, with the permissions that the application has then.`,
  );
  return undefined;
}
