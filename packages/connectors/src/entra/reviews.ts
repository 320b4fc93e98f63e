import type { AccessReview, ReviewDecision, ReviewInstance } from "@entrain/core";
import type { Entity, GraphClient, GraphRequest } from "./client.ts";
import { wholeList } from "./whole-list.ts";

const ROOT = "/identityGovernance/accessReviews/definitions";
const REQUEST: GraphRequest = { permission: "AccessReview.Read.All" };

/**
 * Access reviews with their instances, and each instance's decisions where asked for ("Overview of access reviews APIs"). Reads
 * one review at a time, so that memory does not grow with their number.
 */
export async function* accessReviews(
  client: GraphClient,
  { decisions }: { readonly decisions: boolean },
  signal: AbortSignal,
): AsyncGenerator<AccessReview> {
  const list = (first: string, what: string) => wholeList(client, { first, request: REQUEST, what }, signal);
  for await (const definition of list(ROOT, "Reading access reviews")) {
    const path = `${ROOT}/${encodeURIComponent(definition.id)}/instances`;
    const instances: ReviewInstance[] = [];
    for await (const instance of list(path, "Reading the instances of an access review")) {
      const items: ReviewDecision[] = [];
      const below = `${path}/${encodeURIComponent(instance.id)}/decisions`;
      if (decisions) for await (const item of list(below, "Reading decisions")) items.push(decisionOf(item));
      instances.push({ ...instanceOf(instance), ...(decisions ? { decisions: items } : {}) });
    }
    const { id, displayName, status } = definition;
    yield { id, name: text(displayName) ?? "", status: text(status) ?? "", instances };
  }
}

function instanceOf({ id, status, startDateTime, endDateTime }: Entity): ReviewInstance {
  return { id, status: text(status) ?? "", startsAt: text(startDateTime), endsAt: text(endDateTime) };
}

function decisionOf({
  id,
  decision,
  recommendation,
  justification,
  reviewedDateTime,
  ...item
}: Entity): ReviewDecision {
  const principal = named(item.principal);
  const reviewer = named(item.reviewedBy);
  return {
    id,
    principal: { id: principal.id ?? "", name: principal.name },
    resource: named(item.resource).name,
    decision: text(decision) ?? "NotReviewed",
    recommendation: text(recommendation),
    justification: text(justification),
    reviewedBy: reviewer.name,
    reviewedAt: text(reviewedDateTime),
  };
}

function named(value: unknown): { readonly id: string | null; readonly name: string | null } {
  if (typeof value !== "object" || value === null) return { id: null, name: null };
  const { id, displayName } = value as { readonly id?: unknown; readonly displayName?: unknown };
  return { id: text(id), name: text(displayName) };
}

/** The service writes what is not set as an empty text. */
function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
