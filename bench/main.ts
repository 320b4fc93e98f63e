import { join } from "node:path";
import { runBenchmarks } from "./frame.ts";

process.exitCode = await runBenchmarks(process.argv.slice(2), {
  folder: import.meta.dirname,
  readme: join(import.meta.dirname, "../README.md"),
  print: (text) => process.stdout.write(`${text}\n`),
  warn: (text) => process.stderr.write(`${text}\n`),
});
