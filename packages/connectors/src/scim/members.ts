import type { Outcome, TargetChange } from "@entrain/core";
import { memberAdditions, memberRemovals, type Operation, PATCH_LIMIT } from "./patch.ts";
import { type Reader, resourcePath } from "./reading.ts";
import type { Reply } from "./reply.ts";
import { memberIds } from "./resource.ts";
import { failure, missing, patch, type Result, readResource, touch, unknown } from "./writing.ts";

/** So many single members may be refused before the rest of the additions or removals is left to the next run. */
const MOST_REFUSALS = 3;

/** What the requests of one change have come to so far. */
interface Progress {
  /** Something was written: what comes after can no longer say that nothing was. */
  written: boolean;
  readonly refusals: Outcome[];
}

/**
 * Adds and removes members, at most 100 a request, removals first: losing access matters more than gaining it. A
 * refused request is halved until the member that the server refuses stands alone, so that the others go through.
 */
export async function writeMembers(writer: Reader, change: TargetChange): Promise<Result> {
  const id = change.recordId ?? "";
  const path = resourcePath(writer.kind, id);
  if (path === null) return missing(writer, id);
  const remove = change.remove ?? [];
  const add = change.add ?? [];
  if (remove.length === 0 && add.length === 0) return touch(writer, id);
  const progress: Progress = { written: false, refusals: [] };
  const stopped =
    (await writeInParts(writer, id, path, { ids: remove, operationsOf: memberRemovals }, progress)) ??
    (await writeInParts(writer, id, path, { ids: add, operationsOf: memberAdditions }, progress));
  return stopped ?? progress.refusals[0] ?? { status: "applied", recordId: id };
}

interface Part {
  readonly ids: readonly string[];
  readonly operationsOf: (ids: readonly string[]) => readonly Operation[];
}

/** Answers what stops the whole change, or `null` when it may go on. */
async function writeInParts(
  writer: Reader,
  id: string,
  path: string,
  { ids, operationsOf }: Part,
  progress: Progress,
): Promise<Result | null> {
  const queue: (readonly string[])[] = [];
  for (let start = 0; start < ids.length; start += PATCH_LIMIT) queue.push(ids.slice(start, start + PATCH_LIMIT));
  let refused = 0;
  for (let part = queue.shift(); part !== undefined && refused < MOST_REFUSALS; part = queue.shift()) {
    const reply = await patch(writer, path, operationsOf(part), true);
    if (reply.kind === "answer") {
      progress.written = true;
      continue;
    }
    const result = failure(writer, id, reply);
    if (result.status === "unsent" && progress.written) {
      return unknown(writer, id, `Only a part of the members was written. ${result.detail}`);
    }
    if (result.status !== "refused" || result.code === "throttled") return result;
    const middle = Math.ceil(part.length / 2);
    if (part.length > 1) queue.unshift(part.slice(0, middle), part.slice(middle));
    else if (!(await hadNothingToRemove(writer, id, part, reply))) {
      progress.refusals.push(result);
      refused += 1;
    }
  }
  return null;
}

/** Some servers answer `noTarget` where nothing is left to remove; only the group itself proves it. */
async function hadNothingToRemove(writer: Reader, id: string, part: readonly string[], reply: Reply): Promise<boolean> {
  if (reply.kind !== "error" || reply.word !== "noTarget") return false;
  const current = await readResource(writer, id, true);
  if ("status" in current) return false;
  const members = new Set(memberIds(current.resource));
  return !part.some((member) => members.has(member));
}
