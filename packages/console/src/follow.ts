import { useToastController } from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { createElement, useCallback, useEffect, useRef } from "react";
import { get, pathOf } from "./api.ts";
import { TOASTER } from "./commands.ts";
import { Notice } from "./notice.tsx";
import { openPlace } from "./place.ts";
import type { NamedRun, Preview } from "./types.ts";

const POLL_MS = 700;
const INTENTS: { readonly [result: string]: "success" | "error" | "info" } = {
  succeeded: "success",
  failed: "error",
  cancelled: "info",
};

/** Waits, out of sight, for the end of something that was started here: it may be over before any stream tells of it. */
function useFollow(): (look: (signal: AbortSignal) => Promise<boolean>) => void {
  const controllers = useRef(new Set<AbortController>());
  useEffect(() => {
    const open = controllers.current;
    return () => {
      for (const controller of open) controller.abort();
    };
  }, []);
  return useCallback((look) => {
    const controller = new AbortController();
    controllers.current.add(controller);
    const again = async (): Promise<void> => {
      if (controller.signal.aborted) return;
      // A look that fails is no reason to stop: the next one may succeed, and a session that ended ends the page.
      const ended = await look(controller.signal).catch(() => false);
      if (ended) controllers.current.delete(controller);
      else setTimeout(() => void again(), POLL_MS);
    };
    void again();
  }, []);
}

/** Tells the end of a run that was started here, and reads the lists anew. */
export function useRunEnd(): (run: string) => void {
  const client = useQueryClient();
  const { dispatchToast } = useToastController(TOASTER);
  const follow = useFollow();
  return useCallback(
    (id) =>
      follow(async (signal) => {
        const run = await get<NamedRun>(pathOf(["runs", id]), signal);
        if (run.result === null) return false;
        const intent = INTENTS[run.result] ?? "warning";
        dispatchToast(createElement(Notice, { run }), { intent });
        await client.invalidateQueries();
        return true;
      }),
    [client, dispatchToast, follow],
  );
}

/** Opens the plan of a preview that was started here as soon as it is made. */
export function usePreviewPlan(): (preview: string) => void {
  const client = useQueryClient();
  const { dispatchToast } = useToastController(TOASTER);
  const follow = useFollow();
  return useCallback(
    (id) =>
      follow(async (signal) => {
        const preview = await get<Preview>(pathOf(["previews", id]), signal);
        if (preview.state === "running") return false;
        if (preview.plan !== null) openPlace({ panel: "plan", id: preview.plan });
        else if (preview.error !== null) {
          const intent = preview.error.code === "cancelled" ? "info" : "error";
          dispatchToast(createElement(Notice, { fault: preview.error }), { intent, timeout: 10_000 });
        }
        await client.invalidateQueries();
        return true;
      }),
    [client, dispatchToast, follow],
  );
}
