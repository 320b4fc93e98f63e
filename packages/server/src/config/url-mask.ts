/** What a query that may hold a token is shown as. */
const HIDDEN = "?[secret]";

/** An address as it may be shown: its query and its user may hold a token, and are hidden. */
export function maskedUrl(address: string): string {
  const url = URL.parse(address);
  if (url === null) return "[secret]";
  if (url.search === "" && url.username === "" && url.password === "") return address;
  return `${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : HIDDEN}`;
}

/** True for an address as {@link maskedUrl} shows one with a query. */
export function isMaskedUrl(address: string): boolean {
  return address.endsWith(HIDDEN);
}

/** A credential, or a part of one, with every address in it as it may be shown. */
export function maskedUrls<T>(value: T): T {
  if (typeof value === "string") return (/^https?:\/\//i.test(value) ? maskedUrl(value) : value) as T;
  if (Array.isArray(value)) return value.map(maskedUrls) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, maskedUrls(part)])) as T;
}
