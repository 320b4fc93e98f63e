import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import type { House } from "../architecture.ts";

const SOURCES = ["packages/*/**/*.{ts,tsx,mts}", "bench/**/*.ts", "test/**/*.ts", "tools/**/*.ts"];

/** Reads every source file under `root`, and what each package exports. */
export function readHouse(root: string): House {
  const paths = globSync(SOURCES, { cwd: root, exclude: ["**/node_modules/**", "**/dist/**"] }).sort();
  const files = new Map(
    paths.map((path) => [path.replaceAll("\\", "/"), readFileSync(join(root, path), "utf8")] as const),
  );
  const manifests = globSync("packages/*/package.json", { cwd: root });
  return { files, exports: new Map(manifests.map((path) => readExports(root, path.replaceAll("\\", "/")))) };
}

function readExports(root: string, path: string): readonly [string, ReadonlyMap<string, string>] {
  const manifest: unknown = JSON.parse(readFileSync(join(root, path), "utf8"));
  if (!isManifest(manifest)) throw new Error(`${path}: "name" must be a string, and "exports" an object of strings`);
  const folder = posix.dirname(path);
  return [
    manifest.name,
    new Map(Object.entries(manifest.exports).map(([entry, file]) => [entry, posix.join(folder, file)])),
  ];
}

function isManifest(
  value: unknown,
): value is { readonly name: string; readonly exports: Readonly<Record<string, string>> } {
  if (typeof value !== "object" || value === null || !("name" in value) || !("exports" in value)) return false;
  const { name, exports } = value;
  if (typeof name !== "string" || typeof exports !== "object" || exports === null) return false;
  return Object.values(exports).every((file) => typeof file === "string");
}
