import { ConnectorError, type SyncDefinition } from "@entrain/core";
import type { Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import { approvalsOf, type PlanApproval, saveApproval } from "../store/plan-approvals.ts";
import type { PlanRow } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import type { Actor } from "./context.ts";

/** Who approved a plan whose sync asks for a second operator, and who still has to. */
export interface Approval {
  readonly given: readonly PlanApproval[];
  /** How many more must approve it before it is applied. */
  readonly missing: number;
  /** Who cannot: they asked for the plan, or changed the sync last. */
  readonly barred: readonly { readonly id: string; readonly why: "asked" | "changed" }[];
}

type Reader = Transaction<DB> | Store["db"];

/**
 * How far the approval of a plan has come; null where any one operator will do. Two people stand behind such a plan: who
 * asked for it or changed the sync last, and somebody else; where neither is a person, two who approve. A plan that was
 * made while a second operator was asked for keeps asking, whatever the sync says by now. People are told apart by their
 * names: an operator of the console and a user of the command line of one name are one.
 */
export async function approvalOf(db: Reader, plan: PlanRow): Promise<Approval | null> {
  if (plan.approval !== "second" && !(await asksForSecond(db, plan.sync))) return null;
  const barred = await barredFrom(db, plan);
  const names = new Set(barred.map(({ id }) => id));
  const given = (await approvalsOf(db, plan.id)).filter(({ actor }) => !names.has(actor.id));
  const approved = new Set(given.map(({ actor }) => actor.id)).size;
  return { given, missing: Math.max(0, (barred.length > 0 ? 1 : 2) - approved), barred };
}

async function asksForSecond(db: Reader, sync: string): Promise<boolean> {
  const row = await db.selectFrom("syncs").select("definition").where("id", "=", sync).executeTakeFirst();
  return row !== undefined && (JSON.parse(row.definition) as SyncDefinition).approval === "second";
}

async function barredFrom(db: Reader, plan: PlanRow): Promise<Approval["barred"]> {
  const change = await db
    .selectFrom("revisions")
    .select("actor")
    .where("subject_kind", "=", "sync")
    .where("subject", "=", plan.sync)
    .orderBy("number", "desc")
    .limit(1)
    .executeTakeFirst();
  const asked = personIn(plan.asked_by);
  const changed = personIn(change?.actor ?? null);
  return [
    ...(asked === null ? [] : [{ id: asked, why: "asked" as const }]),
    ...(changed === null || changed === asked ? [] : [{ id: changed, why: "changed" as const }]),
  ];
}

function personIn(actor: string | null): string | null {
  if (actor === null) return null;
  const { kind, id } = JSON.parse(actor) as Actor;
  return kind === "operator" || kind === "command" ? id : null;
}

/** Refuses who cannot approve a plan, before anything begins. @throws ConnectorError `second_operator` */
export async function refuseBarred(db: Reader, plan: PlanRow, actor: Actor): Promise<void> {
  const approval = await approvalOf(db, plan);
  const bar = approval?.barred.find(({ id }) => id === actor.id);
  if (approval === null || bar === undefined) return;
  const why = bar.why === "asked" ? "asked for it" : "changed the sync last";
  const message = `${actor.id} cannot approve this plan: it takes a second operator, and ${actor.id} ${why}.`;
  throw new ConnectorError("second_operator", message, { stops: "run", retry: "never" });
}

/**
 * Keeps an approval where a second operator is asked for, in the caller's transaction. Answers what the approval has come
 * to, null where one operator will do. @throws ConnectorError `second_operator` for who cannot approve it
 */
export async function giveApproval(
  tx: Transaction<DB>,
  store: Store,
  { plan, actor, run }: { readonly plan: PlanRow; readonly actor: Actor; readonly run: string },
): Promise<Approval | null> {
  await refuseBarred(tx, plan, actor);
  if ((await approvalOf(tx, plan)) === null) return null;
  await saveApproval(tx, plan.id, { actor, at: store.clock.now() });
  const approval = await approvalOf(tx, plan);
  if (approval === null || approval.missing === 0) return approval;
  const reason = approvalInWords(approval);
  const entry = { type: "approval", actor, plan: plan.id, run, detail: plan.digest, reason };
  await appendJournal(tx, store, streamOf({ id: plan.sync }), [entry]);
  return approval;
}

/** `approved by ana; one more must approve it, but not olga, who asked for it`. */
export function approvalInWords({ given, missing, barred }: Approval): string {
  const names = given.map(({ actor }) => actor.id).join(" and ");
  const who = barred.map(({ id, why }) => `${id}, who ${why === "asked" ? "asked for it" : "changed the sync last"}`);
  const but = who.length === 0 ? "" : `, but not ${who.join(", nor ")}`;
  const more = missing === 2 ? "two operators must approve it" : "one more operator must approve it";
  return [...(names === "" ? [] : [`approved by ${names}`]), ...(missing === 0 ? [] : [`${more}${but}`])].join("; ");
}
