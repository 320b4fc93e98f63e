import assert from "node:assert/strict";
import { before, suite, type TestContext, test } from "node:test";
import type { SourceRecord } from "@entrain/core";
import type { GraphClient } from "../../packages/connectors/src/entra/client.ts";
import { GraphRefusal } from "../../packages/connectors/src/entra/client.ts";
import { type Answer, readAll, rigFor, startTenant } from "../../packages/connectors/src/entra/testing.ts";
import { sharedFolder, skipUnless } from "../servers.ts";
import { ourClient } from "./client.ts";
import { type Example, readExamples, recordsIn } from "./examples.ts";
import { isObject, type Json, type JsonObject, listIn, objectIn, parseJson, textIn } from "./json.ts";
import { stopRecording } from "./recorder.ts";
import { tell } from "./recording.ts";
import { readFloor } from "./shared.ts";

const COUNTED = "documented answers that our client reads whole";
const SIGNAL = new AbortController().signal;
const PERMISSION = "any";
const COLLECTIONS = ["users", "groups", "users/delta", "groups/delta"];

suite("what our client makes of Microsoft's documented answers", { skip: skipUnless("shared") }, () => {
  if (!sharedFolder().available) return;
  const examples = readExamples().flatMap((one) => (one.target === null || one.status === null ? [] : [one]));
  const read: string[] = [];
  // The requests are the documentation's, not those that our product makes.
  before(stopRecording);

  for (const example of examples.filter(isWhole)) {
    test(`${example.name} is read whole`, async (t) => {
      await feed(t, example);
      read.push(example.name);
    });
  }

  for (const example of examples.filter(isCollection)) {
    test(`${example.name} becomes records without a loss`, (t) => readBySource(t, example));
  }

  test("as many are read as ever", () => {
    tell("client examples", read);
    assert.ok(read.length >= (readFloor()[COUNTED] ?? 0), `${read.length} are read`);
  });
});

/** Lets our client send the documented method, and gets the documented answer back. */
async function feed(t: TestContext, example: Example): Promise<void> {
  const { method, status, answer } = example;
  const tenant = await startTenant((_, origin) => answerOf(example, origin));
  t.after(() => tenant.close());
  const { client, close } = ourClient(tenant.origin);
  t.after(close);
  const target = example.target.replaceAll(/[{}|\s"]/g, "_");
  const verb = method === "GET" || method === "PATCH" || method === "DELETE" ? method : "POST";
  const request = {
    permission: PERMISSION,
    method: verb,
    ...(isObject(example.body) ? { body: example.body } : {}),
  } as const;
  const wanted = here(answer, tenant.origin);
  if ((status ?? 0) >= 400) return assertRefusal(client.request(target, request, SIGNAL), example);
  if (isCount(example)) assert.equal(await client.count(target, request, SIGNAL), Number(answer));
  else if (answer === null) await client.send(target, request, SIGNAL);
  else if (isPage(wanted)) assert.deepEqual(await pageOf(client, target), wanted);
  else assert.deepEqual((await client.request(target, request, SIGNAL)).body, wanted);
}

async function assertRefusal(sent: Promise<unknown>, { status, answer }: Example): Promise<void> {
  await assert.rejects(sent, (error: unknown) => {
    assert.ok(error instanceof GraphRefusal);
    assert.deepEqual([error.status, error.graphCode], [status, textIn(objectIn(answer, "error"), "code") ?? ""]);
    return true;
  });
}

/** The page as our client understands it, written as Graph wrote it. */
async function pageOf(client: GraphClient, target: string): Promise<unknown> {
  const { entities, nextLink, deltaLink } = await client.page(target, { permission: PERMISSION }, SIGNAL);
  return {
    value: entities,
    ...(nextLink === null ? {} : { "@odata.nextLink": nextLink }),
    ...(deltaLink === null ? {} : { "@odata.deltaLink": deltaLink }),
  };
}

function answerOf({ status, answer }: Example, origin: string): Answer {
  const wanted = here(answer, origin);
  const body = isObject(wanted) ? wanted : wanted === null ? "" : String(wanted);
  return { status: status ?? 200, body };
}

/** The documented answer with links that lead here. Of a page only what our client says of one is kept. */
function here(answer: Json, origin: string): Json {
  const text = JSON.stringify(answer).replaceAll(
    /https:\/\/graph\.microsoft\.com(?=\/(v1\.0|beta)\/(?!\$metadata))/g,
    origin,
  );
  const moved = parseJson(text) ?? null;
  if (!isPage(moved)) return moved;
  const kept = Object.entries(moved).filter(([name]) => /^(value|@odata\.(nextLink|deltaLink))$/.test(name));
  return Object.fromEntries(kept);
}

function isPage(answer: Json): answer is JsonObject {
  return (
    isObject(answer) &&
    Array.isArray(answer.value) &&
    recordsIn(answer).every((one) => textIn(one, "id") !== null) &&
    listIn(answer, "value").every(isObject)
  );
}

/** Some pages cut their answer short to be read, or describe it; our client has no request by PUT. */
function isWhole(example: Example): boolean {
  const { method, answer } = example;
  if (method === "PUT" || (isCount(example) && answer === null)) return false;
  return answer === null || isObject(answer) || /^\d+$/.test(String(answer));
}

function isCount({ segments }: Example): boolean {
  return segments.at(-1) === "$count";
}

/** Examples of what the source reads: people, groups and their changes. */
function isCollection({ method, segments, status, answer }: Example): boolean {
  return (
    method === "GET" &&
    status === 200 &&
    COLLECTIONS.includes(segments.join("/")) &&
    isPage(answer) &&
    recordsIn(answer).length > 0
  );
}

/** Gives the documented page to the whole source, as its list or as what changed since, and compares the records. */
async function readBySource(t: TestContext, example: Example): Promise<void> {
  const set = example.segments[0] ?? "";
  const kind = set === "users" ? "user" : "group";
  const delta = example.segments[1] === "delta";
  const documented = recordsIn(example.answer);
  const names = [...new Set(documented.flatMap(Object.keys))].filter(
    (name) => !/[@]|^(id|manager|members)$/.test(name),
  );
  const tenant = await startTenant(({ path, query }, origin): Answer => {
    const link = (token: string): string => `${origin}/v1.0/${set}/delta?$deltatoken=${token}`;
    const token = query.get("$deltatoken");
    if (path.endsWith("/$count"))
      return { body: String(delta ? 1 : documented.length), headers: { "content-type": "text/plain" } };
    if (path.endsWith("/members")) return { body: { value: [] } };
    if (token === "latest") return { body: { value: [], "@odata.deltaLink": link("begun") } };
    if (token === "begun" && delta) return { body: { value: documented, "@odata.deltaLink": link("ended") } };
    if (token !== null) return { body: { value: [], "@odata.deltaLink": link("ended") } };
    return { body: { value: delta ? [{ id: "somebody" }] : documented } };
  });
  t.after(() => tenant.close());
  const { source } = rigFor(tenant.origin, kind === "user" ? { attributes: names } : { groupAttributes: names });
  t.after(() => source.close());
  const records = (await readAll(source, kind)).flatMap((page) => page.records);
  for (const one of documented) assertRecord(records, one, names);
}

function assertRecord(records: readonly SourceRecord[], documented: JsonObject, names: readonly string[]): void {
  const found = records.find(({ id }) => id === documented.id);
  assert.ok(found !== undefined, `${String(documented.id)} is lost`);
  if ("@removed" in documented) {
    assert.equal(found.removed, textIn(documented["@removed"], "reason") === "deleted" ? "hard" : "soft");
    return;
  }
  for (const name of names.filter((one) => one in documented)) {
    assert.deepEqual(found.attributes[name], documented[name], name);
  }
  const members = listIn(documented, "members@delta");
  if (members.length === 0) return;
  const { memberships } = found;
  assert.ok(memberships?.form === "changes");
  const [added, removed] = [members.filter((one) => !isGone(one)), members.filter(isGone)].map((list) =>
    list.map((one) => textIn(one, "id")).sort(),
  );
  assert.deepEqual([memberships.add.map(({ id }) => id).sort(), memberships.remove.toSorted()], [added, removed]);
}

function isGone(member: Json): boolean {
  return isObject(member) && "@removed" in member;
}
