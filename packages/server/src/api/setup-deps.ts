import type { Inspector } from "@entrain/connectors/entra";
import type { Adding } from "../config/add.ts";
import type { ConnectionRow } from "../runs/context.ts";

/** What setting connections up needs beside the store. */
export interface SetupDeps extends Pick<Adding, "keyring" | "types" | "demo"> {
  /** What can be learnt of a connection's application. Nothing is sent before the first call. */
  openInspector(connection: ConnectionRow): Inspector;
}
