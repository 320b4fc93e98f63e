import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { chromiumAvailable } from "../servers.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** The console's build, which `npm test` makes before its tests. @throws Error when it is missing */
export function builtConsole(): string {
  const folder = join(ROOT, "packages/console/dist");
  if (existsSync(join(folder, "index.html"))) return folder;
  throw new Error("the console is not built; run: npm run build -w packages/console");
}

/** Starts Chromium without anything that would reach out beyond this machine. */
export async function launchBrowser(): Promise<Browser> {
  const status = chromiumAvailable();
  if (!status.available) throw new Error(`${status.reason}; install it with: ${status.install}`);
  return await chromium.launch({
    executablePath: status.executable,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page in a browser profile of its own, and everything that its console and its scripts complained of. */
export async function openPage(
  browser: Browser,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<{ readonly page: Page; readonly complaints: readonly string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  return { page, complaints };
}
