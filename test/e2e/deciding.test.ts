import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { type Client, NAMES, startTestServer, type TestServer } from "../../packages/server/src/api/testing.ts";
import { changeConfiguration } from "../../packages/server/src/config/apply.ts";
import type { UnsyncedView } from "../../packages/server/src/runs/failures/unsynced.ts";
import { skipUnless } from "../servers.ts";
import { builtConsole, launchBrowser } from "./browser.ts";
import { changeable, openConsole, PEOPLE, runPeople } from "./steps.ts";

describe("what an operator decides in a browser", { skip: skipUnless("chromium") }, () => {
  let browser: Browser;
  let server: TestServer;
  let client: Client;

  before(async () => {
    browser = await launchBrowser();
    server = await startTestServer({
      simulator: { people: 150, groups: 4 },
      api: { consoleFolder: builtConsole() },
    });
    await signInByMail();
    client = await server.signIn();
    await run();
  });
  after(async () => {
    await browser.close();
    await server.close();
  });

  /** Has whoever holds no mail address be unsynced: the target takes nobody without a sign-in name. */
  async function signInByMail(): Promise<void> {
    const { store, keyring, types } = server.installation;
    const actor = { kind: "command", id: "test" } as const;
    await changeConfiguration({ store, keyring, types, prune: false, demo: false, actor }, (document) => {
      const people = document.syncs.get(NAMES.people);
      assert.ok(people !== undefined);
      const mapping = { ...people.mapping, userName: { direct: "mail" } };
      return { ...document, syncs: new Map([...document.syncs, [NAMES.people, { ...people, mapping }]]) };
    });
  }

  const run = (): Promise<string> => runPeople(server, client);
  const open = (): ReturnType<typeof openConsole> => openConsole(browser, server);

  async function unsynced(query = ""): Promise<readonly Pick<UnsyncedView, "id" | "name" | "code">[]> {
    return (await client.get(`${PEOPLE}/unsynced?limit=200${query}`)).body.items;
  }

  /** Somebody unsynced whom no other record's reason names. */
  async function withoutAddress(): Promise<Pick<UnsyncedView, "id" | "name">> {
    const [first] = await unsynced("&code=value_missing");
    assert.ok(first !== undefined);
    return first;
  }

  it("finds unsynced records, ignores one with a note, takes it up again, and has all of them tried", async () => {
    const all = await unsynced();
    const first = await withoutAddress();
    const others = all.filter(({ id }) => id !== first.id);
    assert.ok(others.length > 1);
    const { page, complaints } = await open();
    await page.getByRole("link", { name: `${others.length + 1} unsynced records of people` }).click();
    const panel = page.getByRole("dialog");
    const items = panel.getByRole("list", { name: "Unsynced records" }).getByRole("listitem");
    await counts(items, others.length + 1);

    await panel.getByRole("searchbox").fill(first.id);
    await counts(items, 1);
    assert.equal(await panel.getByRole("button", { name: "Try all again" }).count(), 0);
    await panel.getByRole("button", { name: `Ignore ${first.name}` }).click();
    await panel.getByRole("textbox", { name: "Why it may stay as it is" }).fill("A room, not a person.");
    await panel.getByRole("button", { name: "Ignore with this note" }).click();
    await panel.getByText("No unsynced record is like that.").waitFor();
    await panel.getByRole("searchbox").fill("");
    await counts(items, others.length);

    await panel.getByRole("button", { name: "Ignored 1" }).click();
    await panel.getByText("A room, not a person.").waitFor();
    await panel.getByRole("button", { name: `Ignore no more: ${first.name}` }).click();
    await panel.getByText("No unsynced record is like that.").waitFor();
    assert.equal((await unsynced("&state=ignored")).length, 0);

    await panel.getByRole("button", { name: `Unsynced ${others.length + 1}` }).click();
    await panel.getByRole("button", { name: "Show only value_missing" }).first().click();
    const missing = all.filter(({ code }) => code === "value_missing").length;
    await counts(items, missing);
    await panel.getByRole("button", { name: "Try all of value_missing again" }).click();
    const said = panel.getByText(new RegExp(`^${missing} records? (is|are) tried by the next run\\.$`));
    await said.waitFor();
    await panel.getByRole("button", { name: "Show more than value_missing" }).click();
    await panel.getByRole("button", { name: "Try all again" }).waitFor();
    assert.equal(await said.count(), 0);
    assert.deepEqual(complaints, []);
  });

  it("keeps the focus in the panel when a record leaves the list, so that the keyboard goes on working there", async () => {
    const first = await withoutAddress();
    const { page, complaints } = await open();
    await page.getByRole("link", { name: /unsynced records of people/ }).click();
    const panel = page.getByRole("dialog");
    const list = panel.getByRole("list", { name: "Unsynced records" });
    await panel.getByRole("searchbox").fill(first.id);
    await counts(list.getByRole("listitem"), 1);
    await panel.getByRole("button", { name: `Ignore ${first.name}` }).press("Enter");
    await panel.getByRole("textbox", { name: "Why it may stay as it is" }).fill("A room, not a person.");
    await page.keyboard.press("Enter");
    await counts(list.getByRole("listitem"), 0);
    await focused(list);
    await panel.getByRole("button", { name: "Ignored 1" }).click();
    await panel.getByRole("button", { name: `Ignore no more: ${first.name}` }).press("Enter");
    await counts(list.getByRole("listitem"), 0);
    await focused(list);
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
    assert.deepEqual(complaints, []);
  });

  it("names its commands by the words that are seen on them (WCAG 2.5.3)", async () => {
    const { page } = await open();
    const wrong = await misnamed(page);
    await page.getByRole("link", { name: /unsynced records of people/ }).click();
    const panel = page.getByRole("dialog");
    await panel
      .getByRole("button", { name: /^Try again: / })
      .first()
      .waitFor();
    assert.deepEqual([...wrong, ...(await misnamed(page))], []);
  });

  it("takes the unsynced records that are shown along as a file for spreadsheets", async () => {
    const first = await withoutAddress();
    const { page } = await open();
    await page.getByRole("link", { name: /unsynced records of people/ }).click();
    await page.getByRole("dialog").getByRole("searchbox").fill(first.id);
    await counts(page.getByRole("list", { name: "Unsynced records" }).getByRole("listitem"), 1);
    const saved = page.waitForEvent("download");
    await page.getByRole("link", { name: "Save as CSV" }).click();
    const text = await readFile((await (await saved).path()) ?? "", "utf8");
    assert.match(text, /^\uFEFFName,/);
    assert.equal(text.trim().split("\r\n").length, 2);
    assert.ok(text.includes(first.id));
  });

  it("tells the history of a person, each change with what came of it and what it wrote", async () => {
    const one = await changeable(client);
    await server.graph("PATCH", `/users/${one.id}`, { jobTitle: "Harbour pilot" });
    await run();
    const { page, complaints } = await open();
    await page.getByRole("searchbox", { name: "Find a person" }).fill(one.id);
    await page.getByRole("list", { name: "People found" }).getByRole("link").first().click();
    const history = page.getByRole("dialog").getByRole("list", { name: "History" }).getByRole("listitem");
    await counts(history, 2);
    const [update, create] = [history.nth(0), history.nth(1)];
    await update.getByText("Done", { exact: true }).waitFor();
    await update.getByText("What it writes").click();
    await update.getByRole("cell", { name: "Harbour pilot" }).waitFor();
    await create.getByText("Create", { exact: true }).waitFor();
    await create.getByText("operator olga").waitFor();
    assert.deepEqual(complaints, []);
  });

  it("shows counts that are as new as the records below them when a run ends", async () => {
    const before = await unsynced();
    const { page, complaints } = await open();
    await page.getByRole("link", { name: /unsynced records of people/ }).click();
    const panel = page.getByRole("dialog");
    await panel.getByRole("button", { name: `Unsynced ${before.length}` }).waitFor();
    const missing = before.filter(({ code }) => code === "value_missing");
    // What is mastered on premises takes no change.
    const given = missing.map(({ id }) => server.graph("PATCH", `/users/${id}`, { mail: `${id}@contoso.com` }));
    assert.ok((await Promise.allSettled(given)).some(({ status }) => status === "fulfilled"));
    await run();
    const after = (await unsynced()).length;
    assert.ok(after < before.length);
    await counts(panel.getByRole("list", { name: "Unsynced records" }).getByRole("listitem"), after);
    await panel.getByRole("button", { name: `Unsynced ${after}` }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it("leaves somebody out of a held plan: they wait on in a plan of their own, and nothing is applied", async () => {
    const { body } = await client.get("/api/v1/people?search=e&limit=60");
    for (const { id } of body.items) await server.graph("DELETE", `/users/${id}`);
    await run();
    const [held] = (await client.get(PEOPLE)).body.status.held;
    const total = held.counts.disable;
    const { page, complaints } = await open();
    await page.getByRole("button", { name: /^Review .* of people$/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Leave some out…" }).click();
    const leave = dialog.getByRole("button", { name: "Leave 0 records out" });
    assert.equal(await leave.getAttribute("aria-disabled"), "true");
    const boxes = dialog.getByRole("checkbox", { name: /^Leave out / });
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await boxes.nth(1).uncheck();
    await dialog.getByRole("button", { name: "Leave 1 record out" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("1 record was left out.", { exact: true }).waitFor();
    await page.getByText("1 removal waits for your approval.").waitFor();
    await page.getByText(`${total - 1} removals wait for your approval.`).waitFor();
    const { status } = (await client.get(PEOPLE)).body;
    assert.deepEqual(
      new Set(status.held.map((one: { counts: { disable: number } }) => one.counts.disable)),
      new Set([1, total - 1]),
    );
    assert.equal(status.lastRun.counts.disable, 0);
    assert.deepEqual(complaints, []);
  });

  it("exempts whom a held plan holds, lists who is left alone, and releases them", async () => {
    const { page, complaints } = await open();
    await page
      .getByRole("button", { name: /^Review .* of people$/ })
      .first()
      .click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Leave some out…" }).click();
    const box = dialog.getByRole("checkbox", { name: /^Leave out / }).first();
    const name = ((await box.getAttribute("aria-label")) ?? "").replace("Leave out ", "");
    await box.check();
    await dialog.getByRole("button", { name: "Exempt 1 record" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("link", { name: "1 left alone by people" }).click();
    const left = page.getByRole("list", { name: "Left alone" }).getByRole("listitem");
    await left.getByText(name, { exact: true }).waitFor();
    await left.getByText("exempted by operator olga").waitFor();
    assert.equal((await client.get(PEOPLE)).body.status.pinned, 1);
    await left.getByRole("link").click();
    await page.getByText(/^exempted from a held plan, and left alone/).waitFor();
    await page.goBack();
    await left.getByRole("button", { name: `Release ${name}` }).press("Enter");
    await page.getByText("Nothing is left alone.").waitFor();
    assert.equal((await client.get(PEOPLE)).body.status.pinned, 0);
    await focused(page.getByRole("list", { name: "Left alone" }));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.deepEqual(complaints, []);
  });
});

/** Waits until a list has so many items. */
async function counts(items: Locator, count: number): Promise<void> {
  if (count > 0) await items.nth(count - 1).waitFor();
  await items.nth(count).waitFor({ state: "detached" });
}

/** Waits until an element, visible or not, has the focus. */
async function focused(element: Locator): Promise<void> {
  await element.and(element.page().locator(":focus")).waitFor({ state: "attached" });
}

/** Buttons and links whose name does not hold the words that stand on them, in their order (WCAG 2.2, 2.5.3). */
async function misnamed(page: Page): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const one of await page.locator(":is(button, a)[aria-label]:visible").all()) {
    const seen = ((await one.textContent()) ?? "").replace(/[…✕]/g, "").trim();
    const name = (await one.getAttribute("aria-label")) ?? "";
    if (!name.toLowerCase().includes(seen.toLowerCase())) wrong.push(`"${seen}" is called "${name}"`);
  }
  return wrong;
}
