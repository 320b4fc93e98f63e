import type { OutgoingHttpHeaders } from "node:http";
import type { PreparedPage } from "./prepared-pages.ts";

/** An answer as it goes onto the wire. */
export interface WireResponse {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  /** Empty for answers without content. */
  readonly body: string | Buffer;
  /** The page that the body is of, when it is kept: its compressed form is made once. */
  readonly page?: PreparedPage;
}
