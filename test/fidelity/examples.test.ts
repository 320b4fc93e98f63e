import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { sharedFolder, skipUnless } from "../servers.ts";
import { readExamples } from "./examples.ts";
import { isObject, type JsonObject } from "./json.ts";
import { Refused } from "./props.ts";
import { tell } from "./recording.ts";
import { type Outcome, replay } from "./replay.ts";
import { readFloor, readStandard } from "./shared.ts";

/** Examples that are not answered as documented, each with its reason. One that is answered after all counts by itself. */
const REASONS = JSON.parse(readFileSync(join(import.meta.dirname, "unanswered.json"), "utf8")) as JsonObject;
const COUNTED = "documented examples that the simulator answers as documented";

suite("Microsoft's documented requests", { skip: skipUnless("shared") }, () => {
  if (!sharedFolder().available) return;
  const answered: string[] = [];
  const { specification, checker } = readStandard();
  const names = new Set(
    Object.keys(specification.schemas).flatMap((name) =>
      Object.keys(checker.propertiesOf({ $ref: `#/components/schemas/${name}` }) ?? {}),
    ),
  );

  for (const example of readExamples()) {
    const reason = REASONS[example.name];
    const title =
      reason === undefined ? "is answered as documented" : `is not answered as documented: ${String(reason)}`;
    test(`${example.name} ${title}`, async (t) => {
      if (example.target === null) {
        assert.ok(reason !== undefined, "it is no request to Graph, so unanswered.json must say why it does not count");
        return;
      }
      const outcome: Outcome = await replay(t, example, (name) => names.has(name)).catch((error: unknown) => {
        if (error instanceof Refused) return { served: false, reason: error.message };
        throw error;
      });
      if (outcome.served && outcome.faults.length === 0) answered.push(example.name);
      else if (reason === undefined) {
        assert.fail(outcome.served ? outcome.faults.join("\n") : `it is not served: ${outcome.reason}`);
      }
    });
  }

  test("as many are answered as documented as ever, and every other has its reason", () => {
    tell("answered examples", answered);
    const listed = Object.keys(REASONS);
    const after = listed.filter((name) => answered.includes(name));
    if (after.length > 0) console.log(`answered by now, to be taken out of unanswered.json: ${after.join(", ")}`);
    assert.ok(isObject(REASONS) && listed.every((name) => readExamples().some((one) => one.name === name)));
    assert.ok(answered.length >= (readFloor()[COUNTED] ?? 0), `${answered.length} are answered`);
  });
});
