import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BUGS } from "./bugs.ts";

const SOURCE = resolve(import.meta.dirname, "..");
const PACKAGE = resolve(SOURCE, "..");
const ROOT = resolve(PACKAGE, "../..");

/** A copy of the server's source with one bug in it, for the simulation to run from. */
export interface Overlay {
  /** The copy's own command line. */
  readonly cli: string;
  remove(): void;
}

/** Copies the server's source and plants a bug. @throws Error where the bug is not known, or does not fit the source any more */
export function plant(bug: string): Overlay {
  const planted = BUGS[bug];
  if (planted === undefined) throw new Error(`There is no bug ${bug}, only ${Object.keys(BUGS).join(", ")}.`);
  const folder = mkdtempSync(join(tmpdir(), "entrain-bug-"));
  const copy = join(folder, "packages/server/src");
  cpSync(SOURCE, copy, { recursive: true, filter: (path) => !/\.test\.tsx?$/.test(path) });
  cpSync(join(PACKAGE, "package.json"), join(folder, "packages/server/package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const { file, find, replace } of planted.changes) {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`The bug ${bug} does not fit ${file}: "${find}" stands there ${count} times.`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  return { cli: join(copy, "simulation/cli.ts"), remove };
}
