import { FRESHCHAT_SWITCHES, type FreshchatSwitch, type FreshchatSwitches, switchesAt } from "./switches.ts";

/** Which combinations are asked for. */
export interface CombinationOptions {
  /** Every combination of values instead of every pair of values. */
  readonly full?: boolean;
  /** The switches that vary, the others staying at their defaults; all unless given. */
  readonly of?: readonly FreshchatSwitch[];
}

type Row = Readonly<Record<string, string | number>>;

/**
 * Combinations of switches, the same in every run: first all defaults and all last (mildest) values, then as many more
 * as bring every value of every switch together with every value of every other. With `full`, the whole product, lazily.
 */
export function* freshchatCombinations(options: CombinationOptions = {}): Generator<FreshchatSwitches> {
  const names = options.of ?? (Object.keys(FRESHCHAT_SWITCHES) as FreshchatSwitch[]);
  const rest = switchesAt("first");
  for (const row of options.full === true ? product(names) : pairs(names)) yield { ...rest, ...row };
}

function* product(names: readonly FreshchatSwitch[]): Generator<Row> {
  const [name, ...others] = names;
  if (name === undefined) {
    yield {};
    return;
  }
  for (const value of FRESHCHAT_SWITCHES[name]) {
    for (const row of product(others)) yield { [name]: value, ...row };
  }
}

/** Greedy: each further row begins with a pair not yet seen, and takes for each other switch the value that adds most. */
function* pairs(names: readonly FreshchatSwitch[]): Generator<Row> {
  const open = openPairs(names);
  for (const end of ["first", "last"] as const) {
    const all: Row = { ...switchesAt(end) };
    const row = Object.fromEntries(names.map((name) => [name, all[name] ?? 0]));
    close(open, row);
    yield row;
  }
  while (open.size > 0) {
    const row: Record<string, string | number> = { ...firstOf(open) };
    for (const name of names) {
      if (row[name] !== undefined) continue;
      let most = -1;
      for (const value of FRESHCHAT_SWITCHES[name]) {
        const gain = keysOf({ ...row, [name]: value }).filter((key) => open.has(key)).length;
        if (gain > most) [most, row[name]] = [gain, value];
      }
    }
    close(open, row);
    yield row;
  }
}

function openPairs(names: readonly FreshchatSwitch[]): Map<string, Row> {
  const open = new Map<string, Row>();
  names.forEach((left, at) => {
    for (const a of FRESHCHAT_SWITCHES[left]) open.set(`${left}=${a}`, { [left]: a });
    for (const right of names.slice(at + 1)) {
      for (const a of FRESHCHAT_SWITCHES[left]) {
        for (const b of FRESHCHAT_SWITCHES[right]) {
          const row = { [left]: a, [right]: b };
          for (const key of keysOf(row)) open.set(key, row);
        }
      }
    }
  });
  return open;
}

function close(open: Map<string, Row>, row: Row): void {
  for (const key of keysOf(row)) open.delete(key);
}

/** A key for each value and each pair of values in the row, whatever the order of its names. */
function keysOf(row: Row): readonly string[] {
  const parts = Object.entries(row)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
  return parts.flatMap((part, at) => [part, ...parts.slice(at + 1).map((other) => `${part}&${other}`)]);
}

function firstOf(open: ReadonlyMap<string, Row>): Row {
  const [row = {}] = open.values();
  return row;
}
