/** Letters, digits and what else a host is made of: such an origin may stand in a script as it is. */
const HOST = /^[A-Za-z0-9.-]+(?::\d+)?$|^\[[0-9A-Fa-f:.]+\](?::\d+)?$/;

/** The origin of an address that people reach Entrain by, such as `https://entrain.contoso.com`; null for anything else. */
export function originIn(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || !HOST.test(url.host)) return null;
  return url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" ? url.origin : null;
}

/** This machine, by plain http. */
function isPlainLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && /^localhost$|^127(?:\.\d{1,3}){3}$|^\[::1\]$/.test(hostname);
}

/**
 * Whether Microsoft sends anybody back to an origin, or notifies there: https, and plain http for this machine alone ("Redirect URI
 * (reply URL) best practices and limitations"; "Receive change notifications through webhooks").
 */
export function isForRedirects(origin: string): boolean {
  const url = new URL(origin);
  return url.protocol === "https:" || isPlainLoopback(url);
}

/**
 * An origin as Entra takes it in a redirect URI: this machine by its name, since http is allowed for `localhost` alone
 * ("Redirect URI (reply URL) best practices and limitations", localhost exceptions).
 */
export function asRedirectOrigin(origin: string): string {
  const url = new URL(origin);
  return isPlainLoopback(url) ? `http://localhost${url.port === "" ? "" : `:${url.port}`}` : url.origin;
}
