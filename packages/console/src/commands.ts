import { type UseMutationResult, useMutation, useQueryClient } from "@tanstack/react-query";
import { type Command, command } from "./api.ts";
import { useSession } from "./session.tsx";

/** The id of the one place where notices appear. */
export const TOASTER = "notices";

/** A command to the API, a path alone being posted to; afterwards every list is read anew. */
export function useCommand<T>(
  options: { readonly onDone?: (answer: T) => void; readonly onFault?: (fault: Error) => void } = {},
): UseMutationResult<T, Error, string | Command> {
  const client = useQueryClient();
  const { csrf } = useSession();
  return useMutation({
    mutationFn: (given: string | Command) =>
      command<T>(typeof given === "string" ? { method: "POST", path: given } : given, csrf),
    onSuccess: (answer) => options.onDone?.(answer),
    onError: (fault) => options.onFault?.(fault),
    onSettled: () => client.invalidateQueries(),
  });
}
