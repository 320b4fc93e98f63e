import { grouped } from "@entrain/core";
import { type Flaw, type Path, pathText } from "./document.ts";
import { suggestion } from "./nearest.ts";

export type Entries = { readonly [key: string]: unknown };

/** What a number may be, both ends included, and why where that is not plain. */
interface Range {
  readonly min: number;
  readonly max: number;
  readonly why?: string;
}

/**
 * Reads values of unknown shape and collects what is wrong with them. Each method answers the value in its type, or
 * undefined after it has noted a flaw, so that one pass finds every flaw.
 */
export class Checker {
  readonly flaws: Flaw[] = [];

  /** Several judges may find the same; it is told once. */
  flaw(path: Path, detail: string): undefined {
    const same = (one: Flaw): boolean => one.detail === detail && pathText(one.path) === pathText(path);
    if (!this.flaws.some(same)) this.flaws.push({ path, detail });
  }

  /** A map; keys that are not among `known` are flaws, unless `known` is null. */
  map(value: unknown, path: Path, known: readonly string[] | null): Entries | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.flaw(path, `must be a map${known === null ? "" : ` with ${known.join(", ")}`}, not ${kindOf(value)}`);
    }
    for (const key of known === null ? [] : Object.keys(value)) {
      if (known?.includes(key)) continue;
      const near = suggestion(key, known ?? []);
      this.flaw([...path, key], `there is no "${key}" here${near || `; known are ${known?.join(", ")}`}`);
    }
    return value as Entries;
  }

  list(value: unknown, path: Path): readonly unknown[] | undefined {
    return Array.isArray(value) ? value : this.flaw(path, `must be a list, not ${kindOf(value)}`);
  }

  text(value: unknown, path: Path): string | undefined {
    if (typeof value === "string" && value.includes("\0")) return this.flaw(path, "must not hold the character U+0000");
    if (typeof value === "string" && value !== "") return value;
    const quotes = typeof value === "number" || typeof value === "boolean" ? ": put it in quotes" : "";
    return this.flaw(path, `must be text, not ${kindOf(value)}${quotes}`);
  }

  texts(value: unknown, path: Path): readonly string[] | undefined {
    const items = this.list(value, path)?.map((item, at) => this.text(item, [...path, at]));
    return items?.every((item) => item !== undefined) ? (items as readonly string[]) : undefined;
  }

  boolean(value: unknown, path: Path): boolean | undefined {
    return typeof value === "boolean" ? value : this.flaw(path, `must be true or false, not ${kindOf(value)}`);
  }

  number(value: unknown, path: Path, range: Range): number | undefined {
    if (typeof value === "number" && value >= range.min && value <= range.max) return value;
    return this.flaw(path, `must be a number ${within(range)}, not ${shown(value)}${because(range)}`);
  }

  integer(value: unknown, path: Path, range: Range): number | undefined {
    if (Number.isSafeInteger(value)) return this.number(value, path, range);
    return this.flaw(path, `must be a whole number ${within(range)}, not ${shown(value)}${because(range)}`);
  }

  oneOf<T extends string>(value: unknown, path: Path, known: readonly T[]): T | undefined {
    const found = known.find((one) => one === value);
    if (found !== undefined) return found;
    const near = typeof value === "string" ? suggestion(value, known) : "";
    return this.flaw(path, `must be one of ${known.join(", ")}, not ${shown(value)}${near}`);
  }
}

function within({ min, max }: Range): string {
  return `from ${grouped(min)} to ${grouped(max)}`;
}

function because({ why }: Range): string {
  return why === undefined ? "" : `: ${why}`;
}

/** What a value is, in words. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (value === "") return "empty text";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return typeof value === "string" ? "text" : shown(value);
}

/** The value itself where it is short and plain. */
function shown(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string" && value !== "" && value.length <= 60) return JSON.stringify(value);
  return kindOf(value);
}
