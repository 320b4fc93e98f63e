import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type Client, startTestServer, type TestServer } from "../../packages/server/src/api/testing.ts";
import { skipUnless } from "../servers.ts";
import { builtConsole, launchBrowser, type openPage } from "./browser.ts";
import { changeable, openConsole, PEOPLE, runPeople } from "./steps.ts";

describe("what a review shows", { skip: skipUnless("chromium") }, () => {
  let browser: Browser;
  let server: TestServer;
  let client: Client;

  before(async () => {
    browser = await launchBrowser();
    server = await startTestServer({ simulator: { people: 80, groups: 2 }, api: { consoleFolder: builtConsole() } });
    client = await server.signIn();
    await run();
  });
  after(async () => {
    await browser.close();
    await server.close();
  });

  const run = (): Promise<string> => runPeople(server, client);
  const open = async (operator: string, options: Parameters<typeof openPage>[1] = {}): Promise<Page> =>
    (await openConsole(browser, server, { operator, options })).page;

  it("tells what cannot be undone where undoing is decided on", async () => {
    const { id: one } = await changeable(client);
    const { id: other } = await changeable(client, [one]);
    for (const id of [one, other]) await server.graph("PATCH", `/users/${id}`, { jobTitle: "Harbour pilot" });
    const changed = await run();
    const { store } = server.installation;
    const record = await store.db
      .selectFrom("portal_requesters")
      .select(["id", "target", "attributes"])
      .where("external_id", "=", other)
      .executeTakeFirstOrThrow();
    const attributes = JSON.stringify({ ...JSON.parse(record.attributes), jobTitle: "Captain" });
    await store.transaction(async (tx) => {
      const held = tx.updateTable("portal_requesters").where("id", "=", record.id).where("target", "=", record.target);
      await held.set({ attributes }).execute();
    });
    const page = await open("olga");
    await page.goto(`${server.url}/#run/${changed}`);
    const panel = page.getByRole("dialog", { name: "Run of people" });
    await panel.getByRole("button", { name: "Plan to undo this run" }).click();
    const left = panel.getByRole("region", { name: "Not undone" });
    await left.getByText(/jobTitle was changed in the target since, so it stays/).waitFor();
    await panel.getByRole("button", { name: /^Review .* that waits$/ }).click();
    const dialog = page.getByRole("dialog", { name: /^Approve/ });
    await dialog.getByText(/jobTitle was changed in the target since, so it stays/).waitFor();
    await dialog.getByRole("button", { name: "Reject…" }).click();
    await page.getByRole("button", { name: /^Reject 1 change/ }).click();
    await page.getByRole("dialog", { name: /^Reject/ }).waitFor({ state: "detached" });
  });

  it("says so when somebody else decides meanwhile, and lets nobody believe that they did", async () => {
    const { body } = await client.get("/api/v1/people?search=e&limit=40");
    for (const { id } of body.items) await server.graph("DELETE", `/users/${id}`);
    await run();
    const [alice, bob] = await Promise.all([open("alice"), open("bob")]);
    for (const page of [alice, bob]) await page.getByRole("button", { name: /^Review .* of people$/ }).click();
    await bob.getByRole("button", { name: "Approve and apply" }).waitFor();
    await alice.getByRole("button", { name: "Reject…" }).click();
    await alice.getByRole("button", { name: /^Reject \d+ removals$/ }).click();
    await alice.getByRole("dialog").waitFor({ state: "detached" });
    const approve = bob.getByRole("button", { name: "Approve and apply" });
    const told = bob.getByText("It was rejected meanwhile: nothing of it was done.");
    // The stream may have told it before the button could be pressed.
    await approve.or(told).waitFor();
    if (await approve.isVisible()) await approve.click();
    await told.waitFor();
    assert.equal((await client.get(PEOPLE)).body.status.lastRun.counts.disable, 0);
    await bob.getByRole("button", { name: "Close" }).click();
    await bob.getByRole("dialog").waitFor({ state: "detached" });
  });

  it("shows what would be changed in a low window, too", async () => {
    await run();
    const page = await open("olga", { viewport: { width: 640, height: 400 } });
    await page.getByRole("button", { name: /^Review .* of people$/ }).click();
    const list = page.getByRole("region", { name: "What would be changed" });
    await list.getByRole("listitem").first().waitFor();
    await list.scrollIntoViewIfNeeded();
    const box = await list.boundingBox();
    assert.ok(box !== null && box.height >= 190, `${box?.height} pixels`);
    assert.ok(box.y < 400 && box.y + box.height > 0, "it can be scrolled to");
  });
});
