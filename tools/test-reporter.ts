import { AssertionError } from "node:assert";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

/** What became of one test or suite; one JSON line each, in the order in which it happened. */
export type TestLine =
  | { readonly event: "begun"; readonly id: number; readonly parent: number; readonly name: string }
  | {
      readonly event: "ended";
      readonly id: number;
      readonly parent: number;
      readonly name: string;
      readonly suite: boolean;
      /** The reason of a skipped test, empty when it gave none; null when it ran. */
      readonly skip: string | null;
      readonly failure: string | null;
    }
  | { readonly event: "warned"; readonly text: string }
  | { readonly event: "finished" };

/** A reporter for `node --test-reporter`: one JSON {@link TestLine} a line. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  for await (const event of source) {
    const line = translate(event);
    if (line !== null) yield `${JSON.stringify(line)}\n`;
  }
}

function translate(event: TestEvent): TestLine | null {
  if (event.type === "test:dequeue") {
    const { testId, parentId, name } = event.data;
    return { event: "begun", id: testId, parent: parentId ?? 0, name };
  }
  if (event.type === "test:complete") {
    const { testId, parentId, name, details, skip } = event.data;
    const reason = skip === undefined || skip === false ? null : skip === true ? "" : skip;
    const failure = details.error === undefined ? null : describe(details.error);
    const suite = details.type === "suite";
    return { event: "ended", id: testId, parent: parentId ?? 0, name, suite, skip: reason, failure };
  }
  if (event.type === "test:diagnostic" && !COUNTER.test(event.data.message))
    return { event: "warned", text: event.data.message };
  return event.type === "test:summary" ? { event: "finished" } : null;
}

/** The lines that close every report, which are no warnings. */
const COUNTER = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/** Null when only subtests failed: they tell it themselves. Node wraps what a test threw in an error of its own. */
function describe(error: Error): string | null {
  if ("failureType" in error && error.failureType === "subtestsFailed") return null;
  const thrown = error.cause ?? error;
  if (thrown instanceof AssertionError) return thrown.stack ?? thrown.message;
  return thrown instanceof Error ? inspect(thrown, { depth: 8 }) : String(thrown);
}
