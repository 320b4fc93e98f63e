import { isForRedirects, originIn } from "../origin.ts";
import { usage } from "./command.ts";

/** The origin of an address that people reach Entrain by; `option` is the option's name. @throws ConnectorError `usage` */
export function originOf(text: string, option: string = "public-url"): string {
  const origin = originIn(text);
  if (origin !== null) return origin;
  throw usage(`--${option} must be an address without a path, such as https://entrain.contoso.com.`);
}

/** The origin that Entra sends administrators back to. @throws ConnectorError `usage` */
export function redirectOriginOf(text: string): string {
  const origin = originOf(text);
  if (isForRedirects(origin)) return origin;
  throw usage(`--public-url must begin with https, not ${origin}: Entra takes http for localhost alone.`);
}
