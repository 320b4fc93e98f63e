import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startClient, type TestClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";
import { startWebhook, type Webhook } from "../testing/webhook.ts";

const START = Date.UTC(2026, 5, 1);
const HOUR = 3600_000;
const TENANT = smallTenant(101, { [team(1)]: { members: [person(1)] }, [team(2)]: { members: [] } });

interface Subscribed {
  readonly client: TestClient;
  readonly webhook: Webhook;
  readonly notified: () => readonly Readonly<Record<string, unknown>>[];
}

async function setUp(t: TestContext, roles?: readonly string[]): Promise<Subscribed> {
  const webhook = await startWebhook(t);
  const client = await startClient(t, {
    tenant: TENANT,
    clock: () => START,
    ...(roles === undefined ? {} : { roles }),
  });
  return { client, webhook, notified: () => webhook.received.flatMap(({ value }) => value) };
}

function body(webhook: Webhook, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    changeType: "updated,deleted",
    notificationUrl: webhook.url,
    resource: "/users",
    expirationDateTime: new Date(START + 24 * HOUR).toISOString(),
    clientState: "known only to the two",
    ...more,
  };
}

function dataOf(notification: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return notification.resourceData as Readonly<Record<string, unknown>>;
}

test("a subscription is made after the handshake, listed, renewed, reauthorized and removed", async (t) => {
  const { client, webhook } = await setUp(t);
  const made = await client.send(
    "POST",
    "/subscriptions",
    body(webhook, { lifecycleNotificationUrl: `${webhook.url}/life?a=b` }),
  );
  assert.equal(made.status, 201, made.text);
  assert.equal(webhook.received.length, 2);
  assert.match(webhook.received[0]?.url ?? "", /^\/hook\?validationToken=Validation%3A%20Testing/);
  assert.match(webhook.received[1]?.url ?? "", /^\/hook\/life\?a=b&validationToken=/);
  assert.equal(webhook.received[0]?.type, "text/plain; charset=utf-8");
  const { id, applicationId, clientState } = made.body;
  assert.deepEqual([applicationId, clientState], [client.simulator.client, "known only to the two"]);
  assert.deepEqual(
    (await client.get("/subscriptions")).body.value?.map((one) => one.id),
    [id],
  );
  const renewed = await client.send("PATCH", `/subscriptions/${id}`, {
    expirationDateTime: new Date(START + 48 * HOUR).toISOString(),
  });
  assert.deepEqual([renewed.status, renewed.body.expirationDateTime], [200, "2026-06-03T00:00:00.000Z"]);
  assert.equal((await client.send("POST", `/subscriptions/${id}/reauthorize`)).status, 204);
  assert.equal((await client.send("DELETE", `/subscriptions/${id}`)).status, 204);
  assert.equal((await client.get(`/subscriptions/${id}`)).status, 404);
});

test("what the documentation does not allow is refused", async (t) => {
  const { client, webhook } = await setUp(t);
  const refused: readonly (readonly [Readonly<Record<string, unknown>>, number, RegExp])[] = [
    [{ changeType: "created" }, 400, /changeType/],
    [{ resource: "/me/messages" }, 400, /not supported/],
    [{ resource: "/groups/members" }, 404, /does not exist/],
    [{ resource: `/users/${person(199)}` }, 404, /does not exist/],
    [{ notificationUrl: "http://example.com/hook" }, 400, /HTTPS/],
    [{ notificationUrl: undefined }, 400, /required/],
    [{ clientState: "x".repeat(129) }, 400, /128/],
    [{ includeResourceData: true }, 400, /includeResourceData/],
    [{ expirationDateTime: new Date(START - 1).toISOString() }, 400, /future/],
    [{ expirationDateTime: new Date(START + 41_761 * 60_000).toISOString() }, 400, /41760 minutes/],
  ];
  for (const [change, status, message] of refused) {
    const answer = await client.send("POST", "/subscriptions", body(webhook, change));
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.body.error?.message ?? "", message);
  }
  assert.equal(webhook.received.length, 0);
  assert.equal((await client.get("/subscriptions?$filter=resource eq 'x'")).status, 400);
});

test("a subscriber that does not return the token, or takes more than ten seconds, gets no subscription", async (t) => {
  const { client, webhook } = await setUp(t);
  const replies = [
    [() => ({ status: 403 }), /'403'.*200 OK/],
    [() => ({ status: 200, type: "text/plain", text: "Validation%3A" }), /exactly match/],
    [() => ({ status: 200, type: "application/json", text: "{}" }), /text\/plain/],
    [() => void client.simulator.advance(10_001), /timed out/],
  ] as const;
  for (const [respond, message] of replies) {
    webhook.respond = respond as Webhook["respond"];
    const { status, body: answer } = await client.send("POST", "/subscriptions", body(webhook));
    assert.deepEqual([status, answer.error?.code], [400, "ValidationError"]);
    assert.match(answer.error?.message ?? "", message);
  }
  assert.deepEqual(client.simulator.notifications.subscriptions(), []);
});

test("the permission to read the resource is the permission to subscribe to it", async (t) => {
  const { client, webhook } = await setUp(t, ["User.Read.All"]);
  assert.equal((await client.send("POST", "/subscriptions", body(webhook))).status, 201);
  assert.equal((await client.send("POST", "/subscriptions", body(webhook, { resource: "groups" }))).status, 403);
});

test("a second subscription of an app to the same resource and change types is refused, wherever it leads", async (t) => {
  const { client, webhook } = await setUp(t);
  const { body: first } = await client.send("POST", "/subscriptions", body(webhook));
  const twin = { resource: "users", changeType: "deleted,updated", notificationUrl: `${webhook.url}/elsewhere` };
  const { status, body: refused } = await client.send("POST", "/subscriptions", body(webhook, twin));
  assert.equal(status, 409);
  assert.match(refused.error?.message ?? "", new RegExp(`${first.id} already exists for the requested combination`));
  for (const other of [{ changeType: "updated" }, { resource: "/groups" }, { resource: `/users/${person(1)}` }]) {
    assert.equal((await client.send("POST", "/subscriptions", body(webhook, other))).status, 201);
  }
});

test("an app has at most a hundred subscriptions in a tenant", async (t) => {
  const { client, webhook } = await setUp(t);
  const subscribe = async (to: number): Promise<number> =>
    (await client.send("POST", "/subscriptions", body(webhook, { resource: `/users/${person(to)}` }))).status;
  for (let i = 1; i <= 100; i++) assert.equal(await subscribe(i), 201);
  assert.equal(await subscribe(101), 403);
});

test("creation, change and soft deletion are told as updated, permanent deletion as deleted", async (t) => {
  const { client, webhook, notified } = await setUp(t);
  const { body: subscription } = await client.send("POST", "/subscriptions", body(webhook));
  await client.send("PATCH", `/users/${person(1)}`, { city: "Oslo" });
  await client.send("DELETE", `/users/${person(2)}`);
  await client.send("DELETE", `/directory/deletedItems/${person(2)}`);
  await client.send("PATCH", `/groups/${team(1)}`, { description: "Not watched" });
  await client.simulator.notifications.idle();
  const told = notified().map(({ changeType, resource }) => [changeType, resource]);
  assert.deepEqual(told.slice(0, 1), [["updated", `Users/${person(1)}`]]);
  assert.ok(told.some(([type, path]) => type === "updated" && path === `Users/${person(2)}`));
  assert.deepEqual(told.at(-1), ["deleted", `Users/${person(2)}`]);
  const { "@odata.etag": etag, sequenceNumber, ...data } = dataOf(notified()[0]);
  assert.match(String(etag), /^W\/".+"$/);
  assert.equal(typeof sequenceNumber, "number");
  assert.deepEqual(data, {
    "@odata.type": "#Microsoft.Graph.User",
    "@odata.id": `Users/${person(1)}`,
    id: person(1),
    organizationId: client.simulator.tenant,
  });
  const { id: _, resourceData: __, resource: ___, ...common } = notified()[0] ?? {};
  assert.deepEqual(common, {
    subscriptionId: subscription.id,
    subscriptionExpirationDateTime: "2026-06-02T00:00:00.000Z",
    tenantId: client.simulator.tenant,
    clientState: "known only to the two",
    changeType: "updated",
  });
});

test("one group's members are told to who watches them, and to who watches the group", async (t) => {
  const { client, webhook, notified } = await setUp(t);
  const resources = [`/groups/${team(1)}/members`, `/groups('${team(1)}')`, `/groups/${team(2)}`];
  const ids: unknown[] = [];
  for (const resource of resources) {
    ids.push((await client.send("POST", "/subscriptions", body(webhook, { resource }))).body.id);
  }
  await client.send("POST", `/groups/${team(1)}/members/$ref`, {
    "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${person(3)}`,
  });
  await client.simulator.notifications.idle();
  assert.deepEqual(
    notified()
      .map(({ subscriptionId }) => subscriptionId)
      .toSorted(),
    ids.slice(0, 2).toSorted(),
  );
  assert.deepEqual(dataOf(notified()[0])["members@delta"], [{ id: person(3) }]);
});

test("a burst is batched and arrives complete", async (t) => {
  const { client, webhook, notified } = await setUp(t);
  await client.send("POST", "/subscriptions", body(webhook));
  const { last } = await client.all("/users/delta?$deltatoken=latest");
  webhook.received.length = 0;
  client.simulator.churn(300);
  await client.simulator.notifications.idle();
  assert.ok(webhook.received.length < 20, String(webhook.received.length));
  const changed = await client.all(String(last["@odata.deltaLink"]));
  const told = new Set(notified().map(({ resource }) => String(resource).split("/")[1]));
  for (const { id } of changed.records) assert.ok(told.has(String(id)), String(id));
  assert.ok(notified().length > 30);
});

test("what is not accepted is sent again, more and more slowly, for four hours", async (t) => {
  const { client, webhook } = await setUp(t);
  await client.send("POST", "/subscriptions", body(webhook));
  webhook.received.length = 0;
  webhook.respond = () => ({ status: 503 });
  const { notifications } = client.simulator;
  await client.send("PATCH", `/users/${person(1)}`, { city: "Oslo" });
  await notifications.idle();
  assert.deepEqual([webhook.received.length, notifications.waiting()], [1, 1]);
  client.simulator.advance(10_000);
  await notifications.idle();
  assert.equal(webhook.received.length, 2);
  for (let i = 0; i < 50 && notifications.waiting() > 0; i++) {
    client.simulator.advance(600_000);
    await notifications.idle();
  }
  assert.equal(notifications.waiting(), 0);
  const last = notifications.deliveries().at(-1);
  assert.equal(last?.outcome, "given up");
  const ids = new Set(webhook.received.flatMap(({ value }) => value.map(({ id }) => id)));
  assert.equal(ids.size, 1);
  assert.ok((last?.at ?? 0) - START <= 4.5 * HOUR);
});

test("a subscriber that answers slowly is delayed ten minutes, or dropped when it is slow too often", async (t) => {
  const { client, webhook } = await setUp(t);
  await client.send("POST", "/subscriptions", body(webhook));
  const { notifications } = client.simulator;
  let slow = 1;
  webhook.respond = () => void (slow-- > 0 ? client.simulator.advance(3000) : undefined);
  const change = async (number: number): Promise<void> => {
    await client.send("PATCH", `/users/${person(1)}`, { city: `City ${number}` });
    await notifications.idle();
  };
  for (let i = 0; i < 9; i++) await change(i);
  assert.equal(notifications.waiting(), 0);
  slow = 1; // Two slow answers of eleven are more than 15 %.
  await change(9);
  await change(10);
  assert.equal(notifications.deliveries().at(-1)?.outcome, "dropped");
  client.simulator.advance(11 * 60_000);
  await change(11);
  assert.equal(notifications.deliveries().at(-1)?.outcome, "accepted");
});

test("faults delay, drop, double and reorder notifications", async (t) => {
  const { client, webhook, notified } = await setUp(t);
  await client.send("POST", "/subscriptions", body(webhook));
  const { notifications, faults } = client.simulator;
  const path = (number: number): string => `/users/${person(number)}`;
  faults.set([
    { path: path(1), action: { type: "notify-delay", ms: 5000 } },
    { path: path(2), action: { type: "notify-drop" } },
    { path: path(3), action: { type: "notify-duplicate" } },
    { path: path(4), action: { type: "notify-reorder" } },
  ]);
  for (let i = 1; i <= 5; i++) {
    await client.send("PATCH", path(i), { city: "Oslo" });
    await notifications.idle();
  }
  const told = (): readonly unknown[] => notified().map(({ resource }) => String(resource).slice(-1));
  assert.deepEqual(told(), ["3", "3", "5", "4"]);
  client.simulator.advance(5000);
  await notifications.idle();
  assert.deepEqual(told(), ["3", "3", "5", "4", "1"]);
  assert.deepEqual(
    faults.list().map(({ struck }) => struck),
    [1, 1, 1, 1],
  );
});

test("a notification can come before the replica that answers delta knows of the change", async (t) => {
  const { client, webhook, notified } = await setUp(t);
  const { last } = await client.all("/users/delta?$deltatoken=latest");
  await client.send("POST", "/subscriptions", body(webhook));
  client.simulator.faults.set([{ path: "/users/delta", action: { type: "lag", ms: 30_000 } }]);
  client.simulator.advance(60_000);
  await client.send("PATCH", `/users/${person(1)}`, { displayName: "Renamed" });
  await client.simulator.notifications.idle();
  assert.equal(notified().length, 1);
  const link = String(last["@odata.deltaLink"]);
  assert.deepEqual((await client.get(link)).body.value, []);
  client.simulator.advance(31_000);
  assert.equal((await client.get(link)).body.value?.length, 1);
});

test("an ending subscription is challenged, then ends; a renewal is challenged anew", async (t) => {
  const { client, webhook, notified } = await setUp(t);
  const { body: made } = await client.send(
    "POST",
    "/subscriptions",
    body(webhook, { lifecycleNotificationUrl: `${webhook.url}/life` }),
  );
  const { notifications } = client.simulator;
  client.simulator.advance(23 * HOUR + 46 * 60_000);
  await notifications.idle();
  await notifications.idle();
  assert.deepEqual(notified(), [
    {
      subscriptionId: made.id,
      subscriptionExpirationDateTime: "2026-06-02T00:00:00.000Z",
      tenantId: client.simulator.tenant,
      clientState: "known only to the two",
      lifecycleEvent: "reauthorizationRequired",
    },
  ]);
  client.simulator.advance(15 * 60_000);
  assert.deepEqual(notifications.subscriptions(), []);
});

test("a lost permission stops notifications until the subscription is reauthorized with it", async (t) => {
  const { client, webhook, notified } = await setUp(t);
  const { body: made } = await client.send(
    "POST",
    "/subscriptions",
    body(webhook, { lifecycleNotificationUrl: `${webhook.url}/life` }),
  );
  const { notifications } = client.simulator;
  client.simulator.setRoles(["Group.Read.All"]);
  await notifications.idle();
  assert.equal(notified()[0]?.lifecycleEvent, "reauthorizationRequired");
  client.simulator.churn(5);
  await notifications.idle();
  assert.equal(notified().length, 1);
  await client.signIn();
  assert.equal((await client.send("POST", `/subscriptions/${made.id}/reauthorize`)).status, 403);
  client.simulator.setRoles(["User.ReadWrite.All"]);
  await client.signIn();
  assert.equal((await client.send("POST", `/subscriptions/${made.id}/reauthorize`)).status, 204);
  await client.send("PATCH", `/users/${person(1)}`, { city: "Oslo" });
  await notifications.idle();
  assert.equal(notified().length, 2);
});
