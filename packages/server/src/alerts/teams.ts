import type { Alert } from "../store/alerts.ts";
import { type Message, messageOf, within } from "./words.ts";

/** A message of a webhook may have 28 KB ("Limits and specifications for Microsoft Teams"); this leaves room for the frame. */
const PART_BYTES = 1_500;
const FACTS_MOST = 10;

interface Run {
  readonly type: "TextRun";
  readonly text: string;
  readonly weight?: "Bolder";
  readonly size?: "Large";
  readonly fontType?: "Monospace";
}

/**
 * What the workflow "When a Teams webhook request is received" is posted ("Create and send messages": the type `message` with
 * an Adaptive Card as its attachment). All texts stand in RichTextBlocks, whose runs know no Markdown: no name becomes a link.
 */
export function teamsBody(alert: Alert): string {
  const message = messageOf(alert);
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.2",
    fallbackText: cut(message.title),
    msteams: { width: "Full" },
    body: linesOf(message).map((inlines) => ({ type: "RichTextBlock", inlines })),
  };
  const contentType = "application/vnd.microsoft.card.adaptive";
  return JSON.stringify({ type: "message", attachments: [{ contentType, contentUrl: null, content }] });
}

function linesOf({ title, detail, fix, facts, commands }: Message): readonly (readonly Run[])[] {
  const plain = (text: string): Run => ({ type: "TextRun", text: cut(text) });
  return [
    [{ ...plain(title), weight: "Bolder", size: "Large" }],
    ...[detail, fix].flatMap((text) => (text === null || text === "" ? [] : [[plain(text)]])),
    ...facts
      .slice(0, FACTS_MOST)
      .map(({ name, value }): readonly Run[] => [{ ...plain(`${name}: `), weight: "Bolder" }, plain(value)]),
    ...commands.map((text): readonly Run[] => [{ ...plain(text), fontType: "Monospace" }]),
  ];
}

function cut(text: string): string {
  return within(
    text,
    PART_BYTES,
    (part) => part,
    (part) => Buffer.byteLength(JSON.stringify(part)) - 2,
  );
}
