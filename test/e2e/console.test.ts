import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { createApi } from "../../packages/server/src/api/server.ts";
import {
  type Client,
  NAMES,
  readEvents,
  startTestServer,
  type TestServer,
} from "../../packages/server/src/api/testing.ts";
import { changeConfiguration } from "../../packages/server/src/config/apply.ts";
import { runSync } from "../../packages/server/src/runs/run.ts";
import { skipUnless } from "../servers.ts";
import { builtConsole, launchBrowser, openPage } from "./browser.ts";
import { changeable, openConsole } from "./steps.ts";

const PROGRAM = resolve(import.meta.dirname, "../../packages/server/bin/entrain.mjs");
const SLOW = [{ action: { type: "slow", ms: 400 } }] as const;

describe("the console in a browser", { skip: skipUnless("chromium") }, () => {
  let browser: Browser;

  before(async () => {
    builtConsole();
    browser = await launchBrowser();
  });
  after(async () => await browser.close());

  describe("on the demo, as npm start serves it", () => {
    let folder: string;
    let demo: ChildProcess;
    let link: string;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "entrain-demo-"));
      demo = spawn(process.execPath, [PROGRAM, "serve", "--demo", "--port", "0"], {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
      });
      link = await printedLink(demo);
    });
    after(async () => {
      if (demo.exitCode === null) {
        demo.kill("SIGINT");
        await once(demo, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    });

    it("signs in once, shows the tenant, runs a sync with its progress, and tells every change's reason", async () => {
      const { page, complaints } = await openPage(browser);
      await page.goto(link);
      assert.equal(new URL(page.url()).search, "", "the token must not stay in the address");
      await page.getByText("Demo", { exact: true }).waitFor();
      const connection = page.getByRole("group", { name: "Connection demo" });
      const people = await factOf(connection, "People");
      assert.ok(Math.abs(Number(people.replaceAll(",", "")) - 1000) < 20, people);

      const simulator = `http://${await factOf(connection, "Cloud")}`;
      await control(simulator, "POST", "churn", { changes: 40 });
      await control(simulator, "PUT", "faults", SLOW);
      await page.getByRole("button", { name: "Run now: demo-people" }).click();
      await page.getByRole("progressbar", { name: "Progress of demo-people" }).waitFor();
      await control(simulator, "DELETE", "faults");
      await page.getByRole("progressbar", { name: "Progress of demo-people" }).waitFor({ state: "detached" });

      // What was told of meanwhile is read by a further run, which may stand above and has changed nothing.
      const runs = page.getByRole("table", { name: "Last runs" }).getByRole("row");
      const run = runs
        .filter({ hasText: /created|updated|disabled/ })
        .getByRole("link", { name: "demo-people" })
        .first();
      await run.click();
      const panel = page.getByRole("dialog");
      await panel.getByText("Succeeded").first().waitFor();
      const first = panel.getByRole("list", { name: "Changes" }).getByRole("listitem").first();
      await first.waitFor();
      const [name = "", reason = ""] = await first.locator("bdi").allTextContents();
      assert.ok(name.length > 0 && reason.length > 5, `${name}: ${reason}`);
      await first.getByRole("button", { name: /What changes for/ }).click();
      await first.getByRole("columnheader", { name: "After" }).waitFor();
      await page.keyboard.press("Escape");
      await panel.waitFor({ state: "detached" });
      assert.deepEqual(complaints, []);

      await page.getByRole("button", { name: "Operator demo" }).click();
      await page.getByRole("menuitem", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    });

    it("does not let the same link in again, and says how to get another one", async () => {
      const { page } = await openPage(browser);
      await page.goto(link);
      await page.getByRole("heading", { name: "This link does not sign you in" }).waitFor();
      await page.goto(new URL("/", link).href);
      await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    });
  });

  describe("on an installation", () => {
    let server: TestServer;
    let client: Client;

    before(async () => {
      server = await startTestServer({
        simulator: { people: 300, groups: 6 },
        api: { consoleFolder: builtConsole() },
      });
      client = await server.signIn();
    });
    after(async () => await server.close());

    const open = (options: Parameters<typeof openPage>[1] = {}) => openConsole(browser, server, { options });

    it("says what is empty, then fills itself while a sync runs, without moving what is on the page", async () => {
      const { page, complaints } = await open();
      await page.getByText("Nothing has run yet.").waitFor();
      await page.getByText("Not run yet.").first().waitFor();
      const table = page.getByRole("table", { name: "Syncs" });
      const before = await table.boundingBox();
      server.simulator.faults.set(SLOW);
      await page.getByRole("button", { name: "Run now: people" }).click();
      const bar = page.getByRole("progressbar", { name: "Progress of people" });
      await bar.waitFor();
      assert.deepEqual(await table.boundingBox(), before);
      await page.getByRole("button", { name: "Stop people" }).waitFor();
      server.simulator.faults.clear();
      await bar.waitFor({ state: "detached" });
      await page.getByText("people succeeded", { exact: true }).waitFor();
      assert.deepEqual(await table.boundingBox(), before);
      const connection = page.getByRole("group", { name: `Connection ${NAMES.connection}` });
      assert.equal(await factOf(connection, "People"), "300");
      assert.deepEqual(complaints, []);
    });

    it("runs the connection's named checks, and shows what to do about one that fails", async () => {
      const { page } = await open();
      await page.getByRole("button", { name: "Verify" }).click();
      await page.getByText(/^(\d+) of \1 checks passed$/).waitFor();
      server.simulator.setRoles(["User.Read.All"]);
      try {
        await page.getByRole("button", { name: "Hide" }).click();
        await page.getByRole("button", { name: "Verify" }).click();
        await page
          .getByRole("listitem")
          .filter({ has: page.getByLabel("Failed") })
          .filter({ hasText: "admin consent" })
          .first()
          .waitFor();
      } finally {
        server.simulator.setRoles(EVERY_ROLE);
      }
    });

    it("shows what is known of a person, whose name may run the other way, and goes back to where it was opened", async () => {
      const { page } = await open();
      await page.getByRole("searchbox", { name: "Find a person" }).fill("ا");
      const person = page.getByRole("list", { name: "People found" }).getByRole("link").first();
      const name = (await person.textContent()) ?? "";
      assert.match(name, /\p{Script=Arabic}/u);
      assert.equal(await person.locator("bdi").getAttribute("dir"), "auto");
      await person.click();
      const panel = page.getByRole("dialog");
      await panel.getByRole("heading", { name }).waitFor();
      await panel.getByText("userPrincipalName").waitFor();
      await page.keyboard.press("Escape");
      await panel.waitFor({ state: "detached" });
      assert.equal(await person.evaluate((element) => element === document.activeElement), true, "focus returns");
    });

    it("compares a sync with its whole target when asked to", async () => {
      const { page, complaints } = await open();
      await page.getByRole("link", { name: "Compare with the target: people" }).click();
      const panel = page.getByRole("dialog");
      await panel.getByRole("heading", { name: "Would be joined: 0" }).waitFor();
      await panel.getByRole("heading", { name: "Unmanaged: 0" }).waitFor();
      await panel.getByText(/\d+ of \d+ in scope · \d+ created and 0 joined so far/).waitFor();
      assert.deepEqual(complaints, []);
    });

    it("plans without applying, and applies exactly that plan", async () => {
      const { page } = await open();
      const { id, displayName } = await changeable(client);
      await server.graph("PATCH", `/users/${id}`, { jobTitle: "Harbour pilot" });
      await page.getByRole("button", { name: "Plan people without applying" }).click();
      const panel = page.getByRole("dialog");
      await panel.getByText("1 updated").waitFor();
      await panel.getByRole("button", { name: `What changes for ${displayName}` }).click();
      await panel.getByRole("cell", { name: "Harbour pilot" }).waitFor();
      await panel.getByRole("button", { name: "Apply exactly this plan" }).click();
      await panel.getByRole("heading", { name: "Run of people" }).waitFor();
      await panel.getByText("Succeeded").first().waitFor();
    });

    it("plans to undo a run, and brings back what it changed when that is approved", async () => {
      const { page } = await open();
      const { id } = await changeable(client);
      const titleOf = async (): Promise<unknown> => {
        const [person] = (await client.get(`/api/v1/people/${id}`)).body.items;
        return person.links.find(({ sync }: { sync: string }) => sync === NAMES.people)?.known.jobTitle;
      };
      assert.equal(await titleOf(), "Harbour pilot");
      const rows = page.getByRole("table", { name: "Last runs" }).getByRole("row");
      await rows.filter({ hasText: "1 updated" }).first().getByRole("link").first().click();
      const panel = page.getByRole("dialog", { name: "Run of people" });
      await panel.getByRole("button", { name: "Plan to undo this run" }).click();
      await panel.getByRole("button", { name: /^Review .* that waits?$/ }).click();
      const dialog = page.getByRole("dialog", { name: /^Approve/ });
      await dialog.getByText("It brings back what the run").waitFor();
      await dialog.getByRole("button", { name: "Approve and apply" }).click();
      await dialog.waitFor({ state: "detached" });
      await page.getByText("people succeeded", { exact: true }).waitFor();
      assert.notEqual(await titleOf(), "Harbour pilot");
      await client.put("POST", `/api/v1/syncs/${NAMES.people}/release`, { all: true });
    });

    it("names the records of a held plan before it asks, and applies it when approved", async () => {
      const { body } = await client.get("/api/v1/people?search=e&limit=60");
      for (const { id } of body.items) await server.graph("DELETE", `/users/${id}`);
      const { page } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
      await page.getByRole("button", { name: "Run now: people" }).click();
      await page.getByText(/removals wait for your approval/).waitFor();
      await page.getByRole("button", { name: "Review" }).click();
      const dialog = page.getByRole("dialog");
      const changes = dialog.getByRole("list", { name: "Changes" }).getByRole("listitem");
      await changes.first().waitFor();
      assert.equal(await changes.count(), 50, "one page");
      await dialog.getByRole("button", { name: "Load more" }).click();
      await dialog.getByRole("button", { name: "Load more" }).waitFor({ state: "detached" });
      const { body: sync } = await client.get(`/api/v1/syncs/${NAMES.people}`);
      const [held] = sync.status.held;
      assert.equal(await changes.count(), held.counts.disable);
      await dialog.getByText(held.digest, { exact: true }).waitFor();
      const count = `${held.counts.disable} removals`;
      await dialog.getByText(`This applies exactly ${count}`).waitFor();
      await dialog.getByRole("button", { name: "Copy: the command" }).click();
      await dialog.getByText("Copied", { exact: true }).waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.equal(copied, `npx entrain sync approve ${NAMES.people} --digest ${held.digest}`);

      await dialog.getByRole("button", { name: "Reject…" }).click();
      await dialog.getByText("Nothing is done to").waitFor();
      await dialog.getByRole("button", { name: `Reject ${count}` }).waitFor();
      await dialog.getByRole("button", { name: "Back" }).click();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Review", "focus returns");
      await page.keyboard.press("Enter");
      await dialog.getByRole("button", { name: "Approve and apply" }).click();
      await page.getByText(/removals wait for your approval/).waitFor({ state: "detached" });
      const done = await client.get(`/api/v1/runs?limit=1&sync=${NAMES.people}`);
      assert.equal(done.body.items[0].mode, "approve");
    });

    for (const [width, scheme] of [
      [360, "light"],
      [390, "dark"],
      [1280, "dark"],
    ] as const) {
      it(`fits a window of ${width} pixels, in ${scheme} colours`, async () => {
        const { page, complaints } = await open({ viewport: { width, height: 800 }, colorScheme: scheme });
        await page.getByRole("table", { name: "Last runs" }).waitFor();
        assert.ok((await overflow(page)) <= 0);
        await page.getByRole("table", { name: "Last runs" }).getByRole("link").first().click();
        await page.getByRole("list", { name: "Changes" }).waitFor();
        assert.ok((await overflow(page)) <= 0);
        const dialog = await page.getByRole("dialog").boundingBox();
        assert.ok(dialog !== null && dialog.x >= 0 && dialog.width <= width);
        assert.deepEqual(complaints, []);
      });
    }

    it("says in the row why a run failed and what to do, and that one was stopped, without a click", async () => {
      const { page } = await open();
      const [syncs, runs] = [
        page.getByRole("table", { name: "Syncs" }),
        page.getByRole("table", { name: "Last runs" }),
      ];
      server.simulator.faults.set([{ action: { type: "status", status: 403 } }]);
      try {
        await page.getByRole("button", { name: "Run now: people" }).click();
        await runs.getByRole("row").nth(1).getByText("Failed", { exact: true }).waitFor();
      } finally {
        server.simulator.faults.clear();
      }
      const { body } = await client.get(`/api/v1/runs?limit=1&sync=${NAMES.people}`);
      const { message, fix } = body.items[0].error;
      for (const table of [syncs, runs]) {
        await table.getByText(message).first().waitFor();
        await table.getByText(fix).first().waitFor();
      }

      // So slow that it cannot end before it is stopped.
      server.simulator.faults.set([{ action: { type: "slow", ms: 20_000 } }]);
      try {
        await page.getByRole("button", { name: "Run now: people" }).click();
        await page.getByRole("button", { name: "Stop people" }).click();
        await runs.getByRole("row").nth(1).getByText("Stopped", { exact: true }).waitFor();
      } finally {
        server.simulator.faults.clear();
      }
      await syncs.getByText("Stopped before it was done; what was applied stays.").waitFor();
      assert.equal(await runs.getByRole("row").nth(1).getByText("Failed", { exact: true }).count(), 0);
      await page.getByRole("button", { name: "Run now: people" }).click();
      await syncs.getByText("In step").first().waitFor();
    });

    it("says who runs what another process runs, and stops it there", async () => {
      const { page } = await open();
      const { engine } = server.installation;
      const { body } = await client.get(`/api/v1/syncs/${NAMES.people}`);
      const stop = new AbortController();
      server.simulator.faults.set(SLOW);
      const actor = { kind: "command", id: "somebody" } as const;
      const other = runSync(engine, { sync: body.id, actor, signal: stop.signal, onProgress: () => undefined });
      try {
        await page.getByText(new RegExp(`Run by process ${process.pid} on `)).waitFor();
        await page.getByRole("button", { name: "Stop people" }).click();
        assert.equal((await other).result, "cancelled");
        await page.getByRole("button", { name: "Run now: people" }).waitFor();
      } finally {
        stop.abort();
        server.simulator.faults.clear();
        await other;
      }
    });

    it("names a sync that was removed, in the last runs and in a run's panel, without asking for it", async () => {
      const { store, keyring, types } = server.installation;
      const actor = { kind: "command", id: "test" } as const;
      const change = (make: Parameters<typeof changeConfiguration>[1]): Promise<unknown> =>
        changeConfiguration({ store, keyring, types, prune: true, demo: false, actor }, make);
      const run = await client.send("POST", `/api/v1/syncs/${NAMES.groups}/run`);
      const url = `${server.url}/api/v1/runs/${run.body.run}/events`;
      await readEvents(url, client.cookie, ({ event }) => event === "finished");
      await change(({ connections, targets, syncs, channels }) => {
        return { connections, targets, channels, syncs: new Map([...syncs].filter(([name]) => name !== NAMES.groups)) };
      });
      const { page, complaints } = await open();
      const row = page
        .getByRole("table", { name: "Last runs" })
        .getByRole("row")
        .filter({ hasText: NAMES.groups })
        .first();
      await row.getByText("removed", { exact: true }).waitFor();
      await row.getByRole("link").click();
      await page.getByRole("heading", { name: `Run of ${NAMES.groups} (removed)` }).waitFor();
      assert.deepEqual(complaints, []);
    });

    it("says when the server is gone, and comes back with it by itself", async () => {
      const { page } = await open();
      const address = new URL(server.url);
      await server.stop();
      await page.getByText("Entrain does not answer.").waitFor();
      const { store, engine } = server.installation;
      const again = await createApi({
        store,
        engine,
        clock: store.clock,
        consoleFolder: builtConsole(),
        demo: false,
        version: "1.2.3",
      });
      try {
        await again.listen({ port: Number(address.port), host: address.hostname });
        await page.getByText("Entrain does not answer.").waitFor({ state: "detached" });
        await page.getByRole("table", { name: "Syncs" }).waitFor();
      } finally {
        await again.close();
      }
    });
  });
});

const EVERY_ROLE = ["Directory.Read.All", "Member.Read.Hidden", "User.ReadWrite.All"];

/** The value that a card shows under a label. */
async function factOf(card: Locator, label: string): Promise<string> {
  return (await card.getByText(label, { exact: true }).locator("xpath=following-sibling::*").textContent()) ?? "";
}

/** The link in what the demo prints, which it does when it is ready. */
async function printedLink(demo: ChildProcess): Promise<string> {
  let said = "";
  demo.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  for await (const chunk of demo.stdout ?? []) {
    said += String(chunk);
    const [, link] = /Sign in\s+(http:\S+)\n/.exec(said) ?? [];
    if (link !== undefined) {
      demo.stdout?.resume();
      return link;
    }
  }
  throw new Error(`the demo ended before it was ready:\n${said}`);
}

async function control(simulator: string, method: string, path: string, body?: unknown): Promise<void> {
  const response = await fetch(`${simulator}/_simulator/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  await response.arrayBuffer();
}

async function overflow(page: Page): Promise<number> {
  return await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
