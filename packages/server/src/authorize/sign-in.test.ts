import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { NAMES, startTestServer } from "../api/testing.ts";
import { administratorSignIn } from "./sign-in.ts";

/** The permissions of Graph that an administrator is asked for, on behalf of a connection with these settings. */
async function asked(
  context: TestContext,
  {
    features = [],
    attributes = [],
  }: { readonly features?: readonly string[]; readonly attributes?: readonly string[] },
): Promise<readonly string[]> {
  const server = await startTestServer({ simulator: { people: 12, groups: 2 } });
  context.after(() => server.close());
  const { store } = server.installation;
  const credential = JSON.stringify([{ id: "one", kind: "delegated" }]);
  const uses = JSON.stringify({ features });
  await store.transaction((tx) =>
    tx
      .updateTable("connections")
      .set({ credential, uses, attributes: JSON.stringify(attributes) })
      .where("name", "=", NAMES.connection)
      .execute(),
  );
  const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
  const signIn = await administratorSignIn(server.installation, row);
  context.after(() => signIn.close());
  const { url } = await signIn.begin("http://localhost:7420/connect/authorized", new AbortController().signal);
  const scopes = new URL(url).searchParams.get("scope")?.split(" ") ?? [];
  return scopes.flatMap((scope) => scope.split(/(?<=\d)\//).slice(1)).sort();
}

test("asks an administrator for the least that people and groups need", async (context) => {
  assert.deepEqual(await asked(context, {}), ["GroupMember.Read.All", "User.Read", "User.Read.All"]);
});

test("asks an administrator for what the connection's own features need", async (context) => {
  const features = ["conditional-access", "notifications"];
  assert.deepEqual(await asked(context, { features }), [
    "Group.Read.All",
    "Policy.Read.All",
    "User.Read",
    "User.Read.All",
  ]);
});

test("asks an administrator for what the attributes that are read need", async (context) => {
  assert.deepEqual(await asked(context, { attributes: ["signInActivity"] }), [
    "AuditLog.Read.All",
    "GroupMember.Read.All",
    "User.Read",
    "User.Read.All",
  ]);
});
