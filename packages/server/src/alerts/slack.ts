import type { Alert } from "../store/alerts.ts";
import { messageOf, within } from "./words.ts";

/** Limits of the Block Kit ("Reference: blocks", header and section), in characters. */
const HEADER_MOST = 150;
const SECTION_MOST = 3_000;
/** A sentence or a fact on its own; so that all of them fit into a section. */
const PART_MOST = 600;
const FACTS_MOST = 10;

/**
 * What an incoming webhook of Slack is posted ("Sending messages using incoming webhooks"): the text that notifications
 * show, and blocks. Every text but ours is escaped ("Formatting text for app surfaces", Escaping text), so that no name
 * becomes a link or calls a whole channel.
 */
export function slackBody(alert: Alert): string {
  const { title, detail, fix, facts, commands } = messageOf(alert);
  const sentences = [detail, ...(fix === null ? [] : [fix])].map((text) => escaped(text, PART_MOST));
  const told = facts.slice(0, FACTS_MOST).map(({ name, value }) => `*${name}:* ${escaped(value, PART_MOST)}`);
  const typed = commands.map((text) => escaped(text.replaceAll("`", "'"), PART_MOST)).join("\n");
  const sections = [
    sentences.join("\n"),
    ...inSections(told),
    ...(typed === "" ? [] : [`\`\`\`\n${typed}\n\`\`\``]),
  ].filter((text) => text !== "");
  return JSON.stringify({
    text: `${escaped(title, PART_MOST)}\n${sentences.join("\n")}`,
    blocks: [
      {
        type: "header",
        text: { type: "plain_text", text: within(title, HEADER_MOST, asItIs, lengthOf), emoji: false },
      },
      ...sections.map((text) => ({ type: "section", text: { type: "mrkdwn", text, verbatim: true } })),
    ],
    unfurl_links: false,
    unfurl_media: false,
  });
}

/** As many lines to a section as it may hold. */
function inSections(lines: readonly string[]): readonly string[] {
  const sections: string[] = [];
  for (const line of lines) {
    const last = sections.at(-1);
    if (last === undefined || last.length + line.length + 1 > SECTION_MOST) sections.push(line);
    else sections[sections.length - 1] = `${last}\n${line}`;
  }
  return sections;
}

function escaped(text: string, most: number): string {
  return within(text, most, escapedText, lengthOf);
}

function escapedText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function asItIs(text: string): string {
  return text;
}

function lengthOf(text: string): number {
  return text.length;
}
