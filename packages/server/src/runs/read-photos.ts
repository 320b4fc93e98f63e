import type { PhotoAnswer, SyncDefinition, Withheld } from "@entrain/core";
import { duePhotos, savePhotos } from "../store/photos.ts";
import type { ReadOptions } from "./read.ts";

/** The attribute below which what is told of a person's photo stands. */
const PHOTO = "photo";
/** Asked of a sync without compiling it; a text in quotes that looks alike costs a look-up too many. */
const IN_EXPRESSION = /\[\s*photo\b/;
/** Photos that one run reads, in about ten seconds: each is a request of its own, and changes of people must not wait long for them. */
const A_RUN = 200;
/** No delta tells a new photo: each is asked for again after a week. */
const REREAD_MS = 7 * 86_400_000;
/** Kept in one transaction: what a crash or a refusal loses is asked for again. */
const BATCH = 20;

/** Whether a sync maps people's photos. */
export function asksForPhotos({ mapping }: Pick<SyncDefinition, "mapping">): boolean {
  return Object.values(mapping).some((rule) =>
    "direct" in rule
      ? rule.direct.split(".")[0] === PHOTO
      : "expression" in rule && IN_EXPRESSION.test(rule.expression),
  );
}

/**
 * Reads the photos that are due, no more than a run may: later runs read on. Who could not be told keeps what was known, and is
 * asked about again when everybody is; where the service refuses all, the rest waits for the next run. Either is told to
 * `onWithheld`, and stops nothing else.
 */
export async function readPhotos(options: ReadOptions): Promise<void> {
  const { store, source, connection, lease, signal } = options;
  if (source.photos === undefined) return;
  const before = store.clock.now() - REREAD_MS;
  const due = await duePhotos(store.db, { connection, before, limit: A_RUN });
  const failed: Failure[] = [];
  for (let at = 0; at < due.length; at += BATCH) {
    signal.throwIfAborted();
    options.onProgress({ phase: "reading", detail: "photos", done: at, total: due.length });
    const answers = await source.photos.read(due.slice(at, at + BATCH), signal);
    const kept = answers.filter((answer) => "hash" in answer || answer.failure.of === "photo");
    await store.fenced(lease, (tx) => savePhotos(store, tx, connection, kept));
    failed.push(...answers.filter(isFailure));
    const stopped = failed.find(({ failure }) => failure.of === "service");
    if (stopped !== undefined) {
      options.onWithheld?.([refused(stopped)]);
      return;
    }
  }
  const [first] = failed;
  if (first !== undefined) options.onWithheld?.([untold(first, failed.length)]);
}

type Failure = Extract<PhotoAnswer, { readonly failure: unknown }>;

function isFailure(answer: PhotoAnswer): answer is Failure {
  return "failure" in answer;
}

function refused({ failure }: Failure): Withheld {
  const detail = `Photos cannot be read now, and no photo is changed; everything else is read without them. ${failure.detail}`;
  return { name: PHOTO, code: failure.code, detail };
}

function untold({ id, failure }: Failure, count: number): Withheld {
  const others = count === 1 ? "" : ` (and those of ${count - 1} others)`;
  const detail = `The photo of ${id}${others} was not told, and stays as it is known for a week. ${failure.detail}`;
  return { name: PHOTO, code: failure.code, detail };
}
