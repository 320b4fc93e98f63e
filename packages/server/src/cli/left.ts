import { planIssues } from "../runs/plan-queries.ts";
import type { Store } from "../store/store.ts";

const PAGE = 500;

/** What of a run cannot come back, with the reason. */
export interface Left {
  readonly code: string;
  readonly objectId: string | null;
  readonly name: string | null;
  readonly detail: string;
}

/** All that the plan which undoes a run leaves as it is. */
export async function leftOf(store: Store, plan: string): Promise<readonly Left[]> {
  const left: Left[] = [];
  for (let after = -1; ; ) {
    const page = await planIssues(store, plan, { after, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) return left;
    left.push(...page.map(({ code, objectId = null, name = null, detail }) => ({ code, objectId, name, detail })));
    after = last.ordinal;
  }
}

/** `Ana: a later run changed jobTitle, so it stays`, indented. */
export function leftInWords({ name, objectId, detail }: Left): string {
  return `  ${name ?? objectId ?? ""}: ${detail}`;
}
