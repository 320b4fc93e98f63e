import { inWords } from "@entrain/core";
import { findPeopleAt, momentIn, type PersonThen, personAt } from "../runs/then.ts";
import type { Invocation } from "./command.ts";
import { noSuchPerson } from "./person-found.ts";

/** `person show ID --at TIME`: what the directory held of somebody then. */
export async function showPersonThen({ open, output }: Invocation, id: string, at: number): Promise<undefined> {
  const { store } = await open();
  const found: PersonThen[] = [];
  for (const { connection, objectId } of await findPeopleAt(store, { idOrName: id, at })) {
    const sequence = await momentIn(store, connection, at);
    const then = await personAt(store, connection, { id: objectId, sequence });
    if (then !== null) found.push(then);
  }
  if (found.length === 0) throw noSuchPerson(id, at);
  await output.value(found);
  for (const { connection, attributes, manager, removed, groups } of found) {
    const name = String(attributes.displayName ?? id);
    const values = Object.entries(attributes).filter(([, value]) => inWords(value) !== "empty");
    await output.say(
      `${name} in ${connection} at ${new Date(at).toISOString()}${removed === null ? "" : " (removed)"}`,
      ...values.map(([key, value]) => `  ${key}: ${inWords(value)}`),
      `  manager: ${manager === null ? "none" : (manager.displayName ?? manager.id)}`,
      `  groups: ${groups.length === 0 ? "none" : groups.map((group) => group.displayName ?? group.id).join(", ")}`,
    );
  }
  return undefined;
}
