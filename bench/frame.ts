import { globSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Benchmark, isMet, type Table, toMarkdown } from "./table.ts";

const START = "<!-- bench:start -->";
const END = "<!-- bench:end -->";
const HELP = `npm run bench [-- --only NAME] [--quick] [--json] [--write-readme]
  --only NAME      run this benchmark (may be given several times)
  --quick          small sizes, one round: shows that they work, and holds no bar
  --json           print the tables as JSON
  --write-readme   replace the tables in README.md: all, or those of --only`;

/** Where to find the benchmarks and the README, and where to print. */
export interface Surroundings {
  /** The folder with the `*.bench.ts` files. */
  readonly folder: string;
  readonly readme: string;
  readonly print: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Runs the benchmarks one after the other; 0 when every bar is met, 1 when one is missed, 2 on wrong usage. */
export async function runBenchmarks(
  args: readonly string[],
  { folder, readme, print, warn }: Surroundings,
): Promise<number> {
  const options = readOptions(args);
  const all = await loadBenchmarks(folder);
  const known = all.map(({ name }) => name).join(", ") || "none yet";
  const problem = typeof options === "string" ? options : unknownName(options.only, all);
  if (problem !== null || typeof options === "string") {
    warn(`${problem}\nBenchmarks: ${known}\n${HELP}`);
    return 2;
  }
  if (options.quick && options.writeReadme) {
    warn("--quick measures nothing that belongs into the README; leave out one of the two.");
    return 2;
  }
  const chosen = all.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  if (chosen.length === 0) {
    warn(`There is no benchmark in ${folder}.`);
    return 1;
  }
  const results: { readonly name: string; readonly table: Table }[] = [];
  for (const { name, run } of chosen) {
    warn(`bench: ${name} …`);
    const table = await run({ quick: options.quick, progress: (text) => warn(`bench: ${name}: ${text}`) });
    results.push({ name, table });
    if (!options.json) print(`${toMarkdown(table)}\n`);
  }
  if (options.json) print(JSON.stringify({ machine: machine(), quick: options.quick, results }, null, 2));
  if (options.writeReadme)
    writeReadme(
      readme,
      results.map(({ table }) => table),
      options.only.length > 0,
    );
  const missed = results.flatMap(({ table }) => table.bars.filter((bar) => !isMet(bar)));
  return missed.length === 0 || options.quick ? 0 : 1;
}

interface Options {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly writeReadme: boolean;
}

function readOptions(args: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true, default: [] },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        "write-readme": { type: "boolean", default: false },
      },
    });
    return { only: values.only, quick: values.quick, json: values.json, writeReadme: values["write-readme"] };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function unknownName(only: readonly string[], all: readonly Benchmark[]): string | null {
  const unknown = only.find((name) => !all.some((benchmark) => benchmark.name === name));
  return unknown === undefined ? null : `There is no benchmark "${unknown}".`;
}

async function loadBenchmarks(folder: string): Promise<readonly Benchmark[]> {
  const files = globSync("*.bench.ts", { cwd: folder }).sort();
  return Promise.all(
    files.map(async (file): Promise<Benchmark> => {
      const loaded: unknown = await import(pathToFileURL(join(folder, file)).href);
      if (!isBenchmark(loaded)) throw new Error(`bench/${file} must export a "name" and a function "run"`);
      return loaded;
    }),
  );
}

function isBenchmark(value: unknown): value is Benchmark {
  if (typeof value !== "object" || value === null || !("name" in value) || !("run" in value)) return false;
  return typeof value.name === "string" && typeof value.run === "function";
}

/**
 * Replaces the tables of the README by these. Where only some were made, the others stay; on another machine than theirs
 * that is refused, for all figures of the README belong to one.
 */
function writeReadme(path: string, tables: readonly Table[], some: boolean): void {
  const text = readFileSync(path, "utf8");
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start === -1 || end < start) throw new Error(`${path} has no place for the tables: ${START} … ${END}`);
  const [head, ...held] = text
    .slice(start + START.length, end)
    .trim()
    .split(HEADING);
  const measured = `Measured on ${machine()}.`;
  if (some && held.length > 0 && head?.trim() !== measured) {
    throw new Error(`The other tables of ${path} were made elsewhere (${head?.trim()}); make all of them anew.`);
  }
  const sections = new Map<string, string>();
  if (some) for (const section of held) sections.set(titleOf(section), section.trim());
  for (const table of tables) sections.set(titleOf(toMarkdown(table)), toMarkdown(table));
  const body = [measured, ...sections.values()].join("\n\n");
  writeFileSync(path, `${text.slice(0, start + START.length)}\n${body}\n${text.slice(end)}`);
}

/** Where a table begins. */
const HEADING = /^(?=#### )/m;

function titleOf(section: string): string {
  return section.split("\n", 1)[0] ?? "";
}

function machine(): string {
  const [first, ...others] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${others.length + 1} × ${first?.model ?? "unknown processor"}, ${memory} GB, Node ${process.versions.node}`;
}
