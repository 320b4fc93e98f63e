import { compileExpression, type DirectoryRecord, type Value } from "@entrain/core";
import { startSimulator } from "@entrain/simulator";
import jsonata from "jsonata";
import { type BenchmarkOptions, median, type Table } from "./table.ts";
import { signIn, walk } from "./tenant/pages.ts";

export const name = "expressions";

const ROUNDS = 7;
const PEOPLE = 2_000;

/** A sign-in name of two names, five functions deep: the first step of the example that Microsoft's page gives for `SelectUniqueValue`. */
const EXPRESSION =
  'ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".", [givenName], [surname]))), "contoso.com"))';
const JSONATA =
  '$lowercase($join([$normalizeDiacritics($replace($join([givenName, surname], "."), " ", "")), "contoso.com"], "@"))';

type Person = { readonly [attribute: string]: Value };

interface Side {
  readonly what: string;
  readonly evaluations: number;
  readonly evaluate: (times: number) => Promise<void> | void;
  readonly rates: number[];
}

/** How many people a second one mapped attribute can be computed for. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  const people = await namedPeople();
  const records = people.map(recordOf);
  const ours = compiled();
  const theirs = registered();
  await compare(people, records, { ours, theirs });
  const sides: readonly Side[] = [
    {
      what: "Entrain",
      evaluations: quick ? 20_000 : 2_000_000,
      evaluate: (times) => {
        for (let at = 0; at < times; at += 1) ours(records[at % records.length] ?? nobody);
      },
      rates: [],
    },
    {
      what: "jsonata",
      evaluations: quick ? 2_000 : 100_000,
      evaluate: async (times) => {
        for (let at = 0; at < times; at += 1) await theirs(people[at % people.length] ?? {});
      },
      rates: [],
    },
  ];
  for (let at = 0; at < (quick ? 1 : ROUNDS); at += 1) {
    for (const side of sides) {
      const begun = performance.now();
      await side.evaluate(side.evaluations);
      side.rates.push(side.evaluations / ((performance.now() - begun) / 1000));
    }
    progress(
      `round ${at + 1}: ${sides.map(({ rates }) => Math.round(rates.at(-1) ?? 0).toLocaleString("en-US")).join(", ")} a second`,
    );
  }
  return tableOf(sides);
}

const nobody: DirectoryRecord = { kind: "user", id: "", attributes: {}, manager: null, removed: null };

/** People of the simulated tenant who have both names; those who have not are another path of either side. */
async function namedPeople(): Promise<readonly Person[]> {
  const simulator = await startSimulator({ people: PEOPLE, groups: 1, seed: 7, throttle: "off" });
  try {
    const graph = await signIn(simulator);
    const { pages } = await walk(graph, `${simulator.graph}/v1.0/users?$top=999&$select=id,givenName,surname`);
    const people = pages.flatMap(({ text }) => (JSON.parse(text) as { readonly value: readonly Person[] }).value);
    return people.filter(({ givenName, surname }) => Boolean(givenName) && Boolean(surname));
  } finally {
    await simulator.close();
  }
}

function recordOf({ id, ...attributes }: Person): DirectoryRecord {
  return { kind: "user", id: String(id), attributes, manager: null, removed: null };
}

function compiled(): (record: DirectoryRecord) => Value {
  const result = compileExpression(EXPRESSION, {
    attribute:
      (attribute) =>
      ({ record }) =>
        record.attributes[attribute],
  });
  if ("faults" in result) throw new Error(result.faults[0].message);
  const { evaluate } = result.expression;
  return (record) => {
    const given = evaluate({ record });
    if ("fault" in given || typeof given.value !== "string")
      throw new Error("the expression gives a text for everybody");
    return given.value;
  };
}

/** jsonata has no function for diacritics: it gets Unicode's decomposition, which costs less than Microsoft's table. */
function registered(): (person: Person) => Promise<unknown> {
  const expression = jsonata(JSONATA);
  expression.registerFunction("normalizeDiacritics", (text: string) => text.normalize("NFD").replaceAll(/\p{M}/gu, ""));
  return (person) => expression.evaluate(person);
}

/** Both must say the same of everybody whose name Unicode and Microsoft's table write alike. */
async function compare(
  people: readonly Person[],
  records: readonly DirectoryRecord[],
  {
    ours,
    theirs,
  }: { readonly ours: (record: DirectoryRecord) => Value; readonly theirs: (person: Person) => Promise<unknown> },
): Promise<void> {
  let same = 0;
  for (const [at, person] of people.entries()) {
    const plain = /^[\x20-\x7e]*$/.test(`${person.givenName}${person.surname}`);
    const equal = ours(records[at] ?? nobody) === (await theirs(person));
    if (plain && !equal)
      throw new Error(`the two sides differ for ${String(person.givenName)} ${String(person.surname)}`);
    same += Number(equal);
  }
  if (same * 2 < people.length) throw new Error(`the two sides agree for ${same} of ${people.length} people only`);
}

function tableOf(sides: readonly Side[]): Table {
  const [ours, theirs] = sides;
  const ratios = (ours?.rates ?? []).map((rate, at) => rate / (theirs?.rates[at] ?? 1));
  const rate = median(ours?.rates ?? [0]);
  const times = (value: number): string => `${value.toFixed(0)} ×`;
  return {
    title: "A mapped attribute of five functions",
    method:
      `\`${EXPRESSION}\` for the people of a simulated tenant, and the same in jsonata; both compiled once. ` +
      `The sides take turns, ${ratios.length} rounds; medians, and the ratio within a round (least to most).`,
    columns: ["who", "evaluations/s", "ratio"],
    rows: sides.map((side, at) => [
      side.what,
      median(side.rates),
      at === 0 ? `${times(median(ratios))} (${times(Math.min(...ratios))} to ${times(Math.max(...ratios))})` : "1 ×",
    ]),
    bars: [
      { claim: "microseconds of one evaluation: at least 1,000,000 a second", value: 1e6 / rate, limit: 1 },
      { claim: "time per evaluation against jsonata: at least 20 × as fast", value: 1 / median(ratios), limit: 1 / 20 },
    ],
  };
}
