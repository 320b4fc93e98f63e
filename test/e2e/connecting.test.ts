import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { NAMES, startTestServer, type TestServer } from "../../packages/server/src/api/testing.ts";
import { changeConfiguration } from "../../packages/server/src/config/apply.ts";
import { setupClient, signInByCode } from "../../packages/server/src/setup/testing.ts";
import { skipUnless } from "../servers.ts";
import { builtConsole, launchBrowser, openPage } from "./browser.ts";

const DAY_MS = 86_400_000;

describe("connecting a tenant in the console", { skip: skipUnless("chromium") }, () => {
  let browser: Browser;

  before(async () => {
    builtConsole();
    browser = await launchBrowser();
  });
  after(async () => await browser.close());

  describe("on the page of a connection", () => {
    let server: TestServer;
    before(async () => {
      server = await startTestServer({
        simulator: { people: 20, groups: 3 },
        api: { consoleFolder: builtConsole() },
      });
    });
    after(async () => await server.close());

    const open = async (options: Parameters<typeof openPage>[1] = {}) => {
      const opened = await openPage(browser, options);
      await opened.page.goto(await server.link());
      const { page } = opened;
      await page
        .getByRole("group", { name: `Connection ${NAMES.connection}` })
        .getByRole("link")
        .click();
      const panel = page.getByRole("dialog");
      await panel.getByRole("heading", { name: NAMES.connection }).waitFor();
      return { ...opened, panel };
    };

    it("shows what is missing and in excess, and takes an excess with a note, by keyboard alone", async () => {
      server.simulator.setRoles(["User.Read.All", "Mail.Send"]);
      const { page, panel, complaints } = await open();
      const table = panel.getByRole("table", { name: "Permissions" });
      await rowOf(table, "User.Read.All").getByText("Granted").waitFor();
      await rowOf(table, "GroupMember.Read.All").getByText("Missing").waitFor();
      const excess = rowOf(table, "Mail.Send");
      await excess.getByText("Excess").waitFor();
      await excess.getByRole("button", { name: "Accept Mail.Send" }).focus();
      await page.keyboard.press("Enter");
      await panel.getByRole("textbox", { name: "Why Mail.Send is wanted" }).focus();
      await page.keyboard.type("the welcome mails");
      await page.keyboard.press("Enter");
      await excess.getByText("Accepted").waitFor();
      await excess.getByText("the welcome mails").waitFor();
      await panel.getByRole("button", { name: "Verify" }).click();
      await panel.getByRole("listitem").filter({ hasText: "Missing: GroupMember.Read.All" }).waitFor();
      await panel.getByRole("button", { name: "Verify until it works" }).click();
      await panel.getByText("Verifying until it works").waitFor();
      server.simulator.setRoles(["User.Read.All", "GroupMember.Read.All"]);
      await panel.getByText(/^(\d+) of \1 checks passed$/).waitFor();
      await panel.getByText("Verifying until it works").waitFor({ state: "detached" });
      await rowOf(table, "GroupMember.Read.All").getByText("Granted").waitFor();
      assert.deepEqual(complaints, []);
    });

    it("tells what the administrator came back with, and verifies by itself after a grant", async () => {
      const { panel, page } = await open();
      const redirectUri = await panel.getByText("/connect/consent", { exact: false }).last().textContent();
      assert.match(redirectUri ?? "", /^http:\/\/localhost:\d+\/connect\/consent$/);
      server.simulator.identity.changeApp(server.simulator.client, { web: [redirectUri ?? ""], consented: false });
      for (const [answer, page2, outcome] of [
        ["refuse", "Nothing was granted", "The administrator declined."],
        ["accept", "Consent was given", "An administrator granted consent."],
      ] as const) {
        const [microsoft] = await Promise.all([
          page.context().waitForEvent("page"),
          panel.getByRole("button", { name: "Grant admin consent" }).click(),
        ]);
        await panel.getByText("It works once").waitFor();
        await answerConsent(microsoft, server, answer);
        await microsoft.getByRole("heading", { name: page2 }).waitFor();
        await panel.getByText(outcome).waitFor();
      }
      await panel.getByText(/^(\d+) of \1 checks passed$/).waitFor();
    });

    it("warns of a credential that ends, on the overview and on the page, with the day", async () => {
      const { simulator } = server;
      const expiresAt = Date.now() + 20.5 * DAY_MS;
      simulator.setRoles(["User.Read.All", "GroupMember.Read.All", "Application.Read.All"]);
      simulator.setSecrets([{ value: simulator.secret, expiresAt }]);
      const { panel, page } = await open();
      await panel.getByText(/The client secret ends on .*, in 20 days\./).waitFor();
      await panel.getByRole("list", { name: "Credentials" }).getByText("Client secret").waitFor();
      await page.keyboard.press("Escape");
      const card = page.getByRole("group", { name: `Connection ${NAMES.connection}` });
      await card.getByText(/The client secret ends on .*, in 20 days\./).waitFor();
      simulator.setSecrets([{ value: simulator.secret }]);
    });

    it("lets an administrator sign in, and says on whose behalf the connection reads", async () => {
      const { store } = server.installation;
      const { identity, client: registered } = server.simulator;
      const before = await store.db
        .selectFrom("connections")
        .select(["client", "credential"])
        .executeTakeFirstOrThrow();
      const { client } = identity.addApp({
        publicFlows: true,
        scopes: ["User.Read", "User.Read.All", "GroupMember.Read.All"],
        publicClient: ["http://localhost/connect/authorized"],
      });
      assert.notEqual(client, registered);
      const credential = JSON.stringify([{ id: "one", kind: "delegated" }]);
      await store.transaction((tx) => tx.updateTable("connections").set({ client, credential }).execute());
      const { panel, page, complaints } = await open();
      await panel.getByText("Nobody has signed in yet").waitFor();
      const [microsoft] = await Promise.all([
        page.context().waitForEvent("page"),
        panel.getByRole("button", { name: "Authorize" }).click(),
      ]);
      const account = identity.administrator("Global Administrator");
      await microsoft.locator("input[name=login]").fill(account.userPrincipalName);
      await microsoft.locator("input[name=passwd]").fill(account.password ?? "");
      await microsoft.locator("button, input[type=submit]").first().click();
      const done = microsoft.getByRole("heading", { name: "The connection may read now" });
      const consent = microsoft.locator("button[value=accept]");
      await done.or(consent).first().waitFor();
      if (await consent.isVisible()) await consent.click();
      await done.waitFor();
      await panel.getByText("The connection reads on behalf of").waitFor();
      await panel.getByText(account.userPrincipalName).waitFor();
      assert.deepEqual(complaints, []);
      await store.transaction((tx) => tx.updateTable("connections").set(before).execute());
    });

    for (const [width, scheme] of [
      [360, "light"],
      [1280, "dark"],
    ] as const) {
      it(`fits a window of ${width} pixels, in ${scheme} colours`, async () => {
        const { page, panel, complaints } = await open({ viewport: { width, height: 800 }, colorScheme: scheme });
        await panel.getByRole("table", { name: "Permissions" }).waitFor();
        assert.ok((await overflow(page)) <= 0);
        await panel.getByRole("link", { name: "How to set it up" }).click();
        await panel.getByRole("list", { name: "Steps" }).waitFor();
        assert.ok((await overflow(page)) <= 0);
        const box = await panel.boundingBox();
        assert.ok(box !== null && box.x >= 0 && box.width <= width);
        assert.equal(await panel.evaluate((element) => element.scrollWidth > element.clientWidth), false);
        assert.deepEqual(complaints, []);
      });
    }
  });

  describe("without a connection", () => {
    let server: TestServer;
    before(async () => {
      server = await startTestServer({
        simulator: { people: 20, groups: 3, replicationMs: 500 },
        api: { consoleFolder: builtConsole() },
      });
      const { store, keyring, types, demo } = server.installation;
      const actor = { kind: "command", id: "test" };
      await changeConfiguration({ store, keyring, types, demo, actor, prune: true }, (current) => ({
        ...current,
        connections: new Map(),
        syncs: new Map(),
      }));
    });
    after(async () => await server.close());

    const open = async () => {
      const opened = await openPage(browser, { acceptDownloads: true });
      await opened.page.goto(await server.link());
      await opened.page.getByRole("link", { name: "Set one up" }).click();
      const panel = opened.page.getByRole("dialog", { name: "Connect a tenant" });
      await panel.getByRole("textbox", { name: "Connection's name" }).fill("fabrikam");
      await panel.getByRole("textbox", { name: "Tenant" }).fill(server.simulator.tenant);
      return { ...opened, panel };
    };

    it("shows the steps with links and roles, and scripts to copy and to save, for the features that are chosen", async () => {
      const { page, panel, complaints } = await open();
      await panel.getByRole("checkbox", { name: /organisational contacts/ }).check();
      await panel.getByText("User.Read.All, GroupMember.Read.All, OrgContact.Read.All").waitFor();
      await panel.getByRole("tab", { name: "By hand" }).click();
      const steps = panel.getByRole("list", { name: "Steps" }).getByRole("listitem");
      assert.equal(await steps.count(), 5);
      const href = await steps.first().getByRole("link").getAttribute("href");
      assert.match(href ?? "", /^https:\/\/entra\.microsoft\.com\/#view\//);
      await steps.nth(2).getByText("Privileged Role Administrator").waitFor();
      for (const [tab, file] of [
        ["Azure CLI", "entrain-setup.sh"],
        ["PowerShell", "entrain-setup.ps1"],
        ["Terraform", "entrain-setup.tf"],
      ] as const) {
        await panel.getByRole("tab", { name: tab }).click();
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          panel.getByRole("button", { name: "Download" }).click(),
        ]);
        assert.equal(download.suggestedFilename(), file);
        const text = await readFile(await download.path(), "utf8");
        assert.match(text, /OrgContact\.Read\.All/);
        assert.match(text, /entrain connection add fabrikam --tenant/);
      }
      assert.deepEqual(complaints, []);
    });

    it("says what is wrong with what was typed, and keeps it", async () => {
      const { panel } = await open();
      await panel.getByRole("textbox", { name: "Tenant" }).fill("not a tenant");
      await panel.getByText(/tenant must be a directory \(tenant\) id or one of its domains/).waitFor();
      assert.equal(await panel.getByRole("button", { name: "Begin" }).getAttribute("aria-disabled"), "true");
      assert.equal(await panel.getByRole("textbox", { name: "Connection's name" }).inputValue(), "fabrikam");
    });

    it("registers by a code, through a page that was loaded anew, and shows each step and never a secret", async () => {
      const { page, panel, complaints } = await open();
      await panel.getByText("More settings").click();
      await panel.getByRole("combobox", { name: "Cloud" }).selectOption("custom");
      await panel.getByRole("textbox", { name: "Sign-in base address" }).fill(server.simulator.login);
      await panel.getByRole("textbox", { name: "Graph base address" }).fill(server.simulator.graph);
      await panel.getByRole("textbox", { name: "Public client to sign in to" }).fill(setupClient(server.simulator));
      await panel.getByRole("button", { name: "Begin" }).click();
      await panel.getByText("types this code").waitFor();
      await page.reload();
      const code = await panel.getByRole("status").locator("code").textContent();
      await signInByCode(server.simulator, code ?? "", server.simulator.identity.administrator());
      await panel.getByText("fabrikam is connected.").waitFor();
      assert.equal(await panel.getByRole("list", { name: "Progress" }).getByLabel("Done").count(), 4);
      const shown = await page.content();
      assert.ok(!/PRIVATE KEY|BEGIN CERTIFICATE|eyJ[A-Za-z0-9_-]{20}/.test(shown));
      await panel.getByRole("link", { name: "its page" }).click();
      const connected = page.getByRole("dialog", { name: "fabrikam" });
      await connected.getByRole("button", { name: "Verify" }).click();
      await connected.getByText(/checks passed/).waitFor();
      const again = connected.getByRole("button", { name: "Verify until it works" });
      if (await again.isVisible()) await again.click();
      await connected.getByText(/^(\d+) of \1 checks passed$/).waitFor();
      await connected.getByText("by the certificate itself").waitFor();
      assert.deepEqual(complaints, []);
    });
  });
});

function rowOf(table: Locator, text: string): Locator {
  return table.getByRole("row").filter({ has: table.page().getByText(text, { exact: true }) });
}

/** Answers the simulated Microsoft's question for consent; who has signed in in this browser is not asked to again. */
async function answerConsent(page: Page, { simulator }: TestServer, answer: "accept" | "refuse"): Promise<void> {
  const { userPrincipalName, password } = simulator.identity.administrator();
  const user = page.locator('input[name="login"]');
  const choice = page.locator(`button[name="consent"][value="${answer}"]`);
  await user.or(choice).waitFor();
  if (await user.isVisible()) {
    await user.fill(userPrincipalName);
    await page.locator('input[name="passwd"]').fill(password ?? "");
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  await choice.click();
}

async function overflow(page: Page): Promise<number> {
  return await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
