import type { Directory } from "../state/directory.ts";
import { uuidFrom } from "../state/identifiers.ts";
import { type DirectoryObject, isLive } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import { Records } from "./records.ts";

type Stored = Readonly<Record<string, Json>>;

const NOBODY = { id: "00000000-0000-0000-0000-000000000000", displayName: "", userPrincipalName: "" };
const DAY = 24 * 3600_000;
const DECISIONS_MOST = 500;

/** Access reviews of a tenant: definitions, and of each its instances and their decisions. */
export class Reviews {
  readonly definitions: Records = new Records();
  readonly #instances = new Map<string, Records>();
  readonly #decisions = new Map<string, Records>();
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  instances(definition: string): Records {
    return recordsIn(this.#instances, definition);
  }

  decisions(instance: string): Records {
    return recordsIn(this.#decisions, instance);
  }

  /** Adds a review of a group's members, with an instance in progress; `now` is milliseconds UTC. */
  start(definition: Stored, group: string | null, base: string, now: number): void {
    const id = String(definition.id);
    this.definitions.put(definition);
    const instance = uuidFrom("review instance", id);
    this.instances(id).put({
      id: instance,
      startDateTime: new Date(now).toISOString(),
      endDateTime: new Date(now + 14 * DAY).toISOString(),
      status: "InProgress",
      scope: definition.scope ?? null,
      reviewers: definition.reviewers ?? [],
      fallbackReviewers: [],
    });
    const found = group === null ? undefined : this.#directory.byId(group);
    if (found === undefined || !isLive(found)) return;
    for (const ordinal of found.members.slice(0, DECISIONS_MOST)) {
      const member = this.#directory.at(ordinal);
      if (member?.kind === "user") this.decisions(instance).put(decisionOn(member, found, instance, base));
    }
  }
}

function recordsIn(map: Map<string, Records>, key: string): Records {
  let records = map.get(key.toLowerCase());
  if (records === undefined) {
    records = new Records();
    map.set(key.toLowerCase(), records);
  }
  return records;
}

function decisionOn(user: DirectoryObject, group: DirectoryObject, instance: string, base: string): Stored {
  const { displayName = null, userPrincipalName = null, accountEnabled } = user.properties;
  return {
    id: uuidFrom("review decision", instance, user.id),
    accessReviewId: instance,
    reviewedDateTime: null,
    decision: "NotReviewed",
    justification: "",
    appliedDateTime: null,
    applyResult: "New",
    recommendation: accountEnabled === false ? "Deny" : "Approve",
    principalLink: `${base}/users/${user.id}`,
    resourceLink: `${base}/groups/${group.id}`,
    resource: {
      id: group.id,
      displayName: group.properties.displayName ?? null,
      type: "group",
    },
    reviewedBy: NOBODY,
    appliedBy: NOBODY,
    principal: { "@odata.type": "#microsoft.graph.userIdentity", id: user.id, displayName, userPrincipalName },
  };
}

/** What a reset makes of a decision. */
export function undecided(decision: Stored): Stored {
  return { ...decision, decision: "NotReviewed", justification: "", reviewedDateTime: null, reviewedBy: NOBODY };
}
