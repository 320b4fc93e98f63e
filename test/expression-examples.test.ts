import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Value } from "@entrain/core";
import { plainOf } from "../packages/core/src/expression/coerce.ts";
import { FUNCTIONS } from "../packages/core/src/expression/functions/index.ts";
import { contextOf } from "../packages/core/src/expression/functions/testing.ts";
import { compiled } from "../packages/core/src/expression/testing.ts";
import { graphFolder } from "./fidelity/shared.ts";
import { skipUnless } from "./servers.ts";

/** Examples of Microsoft's page that have an output which follows from their input. */
const AT_LEAST = 43;

interface Example {
  readonly expression: string;
  readonly inputs: { readonly [attribute: string]: Value };
  readonly output: Value;
  readonly derivedOutput?: Value;
  readonly effect?: string;
  readonly targetAlreadyHas?: readonly string[];
  readonly reproducible?: boolean;
  readonly unsupported?: boolean;
}

interface Documented {
  readonly function: string;
  readonly examples: readonly Example[];
  readonly mappingTable?: { readonly [plain: string]: readonly string[] };
}

function readDocumented(): readonly Documented[] {
  const text = readFileSync(join(graphFolder(), "expression-functions.json"), "utf8");
  return (JSON.parse(text) as { readonly functions: readonly Documented[] }).functions;
}

/** What an example should give: `undefined` for an attribute that is left as it is; `null` when the page does not say. */
function expected(example: Example): { readonly value: Value | undefined } | null {
  if (example.reproducible === false || example.unsupported) return null;
  if (example.effect?.includes("omitted")) return { value: undefined };
  const value = example.output ?? example.derivedOutput ?? null;
  return value === null ? null : { value };
}

function given({ expression, inputs, targetAlreadyHas }: Example): Value | undefined {
  const context = contextOf(inputs, { taken: targetAlreadyHas ?? [] });
  const result = compiled(expression).evaluate(context);
  if ("fault" in result) throw result.fault;
  return plainOf(result.value);
}

describe("the documented functions", { skip: skipUnless("shared") }, () => {
  test("are all there", () => {
    const missing = readDocumented().filter((one) => !FUNCTIONS.has(one.function));
    assert.deepEqual(
      missing.map((one) => one.function),
      [],
    );
  });

  test("give what their examples say", (t) => {
    const checked = readDocumented().flatMap(({ examples }) =>
      examples.flatMap((example) => {
        const wanted = expected(example);
        if (wanted === null) return [];
        const what = `${example.expression} with ${JSON.stringify(example.inputs)}`;
        assert.deepEqual(given(example), wanted.value, what);
        return [what];
      }),
    );
    t.diagnostic(`${checked.length} documented examples checked`);
    assert.ok(checked.length >= AT_LEAST, `only ${checked.length} examples were found`);
  });

  test("do what is meant by the three conditions that Entra cannot evaluate", () => {
    const unsupported = readDocumented().flatMap(({ examples }) => examples.filter((example) => example.unsupported));
    assert.equal(unsupported.length, 3);
    for (const example of unsupported) {
      for (const country of [null, ""]) assert.equal(given({ ...example, inputs: { country } }), "Other");
      assert.equal(given({ ...example, inputs: { country: "Norway" } }), "Norway", example.expression);
    }
  });

  test("compile, also where the page gives no output", () => {
    for (const { examples } of readDocumented()) for (const { expression } of examples) compiled(expression);
  });

  test("put plain letters for the documented ones, composed or decomposed, and for no others", () => {
    const table = readDocumented().find((one) => one.mappingTable !== undefined)?.mappingTable ?? {};
    const letters = Object.entries(table).flatMap(([plain, list]) => list.map((letter) => ({ plain, letter })));
    assert.ok(letters.length > 250, `only ${letters.length} letters`);
    const normalized = (letter: string) =>
      given({ expression: "NormalizeDiacritics([letter])", inputs: { letter }, output: null });
    for (const { plain, letter } of letters) {
      for (const form of ["NFC", "NFD"]) assert.equal(normalized(`x${letter.normalize(form)}y`), `x${plain}y`, letter);
    }
    const known = new Set(letters.map(({ letter }) => letter.normalize("NFC")));
    for (let code = 0x80; code < 0x2000; code += 1) {
      const letter = String.fromCodePoint(code);
      if (letter === letter.normalize("NFC") && !known.has(letter)) assert.equal(normalized(letter), letter);
    }
  });
});
