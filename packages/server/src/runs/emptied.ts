import { ConnectorError, type GuardLimit, grouped, judgeGuard } from "@entrain/core";

/** Refuses to make many records anew. `of` is what was owned. @throws ConnectorError `target_emptied` */
export function refuseManyLost(lost: number, of: number, limit: GuardLimit): void {
  const verdict = judgeGuard({ limit, ownedAtWindowStart: of, countedInWindow: 0, planned: lost });
  if (verdict.trips) throw emptied(lost, of);
}

/** The fault that stops a sync whose target holds its records no more. */
export function emptied(lost: number, of: number): ConnectorError {
  const message =
    `The target was emptied, or it is another one: ${grouped(lost)} of ${grouped(of)} records that Entrain linked there ` +
    "are gone. Is the address right?";
  return new ConnectorError("target_emptied", message, { stops: "sync", retry: "later" });
}
