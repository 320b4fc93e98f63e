import type { OutgoingHttpHeaders } from "node:http";

/** An answer as it goes onto the wire. */
export interface WireResponse {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  /** Empty for answers without content. */
  readonly body: string | Buffer;
}
