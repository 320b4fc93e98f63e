import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { runBenchmarks, type Surroundings } from "./frame.ts";
import { median, toMarkdown } from "./table.ts";

const benchmark = (name: string, value: number, title = "Reading"): string => `
  export const name = "${name}";
  export const run = async ({ quick }) => ({ title: "${title}", method: quick ? "Quick." : "Five rounds.", columns: ["who", "people/s", "ratio"],
    rows: [["floor", 1234567, 1], ["Entrain", 43210.9, ${value}]], bars: [{ claim: "at most 1.5 × the floor", value: ${value}, limit: 1.5 }] });`;

describe("npm run bench", () => {
  let folder = "";
  let printed = "";
  let warned = "";
  const run = (args: readonly string[]): Promise<number> => {
    const surroundings: Surroundings = {
      folder,
      readme: join(folder, "README.md"),
      print: (text) => {
        printed += `${text}\n`;
      },
      warn: (text) => {
        warned += `${text}\n`;
      },
    };
    return runBenchmarks(args, surroundings);
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "entrain bench "));
    printed = "";
    warned = "";
    writeFileSync(join(folder, "good.bench.ts"), benchmark("good", 1.2));
    writeFileSync(join(folder, "README.md"), "before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("prints each table with its ratios and whether the bar is met", async () => {
    assert.equal(await run([]), 0);
    assert.match(
      printed,
      /\| who \| people\/s \| ratio \|\n\| --- \| ---: \| ---: \|\n\| floor \| 1,234,567 \| 1 \|\n\| Entrain \| 43,211 \| 1.2 \|/,
    );
    assert.match(printed, /at most 1\.5 × the floor: 1\.2 \(at most 1\.5\): met/);
  });

  it("fails when a bar is missed, but not in a quick run", async () => {
    writeFileSync(join(folder, "slow.bench.ts"), benchmark("slow", 1.6));
    assert.equal(await run([]), 1);
    assert.match(printed, /\*\*missed\*\*/);
    assert.equal(await run(["--quick"]), 0);
    assert.match(printed, /Quick\./);
  });

  it("runs only what is asked for, and names what there is when it does not know it", async () => {
    writeFileSync(join(folder, "slow.bench.ts"), benchmark("slow", 1.6));
    assert.equal(await run(["--only", "good"]), 0);
    assert.equal(await run(["--only", "fast"]), 2);
    assert.match(warned, /There is no benchmark "fast"\.\nBenchmarks: good, slow/);
    assert.equal(await run(["--fast"]), 2);
  });

  it("replaces the tables in the README, and nothing else of it", async () => {
    assert.equal(await run(["--write-readme"]), 0);
    const text = readFileSync(join(folder, "README.md"), "utf8");
    assert.match(
      text,
      /^before\n<!-- bench:start -->\nMeasured on .*Node 24.*\n\n#### Reading[\s\S]*<!-- bench:end -->\nafter\n$/,
    );
    assert.doesNotMatch(text, /old/);
    assert.equal(await run(["--write-readme", "--quick"]), 2);
  });

  it("replaces one table alone with --only, and refuses where the others were made on another machine", async () => {
    writeFileSync(join(folder, "other.bench.ts"), benchmark("other", 1.1, "Planning"));
    assert.equal(await run(["--write-readme"]), 0);
    const readme = join(folder, "README.md");
    const before = readFileSync(readme, "utf8");
    writeFileSync(readme, before.replaceAll("43,211 | 1.2 |", "41 | 1.2 |"));
    assert.equal(await run(["--write-readme", "--only", "good"]), 0);
    assert.equal(readFileSync(readme, "utf8"), before);
    writeFileSync(readme, before.replace(/Measured on .*\./, "Measured on 8 × another, 64 GB."));
    await assert.rejects(run(["--write-readme", "--only", "good"]), /made elsewhere .*make all of them anew/);
  });

  it("prints JSON alone with --json", async () => {
    assert.equal(await run(["--json"]), 0);
    const report: unknown = JSON.parse(printed);
    assert.ok(typeof report === "object" && report !== null && "results" in report && Array.isArray(report.results));
    assert.equal(report.results.length, 1);
  });
});

describe("a table's figures", () => {
  it("takes the middle as the median", () => {
    assert.deepEqual([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])], [2, 2.5, 7]);
    assert.throws(() => median([]), RangeError);
  });

  it("shows a table without bars", () => {
    const table = { title: "T", method: "M.", columns: ["a"], rows: [["x"]], bars: [] };
    assert.equal(toMarkdown(table), "#### T\n\nM.\n\n| a |\n| --- |\n| x |");
  });
});
