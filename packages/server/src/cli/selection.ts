import type { Command } from "commander";
import type { Selection } from "../runs/selection.ts";
import type { Trace } from "../runs/trace.ts";
import type { Store } from "../store/store.ts";
import { type Invocation, listOption, type Options, textOption, usage } from "./command.ts";
import { traceLines } from "./trace.ts";

/** Options that limit a plan to some records. */
export function selectionOptions(declared: Command): Command {
  return declared
    .option("--only <who...>", "only these: people by object id or sign-in name, groups by object id or name")
    .option("--group <group>", "only members of this group, nested ones included; of a sync of groups that group")
    .option("--filter <clause>", 'only whom a clause means: "department EQUALS Sales"');
}

/** What the options limit a plan to. @throws ConnectorError `usage` for more than one way of choosing */
export function selectionOf(options: Options): Selection | undefined {
  const [only, group, filter] = [
    listOption(options, "only"),
    textOption(options, "group"),
    textOption(options, "filter"),
  ];
  const ways = [only.length > 0, group !== undefined, filter !== undefined].filter(Boolean).length;
  if (ways > 1) throw usage("Choose by --only, by --group or by --filter: by one of these.");
  if (only.length > 0) return { only };
  if (group !== undefined) return { group };
  return filter === undefined ? undefined : { filter };
}

/** How the sync treats the one record that a plan is about; null for every other plan. */
export async function traceIn(store: Store, plan: string | null): Promise<Trace | null> {
  const row = await store.db
    .selectFrom("plans")
    .select("trace")
    .where("id", "=", plan ?? "")
    .executeTakeFirst();
  return row?.trace == null ? null : (JSON.parse(row.trace) as Trace);
}

export async function printTrace({ output }: Invocation, trace: Trace | null): Promise<void> {
  if (trace !== null) await output.say("", ...traceLines(trace));
}
