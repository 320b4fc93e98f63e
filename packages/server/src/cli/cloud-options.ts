import type { Command } from "commander";
import { CLOUD_NAMES, type CloudEntry } from "../config/document.ts";
import { tenantIn } from "../setup/tenant.ts";
import { type Options, requireOneOf, textOption, usage } from "./command.ts";

/** The options that name a cloud. */
export function cloudOptions(command: Command): Command {
  return command
    .option("--cloud <cloud>", `${[...CLOUD_NAMES, "custom"].join(", ")}`, "global")
    .option("--login <url>", "sign-in base address of a custom cloud")
    .option("--graph <url>", "Graph base address of a custom cloud");
}

/** @throws ConnectorError `usage` */
export function cloudOf(options: Options): CloudEntry {
  const [login, graph] = [textOption(options, "login"), textOption(options, "graph")];
  const kind = textOption(options, "cloud") ?? "";
  requireOneOf(kind, "cloud", [...CLOUD_NAMES, "custom"]);
  if (kind !== "custom") {
    if ((login ?? graph) !== undefined) throw usage("--login and --graph belong to --cloud custom alone.");
    return { kind: kind as (typeof CLOUD_NAMES)[number] };
  }
  if (login === undefined || graph === undefined) throw usage("--cloud custom needs --login URL and --graph URL.");
  return { kind: "custom", login, graph };
}

/** A tenant as people name it: its id, or one of its domains. @throws ConnectorError `usage` */
export function domainOrId(text: string): string {
  const tenant = tenantIn(text);
  if (tenant !== null) return tenant;
  throw usage("--tenant must be a directory (tenant) id or one of its domains, such as contoso.onmicrosoft.com.");
}
