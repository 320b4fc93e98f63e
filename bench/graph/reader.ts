import type { SourceKind } from "@entrain/core";
import { boundHeap } from "../../packages/server/src/memory.ts";
import { readKinds } from "../../packages/server/src/runs/read.ts";
import { livingCount } from "../../packages/server/src/store/directory.ts";
import { acquireLease, isLease, processOwner } from "../../packages/server/src/store/leases.ts";
import { answerParent } from "../child.ts";
import { CONNECTION, openInstallation, sourceOf } from "../installation.ts";
import { residentPeak } from "../runs/resident.ts";
import type { TenantAddress } from "../tenant/tenant.ts";

/** A first read of these kinds into a new directory. With `collect` the heap is measured at each page, which takes time. */
export interface GraphReadRequest {
  readonly address: TenantAddress;
  readonly kinds: readonly SourceKind[];
  readonly collect?: boolean;
}

/** What a read took, sent and stored. Memory in bytes. */
export interface GraphReadReport {
  readonly ms: number;
  /** Processor time of this process meanwhile, all threads: tells a busy machine from a slow read. */
  readonly cpuMs: number;
  readonly people: number;
  readonly groups: number;
  readonly memberships: number;
  /** Members of the largest group. */
  readonly largest: number;
  /** Requests to Graph by what they asked for, without those that were refused. */
  readonly requests: Readonly<Record<Asked, number>>;
  readonly refused: number;
  readonly heapPeak: number;
  readonly residentPeak: number;
}

export type Asked = "users" | "groups" | "members" | "other";

function askedOf(path: string): Asked {
  if (path.endsWith("/members")) return "members";
  if (path.endsWith("/users")) return "users";
  return path.endsWith("/groups") ? "groups" : "other";
}

async function read({ address, kinds, collect = false }: GraphReadRequest): Promise<GraphReadReport> {
  boundHeap(); // As the program itself does.
  const { store, close } = await openInstallation(address, "http");
  const requests = { users: 0, groups: 0, members: 0, other: 0 };
  let refused = 0;
  let heapPeak = 0;
  const measure = (): void => {
    if (!collect) return;
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    heapPeak = Math.max(heapPeak, heapUsed + external);
  };
  try {
    const lease = await acquireLease(store, `read:${CONNECTION}`, processOwner(store.clock), 600_000);
    if (!isLease(lease)) throw new Error("the lease of a new store is taken");
    const source = sourceOf(address, "http", ({ path, status }) => {
      if (status === 429) refused += 1;
      else if (path.startsWith("/v1.0/")) requests[askedOf(path)] += 1;
    });
    const signal = new AbortController().signal;
    const options = { store, source, connection: CONNECTION, lease, run: null, signal, onProgress: measure };
    const begun = performance.now();
    const cpu = process.cpuUsage();
    await readKinds(options, kinds);
    const ms = performance.now() - begun;
    const { user, system } = process.cpuUsage(cpu);
    await source.close();
    const resident = residentPeak();
    const count = (kind: SourceKind): Promise<number> => livingCount(store.db, CONNECTION, kind);
    const edges = await store.db
      .selectFrom("edges")
      .select((eb) => ["group_id", eb.fn.countAll<number>().as("members")])
      .groupBy("group_id")
      .execute();
    const sizes = edges.map(({ members }) => Number(members));
    return {
      ms,
      cpuMs: (user + system) / 1000,
      people: await count("user"),
      groups: await count("group"),
      memberships: sizes.reduce((sum, size) => sum + size, 0),
      largest: Math.max(0, ...sizes),
      requests,
      refused,
      heapPeak,
      residentPeak: resident,
    };
  } finally {
    await close();
  }
}

if (import.meta.main) answerParent<GraphReadRequest, GraphReadReport>(read);
