import { approvalInWords } from "../runs/approval.ts";
import { begunPlans } from "../runs/begun.ts";
import { type HeldView, heldPlans } from "../runs/queries.ts";
import type { Invocation } from "./command.ts";
import { findRow } from "./entries.ts";
import { leftInWords, leftOf } from "./left.ts";
import { sentence } from "./output.ts";
import { printChanges, writeChanges } from "./plan.ts";
import { begunInWords, countsInWords, timeInWords } from "./wording.ts";

/** `sync held NAME`: every change that waits for approval, by name: nobody should approve a number. Written page by page. */
export async function heldCommand(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const { output } = invocation;
  const installation = await invocation.open();
  const { store } = installation;
  const { id } = await findRow(installation, "syncs", name);
  const plans = await heldPlans(store, id);
  if (output.json) {
    await output.piece("[");
    for (const [at, plan] of plans.entries()) {
      await output.piece(`${at > 0 ? ",\n" : ""}${JSON.stringify(plan).slice(0, -1)},"changes":[`);
      await writeChanges(output, store, plan.plan);
      const left = leavesSome(plan) ? `,"left":${JSON.stringify(await leftOf(store, plan.plan))}` : "";
      await output.piece(`]${left}}`);
    }
    await output.piece("]\n");
    return undefined;
  }
  for (const one of await begunPlans(store, id)) await output.say(begunInWords(name, one));
  if (plans.length === 0) await output.say(`Nothing of ${name} waits for approval.`);
  for (const held of plans) {
    const { plan, digest, counts, holds, since, approval } = held;
    await output.say(`Waiting since ${timeInWords(since)}: ${countsInWords(counts)}.`);
    if (approval !== null) await output.say(sentence(approvalInWords(approval)));
    for (const { detail } of holds) await output.say(detail);
    await printChanges(invocation, store, plan, { limit: Number.POSITIVE_INFINITY, ids: true });
    const left = leavesSome(held) ? await leftOf(store, plan) : [];
    const title = isUndoing(held) ? "Not undone:" : "These stay as they are:";
    if (left.length > 0) await output.say("", title, ...left.map(leftInWords));
    await output.say(
      "",
      `Do exactly this:  entrain sync approve ${name} --digest ${digest}`,
      `Do none of it:    entrain sync approve ${name} --digest ${digest} --reject`,
      `Not some of it:   entrain sync approve ${name} --digest ${digest} --without ID`,
      `Leave some alone: entrain sync exempt ${name} ${digest} --record ID`,
    );
  }
  return undefined;
}

/** An undoing, and what is done before a sync is removed, say what they leave as it is. */
function leavesSome(held: HeldView): boolean {
  return isUndoing(held) || held.holds.some(({ code }) => code === "remove");
}

function isUndoing({ holds }: HeldView): boolean {
  return holds.some(({ code }) => code === "undo");
}
