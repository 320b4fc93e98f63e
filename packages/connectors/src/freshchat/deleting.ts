import { ConnectorError } from "@entrain/core";
import type { Writer } from "./reader.ts";
import { getResource } from "./reading.ts";
import { failure, type Result } from "./results.ts";

/** A deletion that was accepted is looked for after so many milliseconds each, while patience lasts. */
const LOOKS_MS: readonly number[] = [0, 250, 500, 1_000, 2_000, 4_000];
/** Deletions that stand in the way of a creation are waited for this long, all of them together, in steps of five seconds. */
const LONGEST_WAIT_MS = 60_000;
const STEP_MS = 5_000;

/**
 * Deletes once. Freshchat answers 202 and deletes in its own time: the record counts as gone from the acceptance on, for this
 * target as long as it is open; the first ones are watched until they are. For the next target a second deletion of it is
 * answered 404, or accepted once more, and comes to the same.
 */
export async function remove(writer: Writer, path: string, id: string): Promise<Result> {
  const { memory, client, signal } = writer;
  if (memory.hasLeft(id)) return { status: "unchanged", recordId: id };
  const reply = await client.send({ method: "DELETE", path, repeatable: true }, signal);
  if (reply.kind === "error" && (reply.status === 404 || reply.status === 410)) {
    memory.left(id, { seen: true });
    // What was deleted without an answer is not there when it is deleted again, and may show for another while.
    return { status: reply.repeated ? "applied" : "unchanged", recordId: id, accepted: true };
  }
  if (reply.kind !== "answer") return failure(writer, id, reply);
  memory.left(id, { seen: reply.status === 204 });
  if (reply.status === 204) return { status: "applied", recordId: id };
  for (const wait of LOOKS_MS) {
    if (!memory.watching.take(wait) || !(await slept(writer, wait))) break;
    if (await isGone(writer, id)) return { status: "applied", recordId: id };
  }
  const detail = `Freshchat accepted the deletion of the ${writer.kind.kind.name} and carries it out in its own time.`;
  return { status: "applied", recordId: id, detail, accepted: true };
}

/** Whether a record whose deletion was accepted is seen to be gone; a failed look shows nothing. */
async function isGone(writer: Writer, id: string): Promise<boolean> {
  try {
    const resource = await getResource(writer, id);
    if (resource !== null && resource.is_deleted !== true) return false;
  } catch (error) {
    if (error instanceof ConnectorError || writer.signal.aborted) return false;
    throw error;
  }
  writer.memory.left(id, { seen: true });
  return true;
}

/**
 * Waits until all accepted deletions are seen to have happened; false where there were none, or they take too long. Those are
 * not waited for again: they hold up the first creation, and not each that is refused for a reason of its own. One is looked at
 * after the other, the next when the one before is gone: many leavers take about as many requests.
 */
export async function waitForLeavers(writer: Writer): Promise<boolean> {
  const { leaving } = writer.memory;
  const until = writer.now() + LONGEST_WAIT_MS;
  for (const id of leaving) {
    if (writer.now() <= until && (await goesBy(writer, id, until))) continue;
    writer.memory.giveUpLeaving();
    return false;
  }
  return leaving.length > 0;
}

async function goesBy(writer: Writer, id: string, until: number): Promise<boolean> {
  for (;;) {
    if (await isGone(writer, id)) return true;
    const leftMs = until - writer.now();
    if (leftMs <= 0 || !(await slept(writer, Math.min(STEP_MS, leftMs)))) return false;
  }
}

async function slept({ sleep, signal }: Writer, ms: number): Promise<boolean> {
  try {
    if (ms > 0) await sleep(ms);
    return !signal.aborted;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
