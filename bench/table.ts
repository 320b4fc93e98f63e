/** What `bench/main.ts` asks of every `bench/<name>.bench.ts`: `export const name` and `export async function run`. */
export interface Benchmark {
  /** What `--only` selects; short, in kebab case. */
  readonly name: string;
  readonly run: (options: BenchmarkOptions) => Promise<Table>;
}

export interface BenchmarkOptions {
  /** Small sizes and one round: shows that the benchmark works, not what it measures. */
  readonly quick: boolean;
  /** Tells a person what goes on; never part of the result. */
  readonly progress: (text: string) => void;
}

/** The result: medians of several rounds and ratios between them, all measured in one run on one machine. */
export interface Table {
  readonly title: string;
  /** What was measured and how, in a sentence or two that a reader needs to believe the figures. */
  readonly method: string;
  readonly columns: readonly string[];
  /** One cell a column; a number is printed with three significant digits. */
  readonly rows: readonly (readonly (string | number)[])[];
  readonly bars: readonly Bar[];
}

/** A promise that the figures must keep: `value` at most `limit`. */
export interface Bar {
  readonly claim: string;
  readonly value: number;
  readonly limit: number;
}

/** The middle value, or the mean of the two middle ones. @throws RangeError on an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError("the median of no values");
  return (upper + lower) / 2;
}

/** The least value that this share (0 to 1) of the values does not exceed. */
export function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

export function isMet(bar: Bar): boolean {
  return bar.value <= bar.limit;
}

/** The table as GitHub shows it, with its bars below. */
export function toMarkdown(table: Table): string {
  const cells = table.rows.map((row) => row.map((cell) => (typeof cell === "number" ? formatNumber(cell) : cell)));
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const ruler = table.columns.map((_, column) =>
    table.rows.every((row) => typeof row[column] === "number") ? "---:" : "---",
  );
  const bars = table.bars.map((bar) => {
    const verdict = isMet(bar) ? "met" : "**missed**";
    return `- ${bar.claim}: ${formatNumber(bar.value)} (at most ${formatNumber(bar.limit)}): ${verdict}`;
  });
  const body = [line(table.columns), line(ruler), ...cells.map(line)].join("\n");
  return [`#### ${table.title}`, table.method, body, ...(bars.length === 0 ? [] : [bars.join("\n")])].join("\n\n");
}

/** 1234567 → "1,234,567", 12.345 → "12.3", 0.01234 → "0.0123". */
function formatNumber(value: number): string {
  const options = Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return new Intl.NumberFormat("en-US", options).format(value);
}
