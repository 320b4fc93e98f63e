import type { Browser, Page } from "playwright-core";
import { type Client, NAMES, readEvents, type TestServer } from "../../packages/server/src/api/testing.ts";
import { openPage } from "./browser.ts";

/** Where the API has the sync of people that every test server has. */
export const PEOPLE: string = `/api/v1/syncs/${NAMES.people}`;

/** Runs the sync of people to its end. Answers the run's id. */
export async function runPeople({ url }: Pick<TestServer, "url">, client: Client): Promise<string> {
  const { body } = await client.send("POST", `${PEOPLE}/run`);
  await readEvents(`${url}/api/v1/runs/${body.run}/events`, client.cookie, ({ event }) => event === "finished");
  return body.run;
}

/** A page of the console, signed in, and what its scripts complained of. */
export async function openConsole(
  browser: Browser,
  server: Pick<TestServer, "link">,
  of: { readonly operator?: string; readonly options?: Parameters<typeof openPage>[1] } = {},
): Promise<{ readonly page: Page; readonly complaints: readonly string[] }> {
  const opened = await openPage(browser, of.options);
  await opened.page.goto(await server.link(of.operator));
  await opened.page.getByRole("table", { name: "Syncs" }).waitFor();
  return opened;
}

/** A person of the API, as far as the tests look at one. */
interface Changeable {
  readonly id: string;
  readonly displayName: string;
}

/** Somebody but these who is synced, has a mail address, and whom Graph lets us change: not mastered on premises. @throws Error */
export async function changeable(client: Client, but: readonly string[] = []): Promise<Changeable> {
  const { body } = await client.get("/api/v1/people?search=e&limit=100");
  for (const { id } of body.items) {
    const [person] = (await client.get(`/api/v1/people/${id}`)).body.items;
    const { onPremisesSyncEnabled: mastered, mail } = person.attributes;
    if (person.links.length > 0 && mastered !== true && mail && !but.includes(id)) return person;
  }
  throw new Error("nobody in the tenant can be changed");
}
