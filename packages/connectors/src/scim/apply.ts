import { ConnectorError, type Outcome, type TargetChange } from "@entrain/core";
import pLimit from "p-limit";
import { writeMembers } from "./members.ts";
import type { Reader } from "./reading.ts";
import { type Result, type Unsent, writeRecord } from "./writing.ts";

/**
 * Carries out a batch: records beside each other, the changes of one record in their order. What stops one request
 * before it is sent (no connection, a refused credential, a stop) stops those behind it too. Whatever is thrown is thrown
 * when all that was sent has ended: nothing is written behind it.
 * @throws ConnectorError when nothing of the batch was carried out; the signal's reason when it was stopped before.
 */
export async function applyBatch(
  changes: readonly TargetChange[],
  writerOf: (kind: string) => Reader,
  options: { readonly concurrency: number; readonly signal: AbortSignal },
): Promise<readonly Outcome[]> {
  const results = new Map<TargetChange, Result>();
  const stop: { by: Unsent | null } = { by: null };
  const faults: unknown[] = [];
  const limit = pLimit(options.concurrency);

  async function runChain(chain: readonly TargetChange[]): Promise<void> {
    for (const change of chain) {
      if (faults.length > 0) return;
      const result = stop.by ?? (await applyOne(writerOf(change.kind), change));
      if (result.status === "unsent") stop.by ??= result;
      results.set(change, result);
    }
  }
  // What was sent is left to end: cut off, nobody would know what became of it.
  const carryOut = (chain: readonly TargetChange[]): Promise<unknown> =>
    runChain(chain).catch((fault: unknown) => faults.push(fault));
  const chains = Array.from(Map.groupBy(changes, (change) => change.recordId ?? change).values());
  await Promise.all(chains.map((chain) => limit(() => carryOut(chain))));
  if (faults.length > 0) throw faults[0];

  const ordered = changes.map((change) => results.get(change)).filter((result) => result !== undefined);
  if (stop.by !== null && ordered.every(({ status }) => status === "unsent")) {
    if (options.signal.aborted) throw options.signal.reason;
    throw new ConnectorError(stop.by.code, stop.by.detail, { stops: "sync", retry: "later" });
  }
  return ordered.map((result) => (result.status === "unsent" ? refusedUnsent(result) : result));
}

async function applyOne(writer: Reader, change: TargetChange): Promise<Result> {
  if (writer.signal.aborted) return { status: "unsent", code: "cancelled", detail: "The work was stopped before it." };
  return change.action === "members" ? writeMembers(writer, change) : writeRecord(writer, change);
}

/** Beside changes that were carried out, one that was not sent stands as refused until the next run. */
function refusedUnsent({ code, detail }: Unsent): Outcome {
  return { status: "refused", code, detail, retry: "later" };
}
