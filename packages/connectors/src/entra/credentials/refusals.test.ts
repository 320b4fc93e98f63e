import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Check } from "@entrain/core";
import { CERTIFICATES, EVERY, FEDERATED, IDENTITIES, SECRETS } from "./testing/refusals/applications.ts";
import type { Case } from "./testing/refusals/case.ts";
import { AGREEMENTS, PASSWORDS } from "./testing/refusals/people.ts";
import { type Stage, startStage } from "./testing/stage.ts";

/**
 * Every documented refusal that an administrator may meet, played against the simulated tenant. The table in
 * docs/connecting.md is what the checks said here: `ENTRAIN_WRITE_DOCS=1 node --test …/refusals.test.ts` writes it anew.
 */
const DOCUMENT = fileURLToPath(new URL("../../../../../docs/connecting.md", import.meta.url));
const [BEGIN, END] = ["<!-- refusals: made by refusals.test.ts -->", "<!-- /refusals -->"];

let stage: Stage;
before(async () => {
  stage = await startStage({ people: 60 });
});
after(() => stage.close());

const CASES: readonly Case[] = [
  ...EVERY,
  ...SECRETS,
  ...CERTIFICATES,
  ...FEDERATED,
  ...IDENTITIES,
  ...PASSWORDS,
  ...AGREEMENTS,
];
const told = new Map<Case, Check>();

for (const one of CASES) {
  test(`${one.credential}: ${one.what}: a check says so and how to mend it`, async () => {
    const options = await one.options(stage);
    try {
      const failed = (await stage.verify(options)).filter(({ ok }) => !ok);
      const check = failed.find(({ name }) => name === one.check);
      assert.ok(check !== undefined, `failed: ${JSON.stringify(failed)}`);
      assert.match(check.detail, /^[A-Z“].*[.!)]$/s, "a sentence");
      assert.match(check.fix ?? "", /^[A-Z].*\.$/s, "a sentence that says what to do");
      assert.match(check.fix ?? "", one.mend);
      assert.ok(!check.detail.includes(check.fix ?? ""), "what to do is said once");
      if (one.number !== null) assert.match(check.detail, new RegExp(`AADSTS${one.number}\\b`));
      assert.doesNotMatch(check.detail + check.fix, /CANARY|of-azure|eyJ/, "no secret");
      told.set(one, check);
    } finally {
      await one.undo?.(stage);
    }
  });
}

test("at least twenty refusals are told, and docs/connecting.md tells the same", () => {
  assert.equal(told.size, CASES.length);
  assert.ok(told.size >= 20);
  const text = readFileSync(DOCUMENT, "utf8");
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  assert.ok(before > 0 && after > before, `docs/connecting.md lacks the marks ${BEGIN} and ${END}`);
  const next = `${text.slice(0, before)}${BEGIN}\n\n${table()}\n${text.slice(after)}`;
  if (process.env.ENTRAIN_WRITE_DOCS === "1") writeFileSync(DOCUMENT, next);
  else assert.equal(unaligned(text), unaligned(next), "the table is out of date; mend: ENTRAIN_WRITE_DOCS=1");
});

/** The formatter aligns the columns of tables; what the cells say is what counts. */
function unaligned(text: string): string {
  return text
    .replaceAll(/ *\| */g, "|")
    .replaceAll(/\|-+(?=\|)/g, "|-")
    .replaceAll(/\n+/g, "\n");
}

function table(): string {
  const rows = [...told].map(([{ credential, what, number }, { name, detail, fix }]) => {
    const cells = [credential, what, number === null ? "" : `AADSTS${number}`, name, plain(detail), fix ?? ""];
    return cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " "));
  });
  const head = ["Credential", "What happened", "Microsoft's number", "Check", "What it says", "What to do"];
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0, fill)).join(" | ")} |\n`;
  return [
    line(head, " "),
    line(
      head.map(() => ""),
      "-",
    ),
    ...rows.map((row) => line(row, " ")),
  ].join("");
}

/** The same text at every run: no ids, ports, dates or traces of this one. */
function plain(detail: string): string {
  return detail
    .replaceAll(/ \(AADSTS[^)]*\)/g, "")
    .replaceAll(/ \(trace id[^)]*\)/g, "")
    .replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi, "…")
    .replaceAll(/127\.0\.0\.1:\d+/g, "the host")
    .replaceAll(/\d{4}-\d\d-\d\d/g, "…");
}
