import type { IncomingMessage } from "node:http";

const LARGEST = 4 * 1024 * 1024; // "Microsoft Graph throttling": requests up to 4 MB.

/** Reads a request body as text. Throws a RangeError above 4 MB. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += part.length;
    if (size > LARGEST) throw new RangeError("The request body is larger than 4 MB.");
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}
