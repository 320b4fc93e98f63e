import assert from "node:assert/strict";
import { test } from "node:test";
import type { Alert } from "../store/alerts.ts";
import { slackBody } from "./slack.ts";

interface Block {
  readonly type: string;
  readonly text: { readonly type: string; readonly text: string; readonly verbatim?: boolean };
}

interface Payload {
  readonly text: string;
  readonly blocks: readonly Block[];
}

const HELD = {
  sync: "contoso-desk",
  plan: "plan_1",
  digest: "ab".repeat(32),
  changes: 1234,
  counts: { create: 0, disable: 1234 },
  guards: ["removal_guard"],
  reason: "1,234 removals are more than 10 %.",
  people: ["Ana & Söhne <!channel>", "משה", "山田太郎"],
  approve: "entrain sync approve contoso-desk --digest ab",
  reject: "entrain sync approve contoso-desk --digest ab --reject",
  detail: "1,234 changes wait for approval; everything else goes on.",
  fix: "Look at it.",
};

function alertOf(data: Alert["data"], type: Alert["type"] = "plan.held"): Alert {
  return { id: "alert_1", type, data, at: Date.UTC(2031, 2, 3, 8) };
}

function payloadOf(data: Alert["data"], type?: Alert["type"]): Payload {
  return JSON.parse(slackBody(alertOf(data, type))) as Payload;
}

test("posts a header, the sentences, the facts and what to type", () => {
  const { text, blocks } = payloadOf(HELD);
  assert.equal(text, `contoso-desk: 1,234 changes wait for approval\n${HELD.detail}\n${HELD.fix}`);
  const [header, sentences, facts, commands, ...others] = blocks;
  assert.deepEqual(header, {
    type: "header",
    text: { type: "plain_text", text: "contoso-desk: 1,234 changes wait for approval", emoji: false },
  });
  assert.deepEqual(sentences?.text, { type: "mrkdwn", text: `${HELD.detail}\n${HELD.fix}`, verbatim: true });
  assert.match(facts?.text.text ?? "", /^\*Why:\* 1,234 removals are more than 10 %\.\n\*Changes:\* disable 1,234\n/);
  assert.equal(commands?.text.text, `\`\`\`\n${HELD.approve}\n${HELD.reject}\n\`\`\``);
  assert.deepEqual(others, []);
});

test("escapes what would be a link or would call a channel, and keeps names of any script apart", () => {
  const facts = payloadOf(HELD).blocks[2]?.text.text ?? "";
  assert.ok(
    facts.includes("\u2068Ana &amp; Söhne &lt;!channel&gt;\u2069, \u2068משה\u2069, \u2068山田太郎\u2069"),
    facts,
  );
  const turned = payloadOf({ ...HELD, people: ["\u202Eevil\u2066\n*Why:* nothing"] }).blocks[2]?.text.text ?? "";
  assert.ok(turned.includes("\u2068evil *Why:* nothing\u2069"), turned);
  assert.doesNotMatch(JSON.stringify(payloadOf(HELD)), /<!channel>/);
});

test("keeps to the limits of blocks, and cuts neither an entity nor a letter", () => {
  const family = "👩‍👩‍👧‍👦";
  const long = { ...HELD, detail: "&".repeat(5_000), reason: family.repeat(500), people: ["<".repeat(400)] };
  const { blocks } = payloadOf({ ...long, sync: "s".repeat(64) });
  assert.ok((blocks[0]?.text.text.length ?? 0) <= 150);
  for (const { type, text } of blocks) {
    assert.ok(text.text.length > 0 && text.text.length <= (type === "header" ? 150 : 3_000), text.text);
    assert.doesNotMatch(text.text, /&(?!(?:amp|lt|gt);)/);
    assert.ok(text.text.isWellFormed());
  }
  const why = /\*Why:\* (.*)…/u.exec(blocks[2]?.text.text ?? "")?.[1] ?? "";
  assert.equal(why.replaceAll(family, ""), "");
  assert.ok(blocks.length <= 50);
});

test("says quietly what needs nothing to be done", () => {
  const data = { sync: "contoso-desk", was: "failing", since: "2031-03-03T06:00:00.000Z", detail: "It works again." };
  const { blocks } = payloadOf({ ...data, fix: "Nothing needs to be done." }, "sync.recovered");
  assert.deepEqual(
    blocks.map(({ text }) => text.text),
    ["contoso-desk works again", "It works again.", "*Since:* 2031-03-03 06:00 UTC"],
  );
});
