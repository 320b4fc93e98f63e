import type { WireResponse } from "../../server/exchange.ts";
import type { SignInError } from "../errors.ts";

/** Fields of a form that a page carries along unseen. */
export type Hidden = Readonly<Record<string, string>>;

/** One page with one form. */
export interface FormPage {
  readonly title: string;
  readonly action: string;
  readonly hidden: Hidden;
  /** What went wrong with the last try. */
  readonly problem?: SignInError | null;
  /** HTML between title and fields; escaped by the caller. */
  readonly about?: string;
  readonly fields?: readonly Field[];
  /** Buttons; a button with a name sends it. */
  readonly buttons: readonly Button[];
}

interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: "text" | "password" | "email";
  readonly value?: string;
  readonly autocomplete: string;
}

interface Button {
  readonly text: string;
  readonly name?: string;
  readonly value?: string;
}

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}" +
  "label{display:block;margin:1rem 0 .25rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}" +
  "button{font:inherit;margin:1.25rem .5rem 0 0;padding:.5rem 1.5rem}[role=alert]{color:#a80000}";

/** Writes text into HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** A page with a form, which any browser and any HTTP client can send. */
export function formPage(page: FormPage): WireResponse {
  const hidden = Object.entries(page.hidden).map(([name, value]) => input("hidden", name, value));
  const fields = (page.fields ?? []).map(
    ({ name, label, type, value = "", autocomplete }, i) =>
      `<label for="${name}">${escaped(label)}</label>${input(type, name, value, ` id="${name}" autocomplete="${autocomplete}" required${i === 0 ? " autofocus" : ""}`)}`,
  );
  const buttons = page.buttons.map(({ text, name, value = "" }) => {
    const sends = name === undefined ? "" : ` name="${name}" value="${escaped(value)}"`;
    // A refusal must not need the fields above it.
    return `<button type="submit"${sends}${name === undefined ? "" : " formnovalidate"}>${escaped(text)}</button>`;
  });
  const problem = page.problem == null ? "" : `<p role="alert">${escaped(describe(page.problem))}</p>`;
  const form = `<form method="post" action="${escaped(page.action)}">${hidden.join("")}${fields.join("")}<p>${buttons.join("")}</p></form>`;
  return html(200, page.title, `${problem}${page.about ?? ""}${form}`);
}

/** A page that ends the sign-in where no app may be told. */
export function problemPage(error: SignInError): WireResponse {
  return html(400, "Sorry, but we're having trouble signing you in", `<p role="alert">${escaped(describe(error))}</p>`);
}

/** A page that only says something. */
export function notePage(title: string, text: string): WireResponse {
  return html(200, title, `<p>${escaped(text)}</p>`);
}

/** Posts an answer to an app ("OAuth 2.0 Form Post Response Mode"), at once where scripts run. */
export function postPage(action: string, fields: Hidden): WireResponse {
  const hidden = Object.entries(fields).map(([name, value]) => input("hidden", name, value));
  const form = `<form method="post" action="${escaped(action)}">${hidden.join("")}<button type="submit">Continue</button></form>`;
  return html(200, "Working...", `${form}<script>document.forms[0].submit()</script>`, "script-src 'unsafe-inline';");
}

/** Sends the browser elsewhere. */
export function redirect(location: string): WireResponse {
  return { status: 302, headers: { location, "cache-control": "no-store" }, body: "" };
}

/** The same answer with a cookie set, or with the session's cookie removed when `value` is null. */
export function withCookie(answer: WireResponse, name: string, value: string | null): WireResponse {
  const end = value === null ? "; Max-Age=0" : "";
  const cookie = `${name}=${value ?? ""}; Path=/; HttpOnly; SameSite=Lax${end}`;
  return { ...answer, headers: { ...answer.headers, "set-cookie": cookie } };
}

function describe(error: SignInError): string {
  return `AADSTS${error.number}: ${error.message}`;
}

function input(type: string, name: string, value: string, more = ""): string {
  return `<input type="${type}" name="${escaped(name)}" value="${escaped(value)}"${more}>`;
}

function html(status: number, title: string, body: string, policy = ""): WireResponse {
  return {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store, no-cache",
      "content-security-policy": `default-src 'none'; style-src 'unsafe-inline'; ${policy} frame-ancestors 'none'`,
      "referrer-policy": "no-referrer",
    },
    body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head><body><main><h1>${escaped(title)}</h1>${body}</main></body></html>`,
  };
}
