import assert from "node:assert/strict";
import { test } from "node:test";
import { Judge } from "./exchanges.ts";
import type { Json, JsonObject } from "./json.ts";
import { findIn } from "./kinds.ts";
import type { Exchange } from "./recording.ts";
import { SchemaChecker } from "./schemas.ts";
import { normalise } from "./specification.ts";

const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json): JsonObject => ({ content: { "application/json": { schema } } });
const option = (name: string): JsonObject => ({ name, in: "query" });
const list = (name: string): JsonObject => ({
  allOf: [
    { type: "object", properties: { "@odata.nextLink": { type: "string" }, "@odata.count": { type: "integer" } } },
    { type: "object", properties: { value: { type: "array", items: reference(name) } } },
  ],
});

/** A description in the manner of the official one. */
const DOCUMENT: Json = {
  paths: {
    "/users": {
      get: {
        parameters: ["$top", "$select", "$filter", "$count", "$search", "$orderby", "$expand"].map(option),
        responses: { "2XX": json(list("microsoft.graph.user")) },
      },
      post: {
        requestBody: json(reference("microsoft.graph.user")),
        responses: { "201": json(reference("microsoft.graph.user")) },
      },
    },
    "/users/delta()": {
      get: { parameters: ["$select", "$top"].map(option), responses: { "2XX": json(list("microsoft.graph.user")) } },
    },
    "/users/{user-id}": {
      get: { parameters: [option("$select")], responses: { "2XX": json(reference("microsoft.graph.user")) } },
      delete: { responses: { "204": { description: "Success" } } },
    },
    "/users/{user-id}/manager": { get: { responses: { "2XX": json(reference("microsoft.graph.directoryObject")) } } },
    "/applications(appId='{appId}')": { delete: { responses: { "204": { description: "Success" } } } },
  },
  components: {
    schemas: {
      BaseCollectionPaginationCountResponse: {
        type: "object",
        properties: { "@odata.nextLink": { type: "string" } },
      },
      "microsoft.graph.directoryObject": { type: "object", properties: { id: { type: "string" } } },
      "microsoft.graph.user": {
        allOf: [
          reference("microsoft.graph.directoryObject"),
          {
            type: "object",
            required: ["@odata.type"],
            properties: {
              accountEnabled: { type: "boolean", nullable: true },
              mail: { type: "string", nullable: true },
              businessPhones: { type: "array", items: { type: "string" } },
              kind: { anyOf: [reference("microsoft.graph.kind"), { type: "object", nullable: true }] },
              manager: { anyOf: [reference("microsoft.graph.directoryObject"), { type: "object", nullable: true }] },
            },
          },
        ],
      },
      "microsoft.graph.kind": { type: "string", enum: ["guest", "member"] },
      "microsoft.graph.ODataErrors.ODataError": {
        type: "object",
        required: ["error"],
        properties: { error: { type: "object", properties: { code: { type: "string" } }, required: ["code"] } },
      },
    },
  },
};

const ABOUT = { page: "a page", address: "https://learn.microsoft.com/graph/a-page", says: "something" };
const SPECIFICATION = normalise(DOCUMENT, {
  entries: [
    { ...ABOUT, at: ["GET /users/delta"], refuse: ["$top"], allow: ["$deltatoken", "$skiptoken"] },
    { ...ABOUT, derive: [{ collection: "/users", casts: ["user"] }] },
    { ...ABOUT, advanced: { sets: ["users"], filters: ["ne", "not"] } },
  ],
});
const JUDGE = new Judge(SPECIFICATION, new SchemaChecker(SPECIFICATION.schemas));
const TYPE = "application/json;odata.metadata=minimal";

function exchange(request: string, more: Partial<Exchange> = {}): Exchange {
  const [method = "", target = ""] = request.split(/ (.*)/);
  const from = { product: false, simulator: true, eventual: false, status: 200, type: TYPE };
  return { kind: "exchange", method, target, ...from, ...more };
}

const PAGE = { answer: { value: [] } };
const END = { answer: { value: [], "@odata.deltaLink": "x" } };

test("accepts what is described, however its address is written", () => {
  const fine: readonly Exchange[] = [
    exchange("GET /users?$top=999&$select=id,mail&$expand=manager($select=id)", PAGE),
    exchange("GET /USERS?%24filter=accountEnabled+eq+true", PAGE),
    exchange("GET /users?$filter=mail ne null&$count=true", { ...PAGE, eventual: true }),
    exchange("GET /users/delta?$deltatoken=x", END),
    exchange("GET /users/delta()?$select=mail,extension_0123456789abcdef0123456789abcdef_shoe", END),
    exchange("GET /users('a@b.c')", { answer: { id: "1", mail: null, kind: "guest", "@odata.context": "x" } }),
    exchange("GET /users/a@b.c/manager", { answer: { "@odata.type": "#microsoft.graph.user", id: "1", mail: "m" } }),
    exchange("GET /users/microsoft.graph.user", PAGE),
    exchange("GET /users/$count", { answer: "12", type: "text/plain", eventual: true }),
    exchange("DELETE /users/1", { status: 204, type: "" }),
    exchange("DELETE /applications(appId='1')", { status: 204, type: "" }),
    exchange("GET /users/1", { status: 404, answer: { error: { code: "Request_ResourceNotFound" } } }),
    exchange("POST /users", { status: 201, body: { mail: "m" }, answer: { id: "1" } }),
    exchange("GET /users/delta?$deltatoken=x", {
      answer: {
        "@odata.deltaLink": "x",
        value: [
          { id: "1", "@removed": { reason: "changed" } },
          { id: "2", "manager@delta": [{ id: "3", "@odata.type": "#microsoft.graph.user" }] },
        ],
      },
    }),
  ];
  for (const one of fine) {
    const { request, answer } = JUDGE.judge(one);
    assert.deepEqual([request, answer], [[], []], `${one.method} ${one.target}`);
  }
});

const WRONG_REQUESTS = {
  "GET /people": "Graph has no GET /people",
  "PATCH /users": "Graph has no PATCH /users",
  "GET /users?$top=1000": "$top is not within 1 and 999",
  "GET /users?$top=0": "$top is not within 1 and 999",
  "GET /users?top=10": "the option top is not documented here",
  "GET /users/delta?$top=5": "the option $top is not documented here",
  "GET /users?$select=shoeSize": "$select names shoeSize, which there is not",
  "GET /users?$expand=shoes($select=id)": "$expand names shoes, which there is not",
  "GET /users?$filter=shoeSize eq 'mail'": "$filter names shoeSize, which there is not",
  "GET /users?$orderby=shoeSize desc": "$orderby names shoeSize, which there is not",
  "GET /users?$filter=mail ne 'a'": "ne in $filter needs ConsistencyLevel: eventual",
  'GET /users?$search="displayName:a"': "$search needs ConsistencyLevel: eventual",
  "GET /users/$count": "/$count needs ConsistencyLevel: eventual",
  "POST /users": "the request has no body",
} as const;

for (const [request, fault] of Object.entries(WRONG_REQUESTS)) {
  test(`finds that ${request} is no request of Graph's`, () => {
    assert.deepEqual(JUDGE.judge(exchange(request, PAGE)).request, [fault]);
  });
}

const WRONG_ANSWERS: readonly (readonly [string, Partial<Exchange>])[] = [
  ["/value/* has the unknown property shoeSize", { answer: { value: [{ shoeSize: 1 }] } }],
  ["/value/*/businessPhones must be array (it is null)", { answer: { value: [{ businessPhones: null }] } }],
  ["/value/*/mail must be string,null", { answer: { value: [{ mail: 1 }] } }],
  ["/value/*/kind must be equal to one of the allowed values", { answer: { value: [{ kind: "robot" }] } }],
  [
    "/value/* has the unknown property @removed",
    { answer: { value: [{ id: "1", "@removed": { reason: "deleted" } }] } },
  ],
  ["(the whole) has the unknown property next", { answer: { value: [], next: "x" } }],
  ["the answer is text/html, not application/json", { answer: "<html>", type: "text/html" }],
  ["the answer has no content", { type: "" }],
  ["refusal: (the whole) must have required property 'error'", { status: 400, answer: {} }],
  ["302 is not documented", { status: 302, answer: {} }],
];

for (const [fault, more] of WRONG_ANSWERS) {
  test(`finds in an answer that ${fault}`, () => {
    const [found = "", ...rest] = JUDGE.judge(exchange("GET /users", more)).answer;
    assert.ok(found.startsWith(fault), found);
    assert.deepEqual(rest, []);
  });
}

test("finds a delta page without a link, or with both", () => {
  const links = { "@odata.nextLink": "x", "@odata.deltaLink": "y" };
  for (const answer of [{ value: [] }, { value: [], ...links }]) {
    assert.equal(JUDGE.judge(exchange("GET /users/delta", { answer })).answer.length, 1);
  }
});

test("a wrong request of a test is fine when it was refused, and one of ours never is", () => {
  const refused = { status: 400, answer: { error: { code: "BadRequest" } } };
  const wrong = "GET /users?$top=1000";
  const found = findIn(
    [
      exchange(wrong, refused),
      exchange(wrong, PAGE),
      exchange(wrong, { ...refused, product: true }),
      exchange("GET /users?$top=5", { ...PAGE, product: true, simulator: false }),
    ],
    JUDGE,
  );
  assert.deepEqual(
    [...found.faults.keys()],
    [
      "the simulator accepts GET /users?$top (200): $top is not within 1 and 999",
      "our request GET /users?$top: $top is not within 1 and 999",
    ],
  );
  assert.deepEqual([found.product.size, found.tests.size, found.refused.size], [1, 1, 1]);
});

test("a stand-in's answer is not judged, nor are the options of its links", () => {
  const standIn = exchange("GET /users?page=2", { product: true, simulator: false, answer: { anything: 1 } });
  assert.equal(findIn([standIn], JUDGE).faults.size, 0);
});
