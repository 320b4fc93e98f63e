import { answerParent } from "../child.ts";

/** Posts `bodies` in turn to `address`, so many at a time, `count` in all. */
export interface FloodRequest {
  readonly address: string;
  readonly bodies: readonly string[];
  readonly count: number;
  readonly atATime: number;
}

/** How often each status was answered, and how long it took in milliseconds. */
export interface FloodReport {
  readonly statuses: Readonly<Record<string, number>>;
  readonly ms: number;
}

async function flood({ address, bodies, count, atATime }: FloodRequest): Promise<FloodReport> {
  const statuses: Record<string, number> = {};
  const begun = performance.now();
  let sent = 0;
  const send = async (): Promise<void> => {
    while (sent < count) {
      const body = bodies[sent++ % bodies.length] ?? "";
      const headers = { "content-type": "application/json" };
      const answer = await fetch(address, { method: "POST", headers, body });
      await answer.arrayBuffer();
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atATime }, send));
  return { statuses, ms: performance.now() - begun };
}

if (import.meta.main) answerParent<FloodRequest, FloodReport>(flood);
