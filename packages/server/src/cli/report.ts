import { grouped, inWords } from "@entrain/core";
import { reportSync, type SyncReport } from "../runs/report.ts";
import { type Invocation, numberOption, type Options } from "./command.ts";
import { findRow } from "./entries.ts";
import { progressView } from "./progress.ts";
import { joinedInWords, timeInWords, unmanagedInWords } from "./wording.ts";

/** `sync report NAME`: who corresponds to which record of the target, and what nobody corresponds to. */
export async function reportCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const samples = numberOption(options, "samples", { min: 0, max: 100_000 });
  const { output, world, signal } = invocation;
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const { engine, store } = installation;
  const sync = await store.db.selectFrom("syncs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  const progress = progressView(world, output.json);
  const report = await reportSync(engine, { sync, samples, signal, onProgress: progress.update }).finally(
    progress.stop,
  );
  await output.value(report);
  await output.say(...linesOf(report));
  return undefined;
}

function linesOf(report: SyncReport): readonly string[] {
  const { linked, join, share, privileged, create, left, ambiguous, elsewhere, unmatchable, other, guests, unmanaged } =
    report;
  const { people, readAt, complete, newValues, missingValues } = report;
  const issue = (one: SyncReport["ambiguous"]["samples"][number]): string => `${one.name} (${one.id}): ${one.detail}`;
  return [
    `${report.sync}: ${report.connection} compared with the ${report.records}s of ${report.target}, as of ${timeInWords(readAt)}.`,
    ...(complete ? [] : ["The directory was read in part: who is missing in it is missing here."]),
    `in scope     ${grouped(people.inScope)} of ${grouped(people.count)}`,
    ...(people.disabled === 0
      ? []
      : [`disabled     ${grouped(people.disabled)} of them have no record, and none is made while they are disabled`]),
    `there        ${grouped(linked.created)} created, ${grouped(linked.joined)} joined${linked.shared === 0 ? "" : `, ${grouped(linked.shared)} shared`}${inBrackets(linked.by)}`,
    ...part("join", join, "", (one) => `${one.name} joins ${one.recordName} by ${one.attribute}`, inBrackets(join.by)),
    ...part(
      "share",
      share,
      "whose record another sync owns: the shared attributes are written to it",
      (one) => `${one.name} shares ${one.recordName}, found by ${one.attribute}`,
    ),
    ...part(
      "privileged",
      privileged,
      "of these joins, which wait for approval",
      (one) => `${one.name} joins ${one.recordName}`,
    ),
    ...part("create", create, "", ({ name }) => name),
    ...part("left", left, "found nowhere, and the sync makes no records", ({ name }) => name),
    ...part("ambiguous", ambiguous, "held: several fit", issue),
    ...part("elsewhere", elsewhere, "held: the record that fits is somebody else's", issue),
    ...part("unmatchable", unmatchable, "held: no value to match by", issue),
    ...part("other", other, "held", issue),
    ...part("guests", guests, "at home in a connected tenant", ({ name, home }) => `${name}: ${home}`),
    ...part("new values", newValues, newInWords(newValues), wantedInWords),
    ...part(
      "missing",
      missingValues,
      "that the target's lookups lack and are not created: people are written without",
      (one) => (one.code === "lookup_missing" ? wantedInWords(one) : `${wantedInWords(one)}. ${one.detail}`),
    ),
    ...part(
      "unmanaged",
      unmanaged,
      `of ${grouped(unmanaged.records)} records of the target (${grouped(unmanaged.active)} active): ${unmanagedInWords(unmanaged)}`,
      ({ name, active }) => `${name}${active ? "" : ", disabled"}`,
    ),
  ];
}

function inBrackets(by: SyncReport["join"]["by"]): string {
  return by.length === 0 ? "" : ` (${joinedInWords(by)})`;
}

function newInWords({ count, each }: SyncReport["newValues"]): string {
  const atMost = count > each ? `, at most ${grouped(each)} by one plan` : "";
  return `that the target's lookups lack, and that plans create${atMost}`;
}

function wantedInWords({ lookup, value, people }: SyncReport["newValues"]["samples"][number]): string {
  return `${lookup} ${inWords(value)}: ${people === 1 ? "1 person" : `${grouped(people)} people`}`;
}

const SORT_WIDTH = 11;

/** A line with the count, the samples below it; nothing where there are none, but for what is always told. */
function part<T>(
  sort: string,
  { count, samples }: { readonly count: number; readonly samples: readonly T[] },
  said: string,
  inWords: (one: T) => string,
  by = "",
): readonly string[] {
  const always = sort === "join" || sort === "create" || sort === "unmanaged";
  if (count === 0 && !always) return [];
  const more = count - samples.length;
  return [
    `${sort.padEnd(SORT_WIDTH)}  ${grouped(count)}${said === "" ? "" : ` ${said}`}${by}`,
    ...samples.map((one) => `  ${inWords(one)}`),
    ...(more > 0 && samples.length > 0 ? [`  … and ${grouped(more)} more: --samples`] : []),
  ];
}
