import assert from "node:assert/strict";
import { test } from "node:test";
import type { Alert } from "../store/alerts.ts";
import { teamsBody } from "./teams.ts";

interface Posted {
  readonly type: string;
  readonly attachments: readonly {
    readonly contentType: string;
    readonly contentUrl: null;
    readonly content: {
      readonly $schema: string;
      readonly type: string;
      readonly version: string;
      readonly body: readonly { readonly type: string; readonly inlines: readonly { readonly text: string }[] }[];
    };
  }[];
}

const FAILING = {
  sync: "contoso-desk",
  connection: "contoso",
  failures: 3,
  since: "2031-03-03T06:00:00.000Z",
  code: "unreachable",
  detail: "The last 3 runs failed: desk.example.com could not be reached.",
  fix: "Check [the address](https://evil.example) **now**.",
};

function bodyOf(data: Alert["data"]): string {
  return teamsBody({ id: "alert_1", type: "sync.failing", data, at: Date.UTC(2031, 2, 3, 8) });
}

test("is shaped as Microsoft documents it: a message with one Adaptive Card", () => {
  const posted = JSON.parse(bodyOf(FAILING)) as Posted;
  assert.equal(posted.type, "message");
  const [attachment, ...others] = posted.attachments;
  assert.ok(attachment !== undefined && others.length === 0);
  const { content, ...frame } = attachment;
  assert.deepEqual(frame, { contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null });
  assert.deepEqual(
    [content.$schema, content.type, content.version],
    ["http://adaptivecards.io/schemas/adaptive-card.json", "AdaptiveCard", "1.2"],
  );
  assert.deepEqual(
    content.body.map(({ inlines }) => inlines.map(({ text }) => text).join("")),
    [
      "contoso-desk keeps failing",
      FAILING.detail,
      FAILING.fix,
      "Connection: contoso",
      "Failures in a row: 3",
      "Since: 2031-03-03 06:00 UTC",
    ],
  );
  // Their runs know no Markdown, so nothing that a name holds becomes a link.
  assert.ok(content.body.every(({ type }) => type === "RichTextBlock"));
});

test("stays under 28 KB whatever it is given", () => {
  const long = '山\u0001"\\👩‍👩‍👧‍👦'.repeat(5_000);
  const body = bodyOf({
    ...FAILING,
    sync: long,
    connection: long,
    detail: long,
    fix: long,
    reason: long,
    people: [long, long, long],
    approve: long,
    reject: long,
    digest: long,
  });
  assert.ok(Buffer.byteLength(body) < 28 * 1024, String(Buffer.byteLength(body)));
  assert.ok(body.isWellFormed());
});
