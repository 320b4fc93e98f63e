import type { Simulator } from "@entrain/simulator";

const SETUP_SCOPES = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"];

/** A public client like Microsoft's own, that an administrator may sign in to; device codes are asked for every second. */
export function setupClient({ identity }: Simulator): string {
  identity.setDeviceInterval(1);
  return identity.addApp({ publicFlows: true, scopes: SETUP_SCOPES }).client;
}

type Account = ReturnType<Simulator["identity"]["administrator"]>;

/** Types a device code in, signs in and consents. Answers the account. */
export async function signInByCode({ login: at }: Simulator, code: string, account: Account): Promise<Account> {
  const browser = new FormBrowser();
  const { userPrincipalName: login, password } = account;
  const prompt = await browser.open(`${at}/common/oauth2/deviceauth?user_code=${code}`);
  const done = await browser.send(prompt, { login, passwd: password ?? "" });
  if (done.action !== "") await browser.send(done, { consent: "accept" });
  return account;
}

/** A browser that fills forms in, for one visitor. */
export class FormBrowser {
  #cookie = "";

  async open(url: string): Promise<AnsweredPage> {
    return this.#page(await fetch(url, { redirect: "manual", headers: { cookie: this.#cookie } }));
  }

  async send(page: AnsweredPage, fields: Readonly<Record<string, string>>): Promise<AnsweredPage> {
    const body = new URLSearchParams({ ...page.hidden, ...fields });
    const request = { method: "POST", body, redirect: "manual", headers: { cookie: this.#cookie } } as const;
    return this.#page(await fetch(page.action, request));
  }

  async #page(response: Response): Promise<AnsweredPage> {
    const text = await response.text();
    this.#cookie = response.headers.get("set-cookie")?.split(";")[0] ?? this.#cookie;
    const inputs = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    const hidden = Object.fromEntries([...inputs].map(([, name = "", value = ""]) => [name, unescaped(value)]));
    const action = unescaped(/<form method="post" action="([^"]*)"/.exec(text)?.[1] ?? "");
    return { status: response.status, text, hidden, action, location: response.headers.get("location") };
  }
}

/** A page as it was answered, with its form. */
export interface AnsweredPage {
  readonly status: number;
  readonly text: string;
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  readonly location: string | null;
}

function unescaped(text: string): string {
  return text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
