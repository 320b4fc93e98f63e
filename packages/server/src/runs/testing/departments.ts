import type { TargetLookups } from "@entrain/core";
import type { GraphUser, TenantFile } from "@entrain/simulator";
import type { PortalSettings } from "../../portal/kinds.ts";
import { createPortalTarget } from "../../portal/target.ts";
import type { Location } from "../../store/store.ts";
import type { Engine } from "../context.ts";
import { planIssues } from "../plan-queries.ts";
import type { RunOptions, RunSummary } from "../run.ts";
import { openScene, type Scene } from "./scene.ts";
import { person } from "./tenant.ts";
import { testClock } from "./time.ts";

export const ana: ReturnType<typeof person> = person("Ana", { department: "Sales" });
export const bo: ReturnType<typeof person> = person("Bo", { department: "sales" });
export const cy: ReturnType<typeof person> = person("Cy", { department: "Legal" });

/** A scene with a portal that keeps departments as the settings say, and a sync of these people to it. */
export async function openDepartments(
  portal: PortalSettings,
  of: {
    readonly users?: readonly GraphUser[];
    readonly managers?: TenantFile["managers"];
    readonly location?: Location | undefined;
  } = {},
): Promise<{ readonly scene: Scene; readonly sync: string; readonly clock: ReturnType<typeof testClock> }> {
  const { users = [ana, bo, cy], managers, location } = of;
  const clock = testClock();
  const tenant: TenantFile = { users: [...users], groups: [], ...(managers === undefined ? {} : { managers }) };
  const place = location === undefined ? {} : { location };
  const scene = await openScene({ clock, portal, simulator: { tenant }, ...place });
  return { scene, clock, sync: await scene.addSync("people", "portal", { records: "requester" }) };
}

/** Adds or renames what the portal keeps, as its administrator would. */
export async function keep({ store }: Scene, lookup: string, value: string, id = `val_${value}`): Promise<void> {
  const row = { target: "t_portal", id, lookup, value, value_key: value.toLowerCase(), created_at: store.clock.now() };
  await store.transaction(async (tx) => {
    await tx.deleteFrom("portal_lookups").where("id", "=", id).execute();
    await tx.insertInto("portal_lookups").values(row).execute();
  });
}

/** The departments of the requesters, by name: the value of the record that theirs leads to. */
export async function departments({ store }: Scene): Promise<{ readonly [name: string]: string | null }> {
  const people = await store.db.selectFrom("portal_requesters").select(["display_name", "attributes"]).execute();
  const values = await store.db.selectFrom("portal_lookups").select(["id", "value"]).execute();
  const said = (id: string | undefined): string | null =>
    id === undefined ? null : (values.find((one) => one.id === id)?.value ?? `nothing behind ${id}`);
  return Object.fromEntries(
    people.map((row) => [row.display_name, said((JSON.parse(row.attributes) as { department?: string }).department)]),
  );
}

/** What is wrong beside the changes of a run's first plan: `code: detail`, in their order. */
export async function issuesOfRun({ store }: Scene, { run }: Pick<RunSummary, "run">): Promise<readonly string[]> {
  const [plan] = await store.db.selectFrom("plans").select("id").where("run", "=", run).execute();
  const issues = await planIssues(store, plan?.id ?? "", { after: -1, limit: 200 });
  return issues.map(({ code, detail }) => `${code}: ${detail}`);
}

/** The scene's engine with a portal whose lookups are not what they seem. */
export function spoiled(
  { engine, store }: Scene,
  portal: PortalSettings,
  spoil: (lookups: TargetLookups) => Partial<TargetLookups>,
): Engine {
  const openTarget = async (): Promise<ReturnType<typeof createPortalTarget>> => {
    const target = createPortalTarget(store, "t_portal", portal);
    if (target.lookups === undefined) throw new Error("the portal has no lookups");
    return { ...target, lookups: { ...target.lookups, ...spoil(target.lookups) } };
  };
  return { ...engine, openTarget };
}

/** How a test runs a sync with an engine of its own. */
export function runOptions(sync: string): RunOptions {
  return {
    sync,
    actor: { kind: "system", id: "test" },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
}
