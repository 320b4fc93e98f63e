import type { Alert } from "../store/alerts.ts";
import { cleaned, messageOf, within } from "./words.ts";

/** What mail clients show of a subject, and more. */
const SUBJECT_MOST = 150;

/** The subject of an alert's mail: it begins with the name of what it is about, and has no line break. */
export function subjectOf(alert: Alert): string {
  const { title } = messageOf(alert);
  return within(
    `[Entrain] ${title}`,
    SUBJECT_MOST,
    (part) => part,
    (part) => part.length,
  );
}

/** The alert as plain text. */
export function textOf(alert: Alert, channel: string): string {
  const { title, detail, fix, facts, commands } = messageOf(alert);
  const told = facts.map(({ name, value }) => `${name}: ${value}`);
  const blocks = [
    title,
    detail,
    ...(fix === null ? [] : [fix]),
    ...(told.length === 0 ? [] : [told.join("\n")]),
    ...(commands.length === 0 ? [] : [commands.map((text) => `    ${text}`).join("\n")]),
    `-- \n${footOf(alert, channel)}`,
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

/** The same as simple HTML, which loads nothing. */
export function htmlOf(alert: Alert, channel: string): string {
  const { title, detail, fix, facts, commands } = messageOf(alert);
  const paragraphs = [detail, ...(fix === null ? [] : [fix])].filter((text) => text !== "");
  const rows = facts.map(
    ({ name, value }) =>
      `<tr><td style="padding-right:1em;vertical-align:top">${escaped(name)}</td><td dir="auto">${escaped(value)}</td></tr>`,
  );
  return [
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"></head><body style="font-family:sans-serif">',
    `<h2>${escaped(title)}</h2>`,
    ...paragraphs.map((text) => `<p>${escaped(text)}</p>`),
    ...(rows.length === 0 ? [] : [`<table>${rows.join("")}</table>`]),
    ...commands.map((text) => `<pre>${escaped(text)}</pre>`),
    `<p style="color:#666">${escaped(footOf(alert, channel))}</p>`,
    "</body></html>",
  ].join("\n");
}

function footOf({ id, type, at }: Alert, channel: string): string {
  const time = new Date(at).toISOString().slice(0, 16).replace("T", " ");
  return `Entrain told the channel ${cleaned(channel)} of this: ${type}, ${time} UTC, ${id}.`;
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (mark) => entities[mark] ?? mark);
}
