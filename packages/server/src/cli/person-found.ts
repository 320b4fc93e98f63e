import { ConnectorError } from "@entrain/core";

/** Nobody in any directory has this object id or sign-in name. */
export function noSuchPerson(id: string): ConnectorError {
  const message = `There is no person "${id}" in the directory, which is as fresh as the last run. Give the object id or the whole sign-in name; entrain person find looks for parts.`;
  return new ConnectorError("not_found", message, { stops: "run", retry: "never" });
}
