import { join } from "node:path";
import { ConnectorError } from "@entrain/core";

/** Environment variables, as `process.env` has them. */
export type Environment = { readonly [name: string]: string | undefined };

/** Where an installation keeps its things. */
export interface Paths {
  /** The data folder: the embedded database, and the key file where ENTRAIN_KEY is not set. */
  readonly folder: string;
  readonly location:
    | { readonly kind: "sqlite"; readonly folder: string }
    | { readonly kind: "postgres"; readonly url: string };
  /** ENTRAIN_KEY as it was given. */
  readonly key: string | undefined;
  readonly demo: boolean;
}

/**
 * Reads ENTRAIN_DATA (default `.entrain/data` in the working directory), ENTRAIN_DATABASE_URL and ENTRAIN_KEY. The demo has
 * a folder of its own and ignores all three. Touches nothing. @throws ConnectorError `config_invalid`
 */
export function readPaths(environment: Environment, workingDirectory: string, demo: boolean): Paths {
  if (demo) {
    const folder = join(workingDirectory, ".entrain", "demo");
    return { folder, location: { kind: "sqlite", folder }, key: undefined, demo };
  }
  const folder = environment.ENTRAIN_DATA || join(workingDirectory, ".entrain", "data");
  const key = environment.ENTRAIN_KEY || undefined;
  const url = environment.ENTRAIN_DATABASE_URL || undefined;
  if (url === undefined) return { folder, location: { kind: "sqlite", folder }, key, demo };
  if (!/^postgres(ql)?:\/\//.test(url)) {
    const message = "ENTRAIN_DATABASE_URL must begin with postgres://, or be unset for the embedded database.";
    throw new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
  }
  return { folder, location: { kind: "postgres", url }, key, demo };
}
