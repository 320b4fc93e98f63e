import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { AccessReview, Source } from "@entrain/core";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { sourceOf } from "./testing.ts";

const simulators: Simulator[] = [];
after(() => Promise.all(simulators.map((simulator) => simulator.close())));

async function open(roles: readonly string[]): Promise<{ readonly simulator: Simulator; readonly source: Source }> {
  const simulator = await startSimulator({ people: 30, groups: 4, seed: 7, throttle: "off", roles });
  simulators.push(simulator);
  const source = sourceOf(simulator);
  return { simulator, source };
}

async function reviewsOf(source: Source, decisions: boolean): Promise<readonly AccessReview[]> {
  const signal = new AbortController().signal;
  const found: AccessReview[] = [];
  for await (const review of source.reviews?.({ decisions }, signal) ?? []) found.push(review);
  return found;
}

test("lists access reviews with their instances and, where asked for, each decision", async () => {
  const { simulator, source } = await open(["User.Read.All", "Group.Read.All", "AccessReview.ReadWrite.All"]);
  assert.deepEqual(await reviewsOf(source, true), []);
  const group = await biggestGroup(simulator);
  await send(simulator, "POST", "/identityGovernance/accessReviews/definitions", {
    displayName: "Who needs this group?",
    scope: {
      "@odata.type": "#microsoft.graph.accessReviewQueryScope",
      query: `/groups/${group}/transitiveMembers`,
      queryType: "MicrosoftGraph",
    },
    reviewers: [{ query: `/groups/${group}/owners`, queryType: "MicrosoftGraph" }],
    settings: { instanceDurationInDays: 14 },
  });
  const [review] = await reviewsOf(source, false);
  assert.equal(review?.name, "Who needs this group?");
  assert.equal(review?.instances[0]?.status, "InProgress");
  assert.equal(review?.instances[0]?.decisions, undefined);
  const [whole] = await reviewsOf(source, true);
  const decisions = whole?.instances[0]?.decisions ?? [];
  assert.ok(decisions.length > 0);
  for (const { decision, principal, reviewedBy } of decisions) {
    assert.deepEqual([decision, reviewedBy], ["NotReviewed", null]);
    assert.ok(principal.id !== "" && principal.name !== null);
  }
  await source.close();
});

test("names the permission that access reviews need", async () => {
  const { source } = await open(["User.Read.All"]);
  await assert.rejects(reviewsOf(source, false), /AccessReview\.Read\.All/);
  await source.close();
});

async function biggestGroup(simulator: Simulator): Promise<string> {
  const { value } = (await send(simulator, "GET", "/groups?$select=id&$top=50")) as { value: { id: string }[] };
  for (const { id } of value) {
    const members = (await send(simulator, "GET", `/groups/${id}/members?$select=id`)) as {
      value: { "@odata.type": string }[];
    };
    if (members.value.some((member) => member["@odata.type"] === "#microsoft.graph.user")) return id;
  }
  throw new Error("no group has people");
}

async function send(simulator: Simulator, method: string, path: string, body?: object): Promise<unknown> {
  const form = { grant_type: "client_credentials", client_id: simulator.client, client_secret: simulator.secret };
  const signedIn = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({ ...form, scope: "https://graph.microsoft.com/.default" }),
  });
  const { access_token } = (await signedIn.json()) as { readonly access_token: string };
  const response = await fetch(`${simulator.graph}/v1.0${path}`, {
    method,
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  assert.ok(response.ok, answer);
  return JSON.parse(answer);
}
