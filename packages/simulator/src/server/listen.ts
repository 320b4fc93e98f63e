import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A running server and the base address that its links carry. */
export interface Listening {
  readonly origin: string;
  close(): Promise<void>;
}

/** Where and how to listen. */
export interface ListenOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host: string;
  readonly tls: { readonly key: string; readonly cert: string } | null;
  /** Told the base address before the first request can arrive. */
  readonly listener: (origin: string) => RequestListener;
}

const KEEP_ALIVE_MS = 60_000;
const ANY = new Set(["0.0.0.0", "::"]);

/** Starts listening. Rejects with one sentence when the port is taken or the address is not this machine's. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { tls, host } = options;
  const settings = { keepAliveTimeout: KEEP_ALIVE_MS };
  const server: Server = tls === null ? createServer(settings) : createTlsServer({ ...settings, ...tls });
  const port = await bind(server, options.port, host);
  const name = tls !== null ? "localhost" : ANY.has(host) ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  const origin = `${tls === null ? "http" : "https"}://${name}:${port}`;
  server.on("request", options.listener(origin));
  return {
    origin,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bind(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(bindError(error, port, host), { cause: error })),
    );
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function bindError(error: NodeJS.ErrnoException, port: number, host: string): string {
  if (error.code === "EADDRINUSE") return `Port ${port} on ${host} is taken; stop what uses it or choose another port.`;
  if (error.code === "EACCES") return `Port ${port} needs administrator rights; choose one above 1023.`;
  if (error.code === "EADDRNOTAVAIL") return `${host} is not an address of this machine; give one that is.`;
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
    return `${host} is no known name; give an address of this machine.`;
  }
  return `Cannot listen on ${host}:${port}: ${error.message}.`;
}
