import { ConnectorError } from "@entrain/core";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { readChannel } from "./channels.ts";
import { Checker } from "./checker.ts";
import { readConnection } from "./connections.ts";
import { identifyCredentials } from "./credential-ids.ts";
import {
  type CompleteConfiguration,
  type ConfigurationDocument,
  type Flaw,
  type Path,
  pathText,
  SECTIONS,
} from "./document.ts";
import { readSync } from "./syncs.ts";
import { readTarget, type TargetTypes } from "./targets.ts";

const LARGEST_CHARACTERS = 8 * 1024 * 1024;
const SAID_FLAWS = 5;
const ALIAS = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** What a document is read against. */
export interface ReadContext {
  /** For messages: the file's name, or `standard input`. */
  readonly name: string;
  readonly types: TargetTypes;
  /** What exists already: a document may refer to it. */
  readonly current: CompleteConfiguration;
}

/**
 * Reads a configuration in YAML (1.2; JSON is YAML too) and judges all of it.
 * @throws ConnectorError `config_invalid` with the place and line of what is wrong; several flaws in one message.
 */
export function readDocument(text: string, context: ReadContext): ConfigurationDocument {
  if (text.length > LARGEST_CHARACTERS)
    throw invalid(`${context.name} is larger than 8 MB, which no configuration is.`);
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const [broken] = [...yaml.errors, ...yaml.warnings];
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw invalid(`${context.name} is not readable YAML: ${oneLine(broken.message)}, line ${line}, column ${col}.`);
  }
  const { document, flaws } = checkDocument(plainValue(yaml, context.name), context);
  if (flaws.length > 0) {
    const said = flaws.slice(0, SAID_FLAWS).map((flaw) => `${described(flaw)}${lineOf(yaml, lines, flaw.path)}`);
    const more = flaws.length > SAID_FLAWS ? `; and ${flaws.length - SAID_FLAWS} more` : "";
    throw invalid(`${context.name}: ${said.join("; ")}${more}`);
  }
  return identifyCredentials(document, context.current);
}

/** Judges a configuration that was put together elsewhere. @throws ConnectorError `config_invalid` */
export function checkValue(value: unknown, context: Omit<ReadContext, "name">): ConfigurationDocument {
  const { document, flaws } = checkDocument(value, context);
  if (flaws.length > 0) throw invalid(flaws.map(described).join("; "));
  return identifyCredentials(document, context.current);
}

/** What would be refused of a configuration that was put together elsewhere. */
export function flawsOf(value: unknown, context: Omit<ReadContext, "name">): readonly Flaw[] {
  return checkDocument(value, context).flaws;
}

function checkDocument(
  value: unknown,
  context: Omit<ReadContext, "name">,
): { readonly document: ConfigurationDocument; readonly flaws: readonly Flaw[] } {
  const checker = new Checker();
  const root = checker.map(value ?? {}, [], SECTIONS) ?? {};
  const { types, current } = context;
  const connections = readSection(checker, root.connections, "connections", (entry, path) =>
    readConnection(checker, entry, path),
  );
  const targets = readSection(checker, root.targets, "targets", (entry, path) =>
    readTarget(checker, entry, path, types),
  );
  const around = {
    types,
    // Names also of entries that are flawed themselves: one flaw is enough for them.
    connections: new Set([...current.connections.keys(), ...namesOf(root.connections)]),
    targets: new Map([...current.targets, ...(targets ?? [])]),
  };
  const syncs = readSection(checker, root.syncs, "syncs", (entry, path) => readSync(checker, entry, path, around));
  const channels = readSection(checker, root.channels, "channels", (entry, path) => readChannel(checker, entry, path));
  return { document: { connections, targets, syncs, channels }, flaws: checker.flaws };
}

function readSection<T>(
  checker: Checker,
  value: unknown,
  section: (typeof SECTIONS)[number],
  read: (entry: unknown, path: Path) => T | undefined,
): ReadonlyMap<string, T> | null {
  if (value === undefined) return null;
  const entries = new Map<string, T>();
  for (const [alias, entry] of Object.entries(checker.map(value ?? {}, [section], null) ?? {})) {
    const path = [section, alias];
    if (!ALIAS.test(alias)) {
      checker.flaw(path, "a name has 1 to 64 letters, digits, dots, dashes and underscores, and no mark at either end");
      continue;
    }
    const found = read(entry, path);
    if (found !== undefined) entries.set(alias, found);
  }
  return entries;
}

function namesOf(value: unknown): readonly string[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

function described({ path, detail }: Flaw): string {
  const place = pathText(path);
  return place === "" ? `the document ${detail}` : `${place}: ${detail}`;
}

function plainValue(yaml: Document, name: string): unknown {
  try {
    return yaml.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // An alias that names no anchor, or more of them than any configuration needs.
    throw invalid(`${name} is not readable YAML: ${oneLine(error instanceof Error ? error.message : String(error))}.`);
  }
}

/** Where a place stands in the text: its key, its list item, or the nearest thing around it that exists. */
function lineOf(yaml: Document, lines: LineCounter, path: Path): string {
  let node: unknown = yaml.contents;
  let at: number | undefined = positionOf(node);
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(yaml);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
      if (pair === undefined) break;
      at = positionOf(pair.key) ?? at;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      at = positionOf(node) ?? at;
    } else break;
  }
  return at === undefined ? "" : ` (line ${lines.linePos(at).line})`;
}

function positionOf(node: unknown): number | undefined {
  return typeof node === "object" && node !== null && "range" in node ? (node as Node).range?.[0] : undefined;
}

function oneLine(message: string): string {
  return message.replace(/\s+/g, " ").replace(/[.:]$/, "").trim();
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
}
