import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came in. */
export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** The parsed body; `null` without one. */
  readonly body: unknown;
}

/** What is answered: a body that is no text goes as JSON. `cut` closes the connection, `hang` never answers. */
export type ScriptedAnswer =
  | "cut"
  | "hang"
  | { readonly status: number; readonly headers?: { readonly [name: string]: string }; readonly body?: unknown };

/** A server on loopback that misbehaves as told, and keeps what came in. */
export async function startScriptedServer(
  answer: (request: ScriptedRequest, ordinal: number) => ScriptedAnswer,
): Promise<{
  readonly baseUrl: string;
  readonly requests: readonly ScriptedRequest[];
  close(): Promise<void>;
}> {
  const requests: ScriptedRequest[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on("data", (chunk: Buffer) => chunks.push(chunk));
    message.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const { method = "", url: path = "", headers } = message;
      const request = { method, path, headers, body: text === "" ? null : JSON.parse(text) };
      requests.push(request);
      reply(answer(request, requests.length - 1), message, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scim`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function reply(answer: ScriptedAnswer, message: IncomingMessage, response: ServerResponse): void {
  if (answer === "hang") return;
  if (answer === "cut") {
    message.socket.destroy();
    return;
  }
  const { status, headers, body } = answer;
  response.writeHead(status, { "content-type": "application/scim+json", ...headers });
  response.end(typeof body === "string" || body === undefined ? body : JSON.stringify(body));
}
