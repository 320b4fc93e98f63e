import { ConnectorError } from "@entrain/core";

/** A fault of one credential, with the mend for just that fault. */
export function credentialFault(
  code: "config_invalid" | "sign_in_refused",
  { message, fix, named }: { readonly message: string; readonly fix: string; readonly named?: string | undefined },
): ConnectorError {
  const retry = code === "config_invalid" ? "never" : "later";
  return new ConnectorError(code, message, { stops: "connection", retry, fix, named });
}
