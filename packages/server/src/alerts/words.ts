import { grouped, type Value } from "@entrain/core";
import type { Alert } from "../store/alerts.ts";

/** An alert as people read it. None of its texts has a line break or a character that turns the direction of others. */
export interface Message {
  readonly title: string;
  readonly detail: string;
  /** What to do; null where there is nothing. */
  readonly fix: string | null;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** What to type. */
  readonly commands: readonly string[];
}

type Data = Alert["data"];

/** An alert in words. */
export function messageOf({ type, data }: Pick<Alert, "type" | "data">): Message {
  const fix = textIn(data, "fix");
  return {
    title: TITLES[type](data),
    detail: textIn(data, "detail"),
    fix: fix === "" || fix === NOTHING_TO_DO ? null : fix,
    facts: factsIn(data),
    commands: ["approve", "reject"].map((field) => textIn(data, field)).filter((text) => text !== ""),
  };
}

const NOTHING_TO_DO = "Nothing needs to be done.";

const TITLES: { readonly [T in Alert["type"]]: (data: Data) => string } = {
  "plan.held": (data) => `${textIn(data, "sync")}: ${waiting(data.changes)}`,
  "plan.decided": (data) => `${textIn(data, "sync")}: the plan that waited is ${textIn(data, "decision")}`,
  "sync.failing": (data) => `${textIn(data, "sync")} keeps failing`,
  "sync.quarantined": (data) => `${textIn(data, "sync")} is in quarantine`,
  "sync.recovered": (data) => `${textIn(data, "sync")} works again`,
  "connection.failing": (data) => `${textIn(data, "connection")} cannot be read`,
  "connection.recovered": (data) => `${textIn(data, "connection")} is read again`,
  "credential.expiring": (data) => `${textIn(data, "connection")}: a credential ends soon`,
  "credential.expired": (data) => `${textIn(data, "connection")}: a credential has ended`,
  "credential.renewed": (data) => `${textIn(data, "connection")}: a credential was renewed`,
  test: (data) => `Test of the channel ${textIn(data, "channel")}`,
};

function waiting(changes: Value | undefined): string {
  const count = Number(changes ?? 0);
  return count === 1 ? "1 change waits for approval" : `${grouped(count)} changes wait for approval`;
}

/** What is told beside the sentences, in this order. */
const FACTS: readonly (readonly [field: string, name: string])[] = [
  ["reason", "Why"],
  ["counts", "Changes"],
  ["people", "Among them"],
  ["connection", "Connection"],
  ["failures", "Failures in a row"],
  ["since", "Since"],
  ["nextRunAt", "Next run"],
  ["endsAt", "Ends"],
  ["digest", "Digest"],
];

function factsIn(data: Data): Message["facts"] {
  return FACTS.flatMap(([field, name]) => {
    const value = inWords(data[field]);
    return value === "" ? [] : [{ name, value }];
  });
}

const TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z$/;

/** Names of people are each kept apart: one that is written from the right must not turn what stands beside it. */
function inWords(value: Value | undefined): string {
  if (value === undefined || value === null || value === "") return "";
  if (Array.isArray(value)) return value.map((one: Value) => `\u2068${cleaned(String(one))}\u2069`).join(", ");
  if (typeof value === "object") {
    const counts = Object.entries(value).filter(([, count]) => count !== 0);
    return counts.map(([name, count]) => `${cleaned(name)} ${grouped(Number(count))}`).join(", ");
  }
  if (typeof value === "number") return grouped(value);
  return cleaned(String(value).replace(TIME, "$1 $2 UTC"));
}

function textIn(data: Data, field: string): string {
  const value = data[field];
  return typeof value === "string" ? cleaned(value) : "";
}

/** A text on one line, without control characters and without what turns the direction of the text around it. */
export function cleaned(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u061c\u202a-\u202e\u2066-\u2069]/gu, "")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
}

const LETTERS = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * The beginning of a text whose length, as `lengthOf` counts what it becomes, is at most `limit`; what was cut off is told by
 * an ellipsis. Never cuts inside of what is one letter to a reader.
 */
export function within(text: string, limit: number, become: (part: string) => string, lengthOf: LengthOf): string {
  const whole = become(text);
  if (lengthOf(whole) <= limit) return whole;
  let kept = "";
  let length = lengthOf("…");
  for (const { segment } of LETTERS.segment(text)) {
    const next = become(segment);
    length += lengthOf(next);
    if (length > limit) break;
    kept += next;
  }
  return `${kept}…`;
}

type LengthOf = (text: string) => number;
