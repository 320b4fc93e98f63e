import { useQuery } from "@tanstack/react-query";
import { get, pathOf } from "./api.ts";
import type { Sync } from "./types.ts";

/** A sync by its id or name; null while it is not known. */
export function useSync(idOrName: string | undefined): Sync | null {
  const sync = useQuery({
    queryKey: ["sync", idOrName],
    queryFn: ({ signal }) => get<Sync>(pathOf(["syncs", idOrName ?? ""]), signal),
    enabled: idOrName !== undefined,
    staleTime: 300_000,
  });
  return sync.data ?? null;
}

/** A sync's name by its id; null while it is not known. */
export function useSyncName(id: string | undefined): string | null {
  return useSync(id)?.name ?? null;
}
