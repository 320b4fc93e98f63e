import { ConnectorError } from "@entrain/core";

/** Nobody in any directory has this object id or sign-in name, or had it at a moment. */
export function noSuchPerson(id: string, at: number | null = null): ConnectorError {
  const past = `There was no person "${id}" in the directory then. Give the object id, or the whole sign-in name of then or of now.`;
  const message =
    at !== null
      ? past
      : `There is no person "${id}" in the directory, which is as fresh as the last run. Give the object id or the whole sign-in name; entrain person find looks for parts.`;
  return new ConnectorError("not_found", message, { stops: "run", retry: "never" });
}
