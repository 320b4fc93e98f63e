import { plural } from "./format.ts";
import type { Run } from "./types.ts";

/** What a run's end means in one line, and what to do; null where its result says all. */
export function meaningOf(
  run: Pick<Run, "result" | "error" | "failed"> & Partial<Pick<Run, "mode">>,
): { readonly text: string; readonly fix: string } | null {
  const { result, error, failed, mode } = run;
  switch (result) {
    case "failed":
      return { text: error?.message ?? "The run failed.", fix: error?.fix ?? "The server's log may say more." };
    case "cancelled":
      return error !== null && error.code !== "cancelled"
        ? { text: error.message, fix: error.fix }
        : { text: "Stopped before it was done; what was applied stays.", fix: "The next run goes on from there." };
    case "partial":
      if (failed === 0 && error !== null) return { text: error.message, fix: error.fix };
      return {
        text: `${plural(failed, "record", "records")} could not be synced; everything else that the run tried was.`,
        fix: "The list of unsynced records says why, and when each is tried again.",
      };
    case "held": {
      const fix = "What still waits stands at the top of the overview: review it, then approve or reject it.";
      return mode === "undo"
        ? { text: "Undoing waits for approval; nothing was changed.", fix }
        : { text: "A guard kept some changes back; everything else was applied.", fix };
    }
    default:
      return null;
  }
}

/** What a run without a single change did. */
export function nothingIn(result: string | null): string {
  if (result === null) return "–";
  return result === "succeeded" ? "nothing to change" : "nothing was applied";
}
