import { dirname, join, normalize } from "node:path/posix";
import { findCycles } from "./architecture/cycles.ts";
import { type Import, importsOf } from "./architecture/imports.ts";
import { type Place, placeOf } from "./architecture/places.ts";
import { linesThatRun } from "./architecture/statements.ts";
import { type Token, tokensOf } from "./architecture/tokens.ts";

/** What the rules look at: each source file's text by its path from the root, and each package's `exports` by its name. */
export interface House {
  readonly files: ReadonlyMap<string, string>;
  /** `@entrain/core` → `{".": "packages/core/src/index.ts"}`: the entry's path from the root. */
  readonly exports: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Each rule's sentence, as a violation prints it. */
export const RULES = {
  "core is pure":
    "core imports only re2js and its own files (conformance/ also node:test and node:assert), and reaches for nothing global",
  "connectors know core": "connectors import core, npm packages and node: alone",
  "connectors stand apart": "a connector never imports another; what they share stands in connectors/src/shared/",
  "simulator stands alone": "the simulator imports nothing of ours: it must never share code with what it tests",
  "console takes types": "the console imports only types, and only from @entrain/core; it speaks to the API over HTTP",
  "server knows core and connectors": "the server imports core and connectors, never the console",
  "simulator is loaded, not imported":
    "only server/src/demo/ and server/src/simulation/ load the simulator, by import() of @entrain/simulator",
  "rooms go one way":
    "api, cli, schedule → runs, actions, workflows, portal → config → store, never back, never sideways; server/src/*.ts wires",
  "packages keep their walls": "a package is reached through its exports only",
  "product knows no test": "product code imports no test, and nothing of test/, bench/ and tools/",
  "time and chance come in": "only server/src/clock.ts reads the clock and draws chance; everyone else is given them",
  "no cycle": "files do not import each other in a circle",
  "nothing runs at import": "importing a file starts nothing; programs are main.ts, cli.ts, or ask import.meta.main",
} as const;

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly file: string;
  readonly line: number;
  /** What was found there, such as the import. */
  readonly found: string;
}

interface Source {
  readonly path: string;
  readonly place: Place;
  readonly tokens: readonly Token[];
  readonly links: readonly Link[];
}

/** An import and where it leads: a file of ours, a package of ours, or neither. */
interface Link extends Import {
  readonly to: string | null;
  /** The package of ours that is named, as in `@entrain/core/conformance`; null for a relative path or a stranger. */
  readonly ours: { readonly name: string; readonly entry: string; readonly exported: boolean } | null;
}

/** Every breach of DESIGN's directions, in the order of the files. */
export function violationsOf(house: House): readonly Violation[] {
  const sources = [...house.files].map(([path, text]) => read(house, path, text));
  const leaves = leavesOf(sources);
  const perFile = sources.flatMap((source) => [
    ...source.links.flatMap((link) => judgeImport(source, link, leaves)),
    ...judgeGlobals(source),
    ...judgeStatements(source),
  ]);
  return [...perFile, ...judgeCycles(sources)];
}

/** One line for a person: where, what, and the rule. */
export function describeViolation({ rule, file, line, found }: Violation): string {
  return `${file}:${line}: ${found} (${rule}: ${RULES[rule]})`;
}

function read(house: House, path: string, text: string): Source {
  const tokens = tokensOf(text);
  const links = importsOf(tokens).map((entry) => ({ ...entry, ...resolveImport(house, path, entry.specifier) }));
  return { path, place: placeOf(path), tokens, links };
}

function resolveImport(house: House, from: string, specifier: string | null): Pick<Link, "to" | "ours"> {
  if (specifier === null) return { to: null, ours: null };
  if (specifier.startsWith(".")) return { to: normalize(join(dirname(from), specifier)), ours: null };
  const [scope, name] = specifier.split("/");
  const exports = house.exports.get(`${scope}/${name}`);
  if (exports === undefined) return { to: null, ours: null };
  const entry = `.${specifier.slice(`${scope}/${name}`.length)}`;
  const to = exports.get(entry) ?? null;
  return { to, ours: { name: name ?? "", entry, exported: to !== null } };
}

/** Files in server/src itself that import no room: configuration, clock, paths. Rooms may import these, and no wiring. */
function leavesOf(sources: readonly Source[]): ReadonlySet<string> {
  const rootFiles = sources.filter(({ place, path }) => place.area === "server" && isWiring(path));
  const wires = new Set(rootFiles.filter(({ place }) => place.isProgram).map(({ path }) => path));
  for (let before = -1; before !== wires.size; ) {
    before = wires.size;
    for (const { path, links } of rootFiles) {
      if (links.some(({ to }) => to !== null && (isServerRoom(to) || wires.has(to)))) wires.add(path);
    }
  }
  return new Set(rootFiles.map(({ path }) => path).filter((path) => !wires.has(path)));
}

function isWiring(path: string): boolean {
  return /^packages\/server\/src\/[^/]+$/.test(path);
}

function isServerRoom(path: string): boolean {
  return path.startsWith("packages/server/src/") && !isWiring(path);
}

function judgeImport(source: Source, link: Link, leaves: ReadonlySet<string>): readonly Violation[] {
  const { place, path } = source;
  if (!place.isPackage) return [];
  const rules = [wallRule(source, link), testRule(source, link), packageRule(source, link)];
  if (place.area === "connectors") rules.push(connectorRule(source, link));
  if (place.area === "server") rules.push(roomRule(source, link, leaves));
  const found = `${link.form === "dynamic" ? "import()" : "import"} of ${link.specifier ?? "a computed module"}`;
  const broken = new Set(rules.filter((rule) => rule !== null));
  return [...broken].map((rule) => ({ rule, file: path, line: link.line, found }));
}

function wallRule({ place }: Source, { to, ours }: Link): Rule | null {
  if (ours !== null) return ours.exported ? null : "packages keep their walls";
  if (to === null) return null;
  const there = placeOf(to);
  return there.isPackage && there.area !== place.area ? "packages keep their walls" : null;
}

function testRule({ place }: Source, { to }: Link): Rule | null {
  if (to === null) return null;
  const there = placeOf(to);
  if (place.isTest) return there.isPackage || there.area === "test" ? null : "product knows no test";
  return there.isTest || !there.isPackage ? "product knows no test" : null;
}

/** The direction between packages, and what core may import at all. */
function packageRule(source: Source, link: Link): Rule | null {
  const { place } = source;
  const target = link.ours?.name ?? (link.to === null ? null : areaOfPackage(link.to));
  if (target === null || target === place.area) return place.area === "core" ? coreRule(source, link) : null;
  if (target === "simulator" && place.isTest && (place.area === "server" || place.area === "connectors")) return null;
  switch (place.area) {
    case "core":
      return "core is pure";
    case "simulator":
      return "simulator stands alone";
    case "console":
      return target === "core" && link.form === "type" ? null : "console takes types";
    case "connectors":
      return target === "core" ? null : "connectors know core";
    default:
      return serverRule(place, link, target);
  }
}

function areaOfPackage(path: string): string | null {
  const place = placeOf(path);
  return place.isPackage ? place.area : null;
}

function serverRule(place: Place, link: Link, target: string): Rule | null {
  if (target === "core" || target === "connectors") return null;
  if (target !== "simulator") return "server knows core and connectors";
  return WHOLE.has(place.room) && link.form !== "static" && link.ours?.entry === "."
    ? null
    : "simulator is loaded, not imported";
}

const PURE: ReadonlySet<string> = new Set(["re2js"]);
const PURE_IN_CONFORMANCE: ReadonlySet<string> = new Set(["node:test", "node:assert", "node:assert/strict"]);

function coreRule({ place }: Source, { specifier, to, ours }: Link): Rule | null {
  if (place.isTest || to !== null || ours !== null) return null;
  if (specifier === null) return "core is pure";
  if (PURE.has(specifier) || (place.room === "conformance" && PURE_IN_CONFORMANCE.has(specifier))) return null;
  return "core is pure";
}

function connectorRule({ place }: Source, { to }: Link): Rule | null {
  if (to === null || place.room === "") return null;
  const there = placeOf(to);
  if (there.area !== "connectors" || there.room === place.room || there.room === "shared") return null;
  return "connectors stand apart";
}

/** Rooms by their height; a room imports only lower ones. A room that is not listed is a leaf: it imports no other room. */
const ROOMS: ReadonlyMap<string, number> = new Map(
  [
    ["store"],
    ["config"],
    ["runs", "actions", "workflows", "portal"],
    ["notifications", "consent", "authorize", "expiry", "alerts", "setup"],
    ["api", "cli", "schedule"],
    ["simulation", "demo"],
  ].flatMap((rooms, height) => rooms.map((room) => [room, height] as const)),
);
/** These stand beside the wiring and may use it: they start the whole product. */
const WHOLE: ReadonlySet<string> = new Set(["simulation", "demo"]);
const LEAF = -1;

function roomRule({ place }: Source, { to }: Link, leaves: ReadonlySet<string>): Rule | null {
  if (to === null || place.isTest || place.room === "" || !to.startsWith("packages/server/src/")) return null;
  const there = placeOf(to);
  if (there.room === place.room) return null;
  const height = ROOMS.get(place.room) ?? LEAF;
  if (there.room === "") return leaves.has(to) || WHOLE.has(place.room) ? null : "rooms go one way";
  return (ROOMS.get(there.room) ?? LEAF) < height ? null : "rooms go one way";
}

const TIMELESS: ReadonlySet<string> = new Set(["core", "connectors", "server"]);
/** Names that are clock or chance wherever they stand, and members that are it on their object. */
const CHANCE: ReadonlySet<string> = new Set([
  "randomUUID",
  "randomBytes",
  "randomInt",
  "randomFillSync",
  "getRandomValues",
  "hrtime",
]);
const MEMBERS: ReadonlySet<string> = new Set([
  "Date.now",
  "Math.random",
  "performance.now",
  "performance.timeOrigin",
  "Temporal.Now",
]);
/** What core must not reach for without importing it. */
const IMPURE = /^(process|fetch|console|setTimeout|setInterval|setImmediate|globalThis|crypto)$/;

function judgeGlobals({ path, place, tokens }: Source): readonly Violation[] {
  if (place.isTest || !TIMELESS.has(place.area) || path === "packages/server/src/clock.ts") return [];
  return tokens.flatMap((token, index): readonly Violation[] => {
    const [first, second, third] = tokens.slice(index, index + 3).map(({ text }) => text);
    if (token.kind !== "word" || first === undefined) return [];
    const isMember = tokens[index - 1]?.text === ".";
    const where = { file: path, line: token.line };
    const member = `${first}.${third ?? ""}`;
    if (second === "." && MEMBERS.has(member)) return [{ rule: "time and chance come in", ...where, found: member }];
    if (CHANCE.has(first)) return [{ rule: "time and chance come in", ...where, found: first }];
    if (first === "Date" && readsNow(tokens, index))
      return [{ rule: "time and chance come in", ...where, found: "the present Date" }];
    const isUse = second === "." || second === "(";
    if (place.area === "core" && place.room !== "conformance" && !isMember && isUse && IMPURE.test(first)) {
      return [{ rule: "core is pure", ...where, found: `the global ${first}` }];
    }
    return [];
  });
}

/** `new Date()`, `new Date` and `Date()` read the clock; `new Date(value)` and the type do not. */
function readsNow(tokens: readonly Token[], index: number): boolean {
  const isNew = tokens[index - 1]?.text === "new";
  const opens = tokens[index + 1]?.text === "(";
  return opens ? tokens[index + 2]?.text === ")" && tokens[index - 1]?.text !== "." : isNew;
}

function judgeStatements({ path, place, tokens }: Source): readonly Violation[] {
  if (place.isProgram || /\.test\.tsx?$/.test(path)) return [];
  return linesThatRun(tokens).map((line) => ({
    rule: "nothing runs at import",
    file: path,
    line,
    found: "a statement that runs",
  }));
}

function judgeCycles(sources: readonly Source[]): readonly Violation[] {
  const known = new Set(sources.map(({ path }) => path));
  const graph = new Map(
    sources.map(
      ({ path, links }) => [path, links.flatMap(({ to }) => (to !== null && known.has(to) ? [to] : []))] as const,
    ),
  );
  return findCycles(graph).map((cycle) => {
    const [file = "", next] = cycle;
    const source = sources.find(({ path }) => path === file);
    const line = source?.links.find(({ to }) => to === (next ?? file))?.line ?? 1;
    return { rule: "no cycle", file, line, found: [...cycle, file].join(" → ") };
  });
}
