import { createServer, type Server } from "node:http";
import type { Simulator } from "@entrain/simulator";
import { type Json, objectIn, parseJson, textIn } from "./json.ts";

/** What came back. `json` is null for anything else. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Json;
}

/** Plain requests to a simulator's Graph with an application's token. */
export interface Graph {
  /** `…/v1.0`. */
  readonly base: string;
  send(method: string, target: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(target: string): Promise<Json>;
  /** The address of a listener that answers the handshake of subscriptions. */
  webhook(): Promise<string>;
}

/** Signs in with the simulator's own secret. */
export async function openGraph(simulator: Simulator): Promise<Graph> {
  const base = `${simulator.graph}/v1.0`;
  const signedIn = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  const token = textIn(await signedIn.json(), "access_token") ?? "";
  const send: Graph["send"] = async (method, target, body, headers = {}) => {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const all = { ...type, ...headers, authorization: `Bearer ${token}` };
    const url = target.startsWith("http") ? target : `${base}${target}`;
    const response = await fetch(url, { method, headers: all, ...content });
    const text = await response.text();
    return { status: response.status, text, json: parseJson(text) ?? null };
  };
  return {
    base,
    send,
    get: async (target) => {
      const answer = await send("GET", target);
      if (answer.status !== 200)
        throw new Error(`GET ${target}: ${answer.status} ${JSON.stringify(objectIn(answer.json, "error"))}`);
      return answer.json;
    },
    webhook: () => webhook(),
  };
}

/** "Receive change notifications through webhooks": the token comes back as plain text. It ends with the process. */
async function webhook(): Promise<string> {
  const server: Server = createServer((request, response) => {
    const token = new URL(request.url ?? "/", "http://localhost").searchParams.get("validationToken");
    request.resume();
    response.writeHead(token === null ? 202 : 200, { "content-type": "text/plain" }).end(token ?? "");
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return `http://127.0.0.1:${address.port}/hook`;
}
