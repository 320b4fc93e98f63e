/** The address of a Graph request, as the specification compares it. */
export interface Address {
  /** Path below `/v1.0` in segments: functions without parentheses, keys as segments of their own, casts by their short name. */
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

/** Stands for any one segment. */
export const ANY = "{}";

const KEY = /^([\w.]+)\((?:'(.*)'|([\w-]*))\)$/;
const ALTERNATE_KEY = /^([\w.]+)\((\w+)='(.*)'\)$/;
const FUNCTION = /^([\w.]+)\((.*)\)$/;
const CAST = /^(?:microsoft\.)?graph\.(\w+)$/i;

/**
 * Splits a path below the version into comparable segments. `users('a')` is `users/a` and `delta()` is `delta` ("OData URL
 * conventions": keys in parentheses or as segments); an alternate key stands as `applications`, `appId=`, value; the arguments of
 * a function are left out.
 */
export function segmentsOf(path: string): readonly string[] {
  return path
    .split("/")
    .filter((segment) => segment !== "")
    .flatMap((segment) => {
      const text = decoded(segment);
      const alternate = ALTERNATE_KEY.exec(text);
      if (alternate !== null && alternate[1]?.startsWith("filterBy") !== true) {
        return [alternate[1] ?? "", `${alternate[2] ?? ""}=`, alternate[3] ?? ""];
      }
      if (text.endsWith("()")) return [text.slice(0, -2)];
      const key = KEY.exec(text);
      if (key !== null) return [key[1] ?? "", key[2] ?? key[3] ?? ""];
      const cast = CAST.exec(text)?.[1];
      return [cast === undefined ? (FUNCTION.exec(text)?.[1] ?? text) : `graph.${cast}`];
    });
}

/** Splits what stands behind `/v1.0`. `+` reads as a blank, as forms write it. */
export function addressOf(target: string): Address {
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const search = at < 0 ? "" : target.slice(at + 1);
  const pairs = search
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      const name = equals < 0 ? part : part.slice(0, equals);
      const value = equals < 0 ? "" : part.slice(equals + 1);
      return [decoded(name), decoded(value.replaceAll("+", " "))] as const;
    });
  return { segments: segmentsOf(path), query: new Map(pairs) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
