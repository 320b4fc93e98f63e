import { createHash } from "node:crypto";
import type { FastifyReply } from "fastify";

/**
 * Pages that the server itself writes, for what happens before there is a console. They hold no scripts, so that they can
 * be shown whatever went wrong; their one style sheet is allowed by its hash.
 */
export interface Page {
  readonly html: string;
  /** The Content-Security-Policy that lets exactly this page work. */
  readonly policy: string;
}

/** A sign-in link that is used, expired or not one of ours. */
export function linkRefusedPage(): Page {
  return page("This link does not sign you in", [
    "A sign-in link works once and for ten minutes. This one was used already, has expired, or is not complete.",
    "On the machine where Entrain runs, print a new one:",
    { code: "npx entrain operator link" },
    "For the demo: <code>npx entrain operator link --demo</code>.",
  ]);
}

const CONSENT: { readonly [result: string]: readonly [title: string, ...blocks: Block[]] } = {
  granted: [
    "Consent was given",
    "Microsoft needs up to a few minutes until it works everywhere. Whoever sent you the link can watch it:",
  ],
  declined: ["Nothing was granted", "The consent was declined. The link is used up; whoever sent it can make another."],
  right_missing: [
    "This account may not consent",
    "Granting application permissions for the organisation needs the role Privileged Role Administrator or Global Administrator. Ask somebody who has it to open a new link.",
  ],
  wrong_tenant: [
    "Consent was given in another organisation",
    "The account belongs to another tenant than the connection. Sign in with an administrator of the connection's own tenant, by a new link. In the other tenant the application can be removed under Enterprise applications.",
  ],
  failed: [
    "Microsoft refused the consent",
    "Check that the address of this page is registered as a redirect URI of the application, and that its permissions are listed; then make a new link.",
  ],
  unknown: [
    "This link is not one of ours",
    "A consent link works once and for seven days. This one was used already, has expired, or is not complete. Make a new one:",
    { code: "npx entrain connection consent NAME" },
  ],
};

/** What came of an administrator's consent. Nothing of what Microsoft wrote is repeated. */
export function consentPage(result: string, connection: string | null): Page {
  const [title, ...blocks] = CONSENT[result] ?? ["Microsoft refused the consent"];
  const name = connection === null ? null : connection.replaceAll(/[^\w.-]/g, "");
  const verify =
    result === "granted" && name !== null ? [{ code: `npx entrain connection verify ${name} --wait` }] : [];
  return page(title, [...blocks, ...verify, "You can close this page."]);
}

/** What came of an administrator's sign-in; null for a link that does not work. */
export function authorizedPage(
  answer: { readonly result: string; readonly connection: string | null; readonly detail: string | null } | null,
): Page {
  const name = escaped(answer?.connection ?? "");
  const detail = escaped(answer?.detail ?? "");
  if (answer?.result === "authorized")
    return page("The connection may read now", [
      `${detail} signed in, and the connection ${name} reads on behalf of this account from its next run on.`,
      "You can close this page.",
    ]);
  if (answer?.result === "refused")
    return page("The sign-in was refused", [
      detail,
      `Nothing was kept. For another attempt make a new link for ${name}.`,
    ]);
  return page("This link does not work", [
    "A link to authorize a connection works once, for a day, and only in the browser that opened it. Make a new one in the console, or sign in on any device with:",
    { code: "npx entrain connection authorize NAME" },
  ]);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The console was never built. */
export function notBuiltPage(): Page {
  return page("The console is not built yet", [
    "The server runs, and so does its API; only the console's files are missing. In Entrain's folder, build them:",
    { code: "npm run build -w packages/console" },
    "Then load this page again.",
  ]);
}

/** There is no page at an address. */
export function missingPage(): Page {
  return page("There is no such page", ['<a href="/">Go to the console</a>']);
}

const STYLE = `:root{color-scheme:light dark}body{margin:0;font:16px/1.5 "Segoe UI",system-ui,sans-serif;display:grid;
place-items:center;min-height:100vh;background:Canvas;color:CanvasText}main{max-width:34rem;padding:2rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}p{margin:0 0 1rem}pre,code{font-family:ui-monospace,Consolas,monospace}
pre{padding:.75rem 1rem;border:1px solid #8886;border-radius:6px;overflow:auto;user-select:all}
small{opacity:.75}`;

type Block = string | { readonly code: string };

function page(title: string, blocks: readonly Block[]): Page {
  const body = blocks.map((block) => (typeof block === "string" ? `<p>${block}</p>` : `<pre>${block.code}</pre>`));
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title} · Entrain</title><style>${STYLE}</style></head>
<body><main><small>Entrain</small><h1>${title}</h1>
${body.join("\n")}
</main></body></html>
`;
  return {
    html,
    policy: `default-src 'none'; style-src 'sha256-${sha256(STYLE)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

/** SHA-256 in base64, as a Content-Security-Policy names what it allows. */
function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

/** Answers with a page, under its own policy; it is never stored by browsers or proxies. */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .header("content-security-policy", page.policy)
    .header("cache-control", "no-store")
    .type("text/html; charset=utf-8")
    .send(page.html);
}
