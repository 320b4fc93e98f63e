/** Letters, digits and what else a host is made of: such an origin may stand in a script as it is. */
const HOST = /^[A-Za-z0-9.-]+(?::\d+)?$|^\[[0-9A-Fa-f:.]+\](?::\d+)?$/;

/** The origin of an address that people reach Entrain by, such as `https://entrain.contoso.com`; null for anything else. */
export function originIn(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || !HOST.test(url.host)) return null;
  return url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" ? url.origin : null;
}

/**
 * An origin as Entra takes it in a redirect URI: this machine by its name, since http is allowed for `localhost` alone
 * ("Redirect URI (reply URL) best practices and limitations", localhost exceptions).
 */
export function asRedirectOrigin(origin: string): string {
  const url = new URL(origin);
  const isLoopback = url.protocol === "http:" && /^127(?:\.\d{1,3}){3}$|^\[::1\]$/.test(url.hostname);
  return isLoopback ? `http://localhost${url.port === "" ? "" : `:${url.port}`}` : url.origin;
}
