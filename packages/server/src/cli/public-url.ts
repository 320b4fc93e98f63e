import { usage } from "./command.ts";

/** The origin of an address that people reach Entrain by. @throws ConnectorError `usage` */
export function publicOriginOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "") return url.origin;
  throw usage("--public-url must be an address without a path, such as https://entrain.contoso.com.");
}
