import { queryOptions, useQuery } from "@tanstack/react-query";
import { get, pathOf } from "./api.ts";
import { REFRESH } from "./hooks.ts";
import type { Sync } from "./types.ts";

/** A sync by its id or name; null while it is not known. What it is called and provisions may be minutes old. */
export function useSync(idOrName: string | undefined): Sync | null {
  return useQuery({ ...syncQuery(idOrName), staleTime: 300_000 }).data ?? null;
}

/** How a sync stands, as new as the lists of its records; null while it is not known. */
export function useSyncStatus(idOrName: string): Sync["status"] | null {
  return useQuery({ ...syncQuery(idOrName), ...REFRESH }).data?.status ?? null;
}

function syncQuery(idOrName: string | undefined) {
  return queryOptions({
    queryKey: ["sync", idOrName],
    queryFn: ({ signal }) => get<Sync>(pathOf(["syncs", idOrName ?? ""]), signal),
    enabled: idOrName !== undefined,
  });
}

/** A sync's name by its id; null while it is not known. */
export function useSyncName(id: string | undefined): string | null {
  return useSync(id)?.name ?? null;
}
