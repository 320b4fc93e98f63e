import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ConnectorError } from "@entrain/core";
import type { FaultPlan } from "@entrain/simulator";
import { type Stage, startStage } from "./credentials/testing/stage.ts";
import { createEntraSetup } from "./index.ts";
import type { Registered, SetupPlan } from "./setup.ts";

const PLAN: Omit<SetupPlan, "displayName"> = {
  features: ["people", "groups"],
  credential: "secret",
  days: 90,
  redirectUris: ["http://localhost:7420/connect/consent"],
  multiTenant: false,
};
const RIGHTS = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"];

let stage: Stage;
let names = 0;
before(async () => {
  stage = await startStage();
});
after(() => stage.close());

interface Left {
  readonly secrets: number;
  readonly client: string;
}

interface Tried {
  readonly made: Registered | null;
  readonly error: unknown;
  /** The applications of that name that are there afterwards. */
  readonly left: readonly Left[];
  /** How often something was posted to such a path. */
  posts(path: RegExp): number;
}

/** Registers under a name of its own while these faults strike, and says what is there afterwards. */
async function register(
  faults: FaultPlan,
  { displayName = `Entrain ${++names}`, signal }: { displayName?: string; signal?: AbortSignal } = {},
): Promise<Tried> {
  const { simulator } = stage;
  const { client } = stage.app({ secret: "of-the-writer", roles: RIGHTS });
  const setup = createEntraSetup(stage.options(client, { kind: "secret", secret: () => "of-the-writer" }));
  const earlier = simulator.requests.list().length;
  simulator.faults.set(faults);
  try {
    const work = { signal: signal ?? new AbortController().signal, keep: async () => undefined };
    const ended = await setup.register({ ...PLAN, displayName }, work).then(
      (made) => ({ made, error: null }),
      (error: unknown) => ({ made: null, error }),
    );
    const requests = simulator.requests.list().slice(earlier);
    return {
      ...ended,
      left: simulator.identity
        .apps()
        .filter((app) => app.displayName === displayName)
        .map((app) => ({ client: app.client, secrets: app.secrets.length })),
      posts: (path) => requests.filter((one) => one.method === "POST" && path.test(one.path)).length,
    };
  } finally {
    simulator.faults.set([]);
    await setup.close();
  }
}

const LOST = { type: "cut", at: "answer" } as const;
const OVERLOADED = { type: "status", status: 503 } as const;

describe("a registration whose writes are answered badly", () => {
  for (const [what, path] of [
    ["the application", "/applications"],
    ["its principal", "/servicePrincipals"],
    ["a permission", "/servicePrincipals/*/appRoleAssignments"],
    ["its secret", "/applications/*/addPassword"],
  ] as const) {
    it(`makes ${what} once when the answer to it is lost`, async () => {
      const { made, error, left } = await register([{ action: LOST, method: "POST", path, times: 1 }]);
      assert.equal(error, null);
      assert.deepEqual(left, [{ client: made?.client, secrets: 1 }]);
    });
  }

  it("goes on behind a permission, principal or secret that Graph was too busy for", async () => {
    for (const path of [
      "/servicePrincipals",
      "/servicePrincipals/*/appRoleAssignments",
      "/applications/*/addPassword",
    ]) {
      const { made, error, left } = await register([{ action: OVERLOADED, method: "POST", path, times: 1 }]);
      assert.equal(error, null, path);
      assert.deepEqual(left, [{ client: made?.client, secrets: 1 }]);
    }
  });

  it("posts no second application where nobody knows what became of the first, and says how to tell", async () => {
    const displayName = "Entrain's own";
    const plan: FaultPlan = [{ action: OVERLOADED, method: "POST", path: "/applications" }];
    const { error, left, posts } = await register(plan, { displayName });
    assert.ok(error instanceof ConnectorError);
    assert.deepEqual([error.retry, left, posts(/\/applications$/)], ["never", [], 1]);
    assert.match(error.message, /not known whether the application was made/);
    assert.match(error.fix ?? "", /Entrain's own.*entrain-[0-9a-f-]{36}/);
  });

  it("gives up at once what is refused for good, and takes back what was made", async () => {
    const refused = { type: "status", status: 400, code: "Request_BadRequest" } as const;
    const path = "/servicePrincipals/*/appRoleAssignments";
    const { error, left, posts } = await register([{ action: refused, method: "POST", path }]);
    assert.ok(error instanceof ConnectorError);
    assert.deepEqual([error.status, left, posts(/appRoleAssignments$/)], [400, [], 1]);
  });

  it("takes the application back although the answer to its removal is lost", async () => {
    const refused = { type: "status", status: 403 } as const;
    const { error, left } = await register([
      { action: refused, method: "POST", path: "/servicePrincipals" },
      { action: LOST, method: "DELETE", path: "/applications/*", times: 1 },
    ]);
    assert.ok(error instanceof ConnectorError);
    assert.deepEqual([error.status, left], [403, []]);
  });
});

it("leaves nothing behind when it is stopped while the application is being made", { timeout: 30_000 }, async (t) => {
  const stopping = new AbortController();
  const earlier = stage.simulator.requests.list().length;
  const slow = { type: "slow", ms: 300 } as const;
  const registering = register([{ action: slow, method: "POST", path: "/applications" }], { signal: stopping.signal });
  const asked = (): boolean =>
    stage.simulator.requests
      .list()
      .slice(earlier)
      .some(({ method, path }) => method === "POST" && path.endsWith("/applications"));
  while (!asked()) {
    t.signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
  stopping.abort();
  const { error, left } = await registering;
  assert.deepEqual([error instanceof DOMException && error.name, left], ["AbortError", []]);
});
