import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { skipUnless } from "../servers.ts";
import { type Findings, findIn } from "./kinds.ts";
import { type Line, readRecording, recordingFolder, type Told } from "./recording.ts";
import { readFloor, readStandard } from "./shared.ts";

const folder = recordingFolder();
const skip = folder === null ? "it judges what other tests recorded: npm run fidelity" : skipUnless("shared");

const ADVICE =
  "Mend what is wrong; where Microsoft's page says otherwise than the official description, or the description leaves the endpoint " +
  "out, add an entry that cites the page to test/fidelity/overrides.json.";

/** What a test makes our product send against its own checks, to see how it takes Microsoft's refusal. */
const PROVOKED: ReadonlySet<string> = new Set([
  "our request GET /users/delta?$deltatoken&$select: $select names jobTitel, which there is not",
]);

suite("what all tests sent to Graph", { skip }, () => {
  let lines: readonly Line[] = [];
  let findings: Findings;

  before(() => {
    lines = readRecording(folder ?? "");
    const exchanges = lines.flatMap((line) => (line.kind === "exchange" ? [line] : []));
    findings = findIn(exchanges, readStandard().judge);
  });

  test("every request of ours, and every answer of the simulator, is as Microsoft describes", () => {
    const found = [...findings.faults].filter(([fault]) => !PROVOKED.has(fault));
    const faults = found.map(([fault, times]) => `${fault} (${times} times)`);
    assert.ok(faults.length === 0, `${faults.length} differences:\n${faults.sort().join("\n")}\n${ADVICE}`);
    assert.ok(!lines.some(({ kind }) => kind === "full"), "a process sent more kinds of requests than are recorded");
  });

  test("as much was checked as ever", () => {
    const told = (of: Told["of"]): ReadonlySet<string> =>
      new Set(lines.flatMap((line) => (line.kind === "told" && line.of === of ? line.names : [])));
    const checked: Readonly<Record<string, ReadonlySet<string>>> = {
      "kinds of requests that our product sends, of which 100 % are as Microsoft describes": findings.product,
      "kinds of requests that tests send and the simulator accepts": findings.tests,
      "kinds of requests that are wrong on purpose, each refused": findings.refused,
      "kinds of answers of the simulator": findings.answers,
      "documented examples that the simulator answers as documented": told("answered examples"),
      "documented answers that our client reads whole": told("client examples"),
      "exchanges of Microsoft's clients": told("clients"),
      "exchanges with another sign-in service": told("sign-in services"),
    };
    const floor = readFloor();
    const rows = Object.entries(checked).map(([what, names]) => ({ what, count: names.size, least: floor[what] ?? 0 }));
    for (const { what, count, least } of rows) console.log(`${String(count).padStart(5)} (at least ${least})  ${what}`);
    const fallen = rows.filter(({ count, least }) => count < least);
    const sentences = fallen.map(({ what, count, least }) => `${count} instead of ${least} ${what}`);
    assert.ok(fallen.length === 0, `${sentences.join("\n")}\nnpm run fidelity runs all tests that count.`);
  });
});
