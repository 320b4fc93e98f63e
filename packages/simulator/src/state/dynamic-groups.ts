import { type MembershipRule, parseMembershipRule } from "../tenant/membership-rule.ts";
import { type DirectoryObject, isLive, type Kind, type Properties } from "./objects.ts";

/** What a review needs of the directory. Both writes do nothing when there is nothing to change. */
export interface MemberEdges {
  list(kind: Kind): readonly DirectoryObject[];
  at(ordinal: number): DirectoryObject | undefined;
  addMember(group: DirectoryObject, member: DirectoryObject): boolean;
  removeMember(group: DirectoryObject, member: DirectoryObject): boolean;
}

interface Rule {
  readonly text: string;
  /** Null when the rule is not understood: the group keeps the members that it has. */
  readonly belongs: MembershipRule | null;
}

/**
 * Keeps the members of dynamic groups in step with their rules, each compiled once. Entra takes minutes or hours for
 * what happens here at once ("Manage rules for dynamic membership groups in Microsoft Entra ID").
 */
export class DynamicGroups {
  readonly #edges: MemberEdges;
  readonly #rules = new Map<DirectoryObject, Rule>();

  constructor(edges: MemberEdges) {
    this.#edges = edges;
  }

  /** Takes note of a group's rule as it now stands; true when the group must be reviewed for it. */
  note(group: DirectoryObject): boolean {
    const text = activeRule(group.properties);
    if (text === (this.#rules.get(group)?.text ?? null)) return false;
    if (text === null) this.#rules.delete(group);
    else this.#rules.set(group, { text, belongs: compile(text) });
    return text !== null;
  }

  forget(group: DirectoryObject): void {
    this.#rules.delete(group);
  }

  /** Puts one person into the groups whose rules now name them, and out of the others. */
  reviewUser(user: DirectoryObject): void {
    if (this.#rules.size === 0 || !isLive(user)) return;
    const subject = { ...user.properties, id: user.id };
    for (const [group, { belongs }] of this.#rules) {
      if (belongs === null || !isLive(group)) continue;
      if (belongs(subject)) this.#edges.addMember(group, user);
      else this.#edges.removeMember(group, user);
    }
  }

  /** Gives a group exactly the people whom its rule names. */
  reviewGroup(group: DirectoryObject): void {
    const belongs = this.#rules.get(group)?.belongs ?? null;
    if (belongs === null || !isLive(group)) return;
    const named = (object: DirectoryObject): boolean =>
      object.kind === "user" && belongs({ ...object.properties, id: object.id });
    // From the end, because taking the first out of a long list moves all others.
    for (const ordinal of group.members.toReversed()) {
      const member = this.#edges.at(ordinal);
      if (member !== undefined && !named(member)) this.#edges.removeMember(group, member);
    }
    for (const user of this.#edges.list("user")) {
      if (isLive(user) && named(user)) this.#edges.addMember(group, user);
    }
  }
}

function activeRule({ groupTypes, membershipRule, membershipRuleProcessingState }: Properties): string | null {
  if (!Array.isArray(groupTypes) || !groupTypes.includes("DynamicMembership")) return null;
  return typeof membershipRule === "string" && membershipRuleProcessingState !== "Paused" ? membershipRule : null;
}

function compile(text: string): MembershipRule | null {
  try {
    return parseMembershipRule(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
