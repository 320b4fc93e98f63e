import type { Scene } from "./scene.ts";
import { newUser, reference } from "./tenant.ts";

/** Fifty changes as a company makes them in a day, through Graph, and what each sync must plan because of them. */
export interface Fifty {
  /** `action cause name` of each change in the plan of people, sorted. */
  readonly people: readonly string[];
  /** The same for groups; `members` with what is added and removed. */
  readonly groups: readonly string[];
}

interface Person {
  readonly id: string;
  readonly displayName: string;
}

/**
 * Makes the changes on a tenant whose people nobody else touches: at least 45 of them, cloud-mastered and enabled, and at
 * least six security groups in which none of them is a member.
 */
export async function makeFiftyChanges(
  scene: Scene,
  tenant: { readonly people: readonly Person[]; readonly groups: readonly Person[] },
): Promise<Fifty> {
  const people: string[] = [];
  const groups: string[] = [];
  const untouched = [...tenant.people];
  const take = (count: number): readonly Person[] => untouched.splice(0, count);
  const change = (id: string, body: object): Promise<unknown> => scene.graph("PATCH", `/users/${id}`, body);
  for (let at = 0; at < 8; at += 1) {
    await scene.graph("POST", "/users", newUser(`Fifty Joiner ${at}`));
    people.push(`create new Fifty Joiner ${at}`);
  }
  for (const { id, displayName } of take(8)) {
    await change(id, { displayName: `${displayName} Renamed`, userPrincipalName: `renamed.${id}@contoso.com` });
    people.push(`update attributes ${displayName} Renamed`);
  }
  for (const { id, displayName } of take(8)) {
    await change(id, { department: "Reorganised" });
    people.push(`update attributes ${displayName}`);
  }
  const managed = take(6);
  const [boss] = take(1);
  for (const { id, displayName } of managed) {
    await scene.graph("PUT", `/users/${id}/manager/$ref`, reference(boss?.id ?? ""));
    people.push(`update attributes ${displayName}`);
  }
  for (const { id, displayName } of take(4)) {
    await change(id, { accountEnabled: false });
    people.push(`disable disabled ${displayName}`);
  }
  for (const { id, displayName } of take(4)) {
    await scene.graph("DELETE", `/users/${id}`);
    people.push(`disable softDeleted ${displayName}`);
  }
  const [one, two, three, four] = tenant.groups;
  const joiners = take(6);
  for (const [at, { id }] of joiners.entries()) {
    await scene.graph("POST", `/groups/${at < 3 ? one?.id : two?.id}/members/$ref`, reference(id));
  }
  groups.push(`members memberships ${one?.displayName} +3 -0`, `members memberships ${two?.displayName} +3 -0`);
  await scene.graph("POST", "/groups", {
    displayName: "Fifty Founders",
    mailEnabled: false,
    mailNickname: "fifty.founders",
    securityEnabled: true,
    "members@odata.bind": [`https://graph.microsoft.com/v1.0/directoryObjects/${joiners[0]?.id}`],
  });
  groups.push("create new Fifty Founders", "members memberships Fifty Founders +1 -0");
  await scene.graph("PATCH", `/groups/${three?.id}`, { displayName: `${three?.displayName} Renamed` });
  groups.push(`update attributes ${three?.displayName} Renamed`);
  for (const { id } of await membersOf(scene, four?.id ?? "", 4)) {
    await scene.graph("DELETE", `/groups/${four?.id}/members/${id}/$ref`);
  }
  groups.push(`members memberships ${four?.displayName} +0 -4`);
  return { people: people.sort(), groups: groups.sort() };
}

async function membersOf(scene: Scene, group: string, count: number): Promise<readonly Person[]> {
  const answer = (await scene.graph("GET", `/groups/${group}/members?$top=${count}&$select=id,displayName`)) as {
    readonly value: readonly Person[];
  };
  return answer.value;
}
