import { type UseMutationResult, useMutation, useQueryClient } from "@tanstack/react-query";
import { command } from "./api.ts";
import { useSession } from "./session.tsx";

/** The id of the one place where notices appear. */
export const TOASTER = "notices";

/** A command to the API; afterwards every list is read anew. */
export function useCommand<T>(
  options: { readonly onDone?: (answer: T) => void; readonly onFault?: (fault: Error) => void } = {},
): UseMutationResult<T, Error, string> {
  const client = useQueryClient();
  const { csrf } = useSession();
  return useMutation({
    mutationFn: (path: string) => command<T>("POST", path, csrf),
    onSuccess: (answer) => options.onDone?.(answer),
    onError: (fault) => options.onFault?.(fault),
    onSettled: () => client.invalidateQueries(),
  });
}
