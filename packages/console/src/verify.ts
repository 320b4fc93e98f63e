import { useCallback, useEffect, useRef, useState } from "react";
import { pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import type { ConnectionVerification } from "./types.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
/** A consent has spread by then, or it is something else. */
const LONGEST_WAIT_MS = 600_000;

/** A connection's checks, once or again and again until they pass, and what the last ones found. */
export interface Verify {
  readonly found: ConnectionVerification | null;
  readonly error: Error | null;
  readonly busy: boolean;
  /** They are made anew until they pass. */
  readonly waiting: boolean;
  once(): void;
  /** For as long as waiting may mend what failed, and for ten minutes at most. */
  untilWell(): void;
  stop(): void;
  hide(): void;
}

export function useVerify(connection: string, onWell: () => void = () => undefined): Verify {
  const [found, setFound] = useState<ConnectionVerification | null>(null);
  const [waiting, setWaiting] = useState(false);
  const wait = useRef({ until: 0, pause: FIRST_PAUSE_MS, timer: 0 });
  const path = pathOf(["connections", connection, "verify"]);
  const stop = useCallback((): void => {
    clearTimeout(wait.current.timer);
    wait.current.until = 0;
    setWaiting(false);
  }, []);
  const verify = useCommand<ConnectionVerification>({
    onDone: (answer) => {
      setFound(answer);
      if (answer.ok) onWell();
      const { until, pause } = wait.current;
      if (until === 0) return;
      if (answer.ok || !answer.mayMend || Date.now() + pause > until) return stop();
      wait.current.pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      wait.current.timer = window.setTimeout(() => verify.mutate(path), pause);
    },
    onFault: stop,
  });
  useEffect(() => {
    const { current } = wait;
    return () => {
      clearTimeout(current.timer);
      current.until = 0;
    };
  }, []);
  const { mutate } = verify;
  const untilWell = useCallback((): void => {
    if (wait.current.until > 0) return;
    wait.current = { until: Date.now() + LONGEST_WAIT_MS, pause: FIRST_PAUSE_MS, timer: 0 };
    setWaiting(true);
    mutate(path);
  }, [mutate, path]);
  return {
    found,
    error: verify.error,
    busy: verify.isPending,
    waiting,
    once: () => mutate(path),
    untilWell,
    stop,
    hide: () => setFound(null),
  };
}
