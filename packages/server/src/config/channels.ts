import { webhookUrl } from "@entrain/connectors/webhook";
import type { Checker } from "./checker.ts";
import type { ChannelEntry, Path } from "./document.ts";
import { readSecret, readUrl } from "./values.ts";

/** One channel as a document gives it. */
export function readChannel(checker: Checker, value: unknown, path: Path): ChannelEntry | undefined {
  const entry = checker.map(value, path, ["type", "url", "allowPrivate", "secret"]);
  if (entry === undefined) return undefined;
  const type = checker.oneOf(entry.type, [...path, "type"], ["webhook"] as const);
  const url = readReceiver(checker, entry.url, [...path, "url"]);
  const allowPrivate =
    entry.allowPrivate === undefined ? false : checker.boolean(entry.allowPrivate, [...path, "allowPrivate"]);
  const secret = readSecret(checker, entry.secret, [...path, "secret"]);
  if (type === undefined || url === undefined || allowPrivate === undefined || secret === undefined) return undefined;
  return { type, url, allowPrivate, secret };
}

function readReceiver(checker: Checker, value: unknown, path: Path): string | undefined {
  const text = readUrl(checker, value, path, { query: true });
  if (text === undefined) return undefined;
  try {
    webhookUrl(text);
    return text;
  } catch (error) {
    return checker.flaw(path, error instanceof Error ? error.message : String(error));
  }
}
