import { type AccessReview, ConnectorError } from "@entrain/core";
import type { Invocation, Options } from "./command.ts";
import { findRow } from "./entries.ts";

/** `connection reviews`: the tenant's access reviews as they stand; nothing is kept and nothing decided. */
export async function listReviews(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const installation = await invocation.open();
  const source = await installation.engine.openSource(await findRow(installation, "connections", name));
  const { output } = invocation;
  try {
    if (source.reviews === undefined) {
      throw new ConnectorError("not_found", "The source has no access reviews.", { stops: "run", retry: "never" });
    }
    let count = 0;
    for await (const review of source.reviews({ decisions: options.decisions === true }, invocation.signal)) {
      await output.piece(`${count === 0 ? "[" : ","}\n${JSON.stringify(review)}`);
      await output.say(...linesOf(review));
      count += 1;
    }
    await output.piece(count === 0 ? "[]\n" : "\n]\n");
    if (count === 0) await output.say("The tenant has no access reviews.");
  } finally {
    await source.close();
  }
  return undefined;
}

function linesOf(review: AccessReview): readonly string[] {
  return [
    `${review.name} (${review.status}) ${review.id}`,
    ...review.instances.flatMap(({ status, startsAt, endsAt, id, decisions = [] }) => [
      `  ${status}, ${dayOf(startsAt)} to ${dayOf(endsAt)}  ${id}`,
      ...decisions.map(
        ({ principal, resource, decision, reviewedBy }) =>
          `    ${principal.name ?? principal.id}${resource === null ? "" : ` in ${resource}`}: ${decision}${reviewedBy === null ? "" : ` by ${reviewedBy}`}`,
      ),
    ]),
  ];
}

function dayOf(time: string | null): string {
  return time?.slice(0, 10) ?? "no date";
}
