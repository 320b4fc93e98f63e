import type { TestContext } from "node:test";
import { type Simulator, type SimulatorOptions, startSimulator } from "../simulator.ts";

/** An answer, parsed. `body` is typed loosely: tests say what they expect of it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerBody;
  readonly text: string;
}

/** A page, a record or an error, as far as tests look into them. */
export interface AnswerBody {
  readonly value?: readonly Record<string, unknown>[];
  readonly error?: { readonly code: string; readonly message: string; readonly [name: string]: unknown };
  readonly "@odata.nextLink"?: string;
  readonly "@odata.deltaLink"?: string;
  readonly "@odata.count"?: number;
  readonly [name: string]: unknown;
}

/** A plain Graph client: one token, every method. */
export interface TestClient {
  readonly simulator: Simulator;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  send(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Signs in again, for new roles. */
  signIn(): Promise<void>;
  /** Follows links to the end: all records, the number of pages and the last page. */
  all(
    path: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{
    readonly records: readonly Record<string, unknown>[];
    readonly pages: number;
    readonly last: AnswerBody;
  }>;
}

/** Starts a simulator for one test, unthrottled unless asked, and closes it afterwards. */
export async function startClient(test: TestContext, options: SimulatorOptions = {}): Promise<TestClient> {
  const simulator = await startSimulator({ throttle: "off", ...options });
  test.after(() => simulator.close());
  return connect(simulator);
}

/** A client of a simulator that the test starts and closes itself. */
export async function connect(simulator: Simulator): Promise<TestClient> {
  let token = await fetchToken(simulator);
  const request = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<Answer> => {
    const url = path.startsWith("http") ? path : `${simulator.graph}/v1.0${path}`;
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text), text };
  };
  const client: TestClient = {
    simulator,
    get: (path, headers = {}) => request("GET", path, headers),
    send: (method, path, body) => request(method, path, {}, body),
    signIn: async () => {
      token = await fetchToken(simulator);
    },
    all: async (path, headers = {}) => {
      const records: Record<string, unknown>[] = [];
      let last: AnswerBody = {};
      let pages = 0;
      for (let url: string | undefined = path; url !== undefined; url = last["@odata.nextLink"]) {
        const answer = await request("GET", url, headers);
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
        last = answer.body;
        records.push(...(last.value ?? []));
        pages++;
      }
      return { records, pages, last };
    },
  };
  return client;
}

/** A token as any client gets it. */
export async function fetchToken(
  simulator: Pick<Simulator, "login" | "tenant" | "client" | "secret">,
): Promise<string> {
  const response = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  return String(((await response.json()) as { readonly access_token: string }).access_token);
}

function parse(text: string): AnswerBody {
  try {
    return JSON.parse(text) as AnswerBody;
  } catch {
    return {};
  }
}
