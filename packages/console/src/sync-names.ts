import { useQuery } from "@tanstack/react-query";
import { get, pathOf } from "./api.ts";
import type { Sync } from "./types.ts";

/** A sync's name by its id; null while it is not known. */
export function useSyncName(id: string | undefined): string | null {
  const sync = useQuery({
    queryKey: ["sync", id],
    queryFn: ({ signal }) => get<Sync>(pathOf(["syncs", id ?? ""]), signal),
    enabled: id !== undefined,
    staleTime: 300_000,
  });
  return sync.data?.name ?? null;
}
