import { ConnectorError } from "@entrain/core";

/**
 * Work that waits for a code to be typed: nothing of it is kept, so that it begins anew when it was stopped. `left` says what
 * the stopped one leaves behind, after "The command was stopped".
 * @throws ConnectorError `cancelled` when it was stopped, and whatever the work throws
 */
export async function byCode<T>(signal: AbortSignal, work: () => Promise<T>, left: string = ""): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted || error instanceof ConnectorError) throw error;
    const fix = "Run it again; it begins anew, with a new code.";
    throw new ConnectorError("cancelled", `The command was stopped${left}.`, { stops: "run", retry: "never", fix });
  }
}
