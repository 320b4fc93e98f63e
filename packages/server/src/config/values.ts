import { parseDuration } from "@entrain/core";
import type { Checker } from "./checker.ts";
import type { Path, SecretEntry } from "./document.ts";

/** A web address over http or https, without user and fragment, and without a query unless it may have one. */
export function readUrl(
  checker: Checker,
  value: unknown,
  path: Path,
  { query = false }: { readonly query?: boolean } = {},
): string | undefined {
  const text = checker.text(value, path);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    // Where there may be a query, there may be a token.
    const not = query ? "" : `, not ${JSON.stringify(text)}`;
    return checker.flaw(path, `must be a web address such as https://example.com${not}`);
  }
  if (url.username !== "" || url.password !== "" || (url.search !== "" && !query) || url.hash !== "") {
    return checker.flaw(path, `must hold no user, password${query ? "" : ", query"} or fragment`);
  }
  return text;
}

/** A duration such as `30s`, `5m`, `24h` or `7d`, in milliseconds. */
export function readDuration(checker: Checker, value: unknown, path: Path): number | undefined {
  // Without a unit nobody knows which one is meant; the number is shown with the one that is used most there.
  if (Number.isSafeInteger(value) || (typeof value === "string" && /^\d+$/.test(value))) {
    const unit =
      path.at(-1) === "window" ? "h" : path.includes("reconcile") || path.at(-1) === "deleteAfter" ? "d" : "m";
    return checker.flaw(path, `must be a duration with its unit: write ${value}${unit}, or 30s, 5m, 24h, 7d`);
  }
  const text = checker.text(value, path);
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration !== null) return duration;
  return checker.flaw(path, `must be a duration such as 30s, 5m, 24h or 7d, not ${JSON.stringify(text)}`);
}

const SECRET_PLACES = ["env", "file", "sealed"];

/** Where a secret stands; the secret itself is refused, without being repeated. */
export function readSecret(checker: Checker, value: unknown, path: Path): SecretEntry | undefined {
  if (typeof value === "string" || typeof value === "number") {
    return checker.flaw(
      path,
      "a secret does not belong into a document; name where it stands: { env: NAME } or { file: PATH }",
    );
  }
  const entry = checker.map(value, path, SECRET_PLACES);
  if (entry === undefined) return undefined;
  const ways = Object.keys(entry);
  if (ways.length !== 1) return checker.flaw(path, "must be one of { env: NAME }, { file: PATH } and { sealed: true }");
  // What else it may be called was said already.
  if (!SECRET_PLACES.some((place) => place === ways[0])) return undefined;
  if (entry.sealed !== undefined) {
    return entry.sealed === true ? { sealed: true } : checker.flaw([...path, "sealed"], "must be true");
  }
  if (entry.file !== undefined) {
    const file = checker.text(entry.file, [...path, "file"]);
    return file === undefined ? undefined : { file };
  }
  const env = checker.text(entry.env, [...path, "env"]);
  return env === undefined ? undefined : { env };
}
