import { originIn } from "../origin.ts";
import { usage } from "./command.ts";

/** The origin of an address that people reach Entrain by. @throws ConnectorError `usage` */
export function publicOriginOf(text: string): string {
  const origin = originIn(text);
  if (origin !== null) return origin;
  throw usage("--public-url must be an address without a path, such as https://entrain.contoso.com.");
}
