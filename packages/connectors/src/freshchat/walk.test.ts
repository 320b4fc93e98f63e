import assert from "node:assert/strict";
import { test } from "node:test";
import type { FreshchatClient, FreshchatReply } from "./api.ts";
import { resourceIn } from "./json.ts";
import { type List, PAGE } from "./page.ts";
import { walk } from "./walk.ts";

const LIST: List = { path: "/users", filter: { created_from: "2010-01-01" }, names: ["users", "user"] };
const signal = new AbortController().signal;

interface Asked {
  readonly page: number;
  readonly size: number;
  readonly path: string;
}

/** A client that answers pages as `answer` says. */
function clientOf(answer: (asked: Asked, ordinal: number) => unknown): FreshchatClient & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    send: async ({ path }): Promise<FreshchatReply> => {
      const query = new URL(path, "https://example.org").searchParams;
      asked.push({ page: Number(query.get("page")), size: Number(query.get("items_per_page")), path });
      const body = answer(asked.at(-1) as Asked, asked.length - 1);
      if (typeof body === "number") {
        return { kind: "error", code: "request_refused", status: body, word: null, detail: "no", retryAfterMs: null };
      }
      return { kind: "answer", status: 200, body };
    },
    close: async () => undefined,
  };
}

async function all(client: FreshchatClient): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const rows of walk({ client, signal }, LIST)) ids.push(...rows.map(({ id }) => String(id)));
  return ids;
}

const ids = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, at) => `u${from + at}`);
const rowsOf = (names: readonly string[]): readonly { readonly id: string }[] => names.map((id) => ({ id }));
const cut = (names: readonly string[], { page, size }: Asked) => rowsOf(names.slice((page - 1) * size, page * size));
const paged = (names: readonly string[], asked: Asked): object => ({
  users: cut(names, asked),
  pagination: {
    total_items: names.length,
    total_pages: Math.ceil(names.length / asked.size),
    current_page: asked.page,
  },
});
const linked = (names: readonly string[], asked: Asked): object => ({
  users: cut(names, asked),
  links:
    names.length > asked.page * asked.size ? { next_page: { href: "https://elsewhere.example/v2/users?page=2" } } : {},
});

test("reads a list in whichever envelope it comes, each row once", async () => {
  for (const count of [0, 1, 49, 50, 51, 120]) {
    const names = ids(0, count);
    for (const [envelope, client] of Object.entries({
      counted: clientOf((asked) => paged(names, asked)),
      linked: clientOf((asked) => linked(names, asked)),
      bare: clientOf((asked) => cut(names, asked)),
      "bare, and refused behind the last": clientOf((asked) => {
        const rows = cut(names, asked);
        return rows.length === 0 && asked.page > 1 ? 404 : rows;
      }),
      "without pages": clientOf(() => rowsOf(names)),
    })) {
      assert.deepEqual(await all(client), names, `${count} rows, ${envelope}`);
    }
  }
  assert.deepEqual(await all(clientOf(() => ({ id: "u1", email: "a@example.org" }))), ["u1"]);
  assert.deepEqual(await all(clientOf(() => ({ user: { id: "u1" } }))), ["u1"]);
});

test("goes on by the number of pages, with its own size and filter, and follows no link", async () => {
  const client = clientOf((asked) => linked(ids(0, 120), asked));
  await all(client);
  assert.ok(client.asked.every(({ size }) => size <= PAGE && size > PAGE / 2));
  assert.ok(client.asked.every(({ path }) => path.startsWith("/users?created_from=2010-01-01&page=")));
});

test("takes no answer without a list for an empty one", async () => {
  for (const body of [{}, { error: "x" }, { users: null }, { users: [{ email: "a" }] }, { users: [1] }, [[]]]) {
    await assert.rejects(all(clientOf(() => body)), { code: "answer_invalid" }, JSON.stringify(body));
  }
});

test("reads again when a row went in front of the reader, and misses none of the others", async () => {
  const names = ids(0, 120);
  // The first row goes before the second page is cut, and another comes at the end: as many as before.
  const after = [...names.slice(1), "u120"];
  const client = clientOf((asked, ordinal) => paged(ordinal === 0 ? names : after, asked));
  assert.deepEqual((await all(client)).toSorted(), [...names, "u120"].toSorted());
});

test("reads again when a row moved to the front, and doubles none", async () => {
  for (const envelope of [paged, linked, cut]) {
    const names = ids(0, 120);
    const moved = ["u90", ...names.filter((id) => id !== "u90")];
    const client = clientOf((asked, ordinal) => envelope(ordinal === 0 ? names : moved, asked));
    assert.deepEqual((await all(client)).toSorted(), names.toSorted());
  }
});

test("reads again when rows went and another came in front, whose numbers even out", async () => {
  const [one, two] = [ids(2, 120), ["new", ...ids(2, 120)]];
  for (const envelope of [linked, cut]) {
    const client = clientOf((asked, ordinal) =>
      envelope(ordinal === 0 ? ids(0, 120) : ordinal === 1 ? one : two, asked),
    );
    assert.deepEqual((await all(client)).toSorted(), ["new", ...ids(0, 120)].toSorted());
  }
});

test("reads a list to its end once while rows are added there", async () => {
  for (const envelope of [paged, linked]) {
    const client = clientOf((asked, ordinal) => envelope(ids(0, 120 + ordinal), asked));
    const read = await all(client);
    assert.deepEqual(read, ids(0, read.length));
    assert.deepEqual([read.length >= 120, client.asked.length], [true, 3]);
  }
});

test("reads pages of a size of the service's own until two readings are the same", async () => {
  const small = (asked: Asked): Asked => ({ ...asked, size: 20 });
  for (const envelope of [paged, linked, cut]) {
    for (const count of [20, 40, 70]) {
      assert.deepEqual(await all(clientOf((asked) => envelope(ids(0, count), small(asked)))), ids(0, count));
    }
  }
});

test("gives up on a list of which rows may always be missing, rather than to say that they are", async () => {
  const client = clientOf((asked, ordinal) => paged(ids(ordinal * 100, ordinal * 100 + 120), asked));
  await assert.rejects(all(client), { code: "answer_invalid", message: /\/users kept changing while it was read/ });
  assert.ok(client.asked.length < 40);
});

test("ends a list that leads from page to page without an end", async () => {
  const client = clientOf(() => ({ users: rowsOf(ids(0, 50)), links: { next_page: { href: "/v2/users?page=2" } } }));
  await assert.rejects(all(client), { code: "answer_invalid", message: /same page twice/ });
});

test("finds a resource bare, under its name, or alone in a list", () => {
  const user = { id: "u1" };
  for (const body of [user, { user }, { users: [user] }, [user]])
    assert.equal(resourceIn(body, ["users", "user"]), user);
  for (const body of [null, {}, [], { users: [user, user] }, { id: "" }, { user: {} }]) {
    assert.equal(resourceIn(body, ["users", "user"]), null);
  }
});
