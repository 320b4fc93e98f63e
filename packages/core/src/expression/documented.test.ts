import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { signatureOf } from "./arguments.ts";
import { describeFunction } from "./editor.ts";
import type { FunctionDefinition } from "./function.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { evaluated } from "./functions/testing.ts";

/**
 * The reference of the functions in docs/mapping.md is made of their definitions: `ENTRAIN_WRITE_DOCS=1 node --test
 * …/expression/documented.test.ts` writes it anew.
 */
const PAGE = new URL("../../../../docs/mapping.md", import.meta.url);
const [BEGIN, END] = ["<!-- functions: made by expression/documented.test.ts -->", "<!-- /functions -->"];

const THEMES: readonly (readonly [title: string, functions: string])[] = [
  [
    "Texts",
    "Append Join Left Mid InStr Word Split Replace StripSpaces NormalizeDiacritics ToLower ToUpper PCase CStr " +
      "ConvertToBase64 ConvertToUTF8Hex",
  ],
  ["Choosing", "IIF Switch Coalesce IgnoreFlowIfNullOrEmpty"],
  ["Asking", "IsNull IsNullOrEmpty IsPresent IsString Not CBool BitAnd"],
  [
    "Lists and roles",
    "Count Item RemoveDuplicates SingleAppRoleAssignment AppRoleAssignmentsComplex AssertiveAppRoleAssignmentsComplex",
  ],
  ["Dates", "FormatDateTime CDate DateAdd DateDiff DateFromNum NumFromDate Now"],
  ["Unique values, chance and secrets", "SelectUniqueValue Guid RandomString Redact"],
];

describe("the page about mappings", () => {
  it("tells every function in one theme", () => {
    const told = THEMES.flatMap(([, functions]) => functions.split(" "));
    assert.deepEqual(told.toSorted(), [...FUNCTIONS.keys()].toSorted());
  });

  it("tells of every function what it takes, and an example that gives what it says", () => {
    const text = readFileSync(PAGE, "utf8");
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    assert.ok(begin > 0 && end > begin, `docs/mapping.md lacks the marks ${BEGIN} and ${END}`);
    const next = `${text.slice(0, begin)}${BEGIN}\n\n${reference()}\n\n${text.slice(end)}`;
    if (process.env.ENTRAIN_WRITE_DOCS === "1") writeFileSync(PAGE, next);
    else assert.equal(text, next, "the functions' reference is out of date; mend: ENTRAIN_WRITE_DOCS=1");
  });
});

function reference(): string {
  return THEMES.flatMap(([title, functions]) => [`### ${title}`, ...functions.split(" ").map(section)]).join("\n\n");
}

function section(name: string): string {
  const definition = FUNCTIONS.get(name);
  assert.ok(definition !== undefined, name);
  const { summary, parameters, example } = definition;
  const lines = describeFunction(definition);
  const told = lines.slice(1, 1 + parameters.length).map((line) => line.replace(/^ *(\w+): /, "- `$1`: "));
  const notes = lines.slice(1 + parameters.length, -1);
  return [
    `#### ${name}`,
    `\`${signatureOf(definition)}\``,
    [summary, ...notes].join(" "),
    ...(told.length > 0 ? [told.join("\n")] : []),
    `\`\`\`\n${example.expression}\n\`\`\``,
    given(definition),
  ].join("\n\n");
}

/** What the example gives is what it gives now, and not what is written down. */
function given({ example: { expression, attributes }, volatile }: FunctionDefinition): string {
  const value = `\`${JSON.stringify(evaluated(expression, attributes))}\``;
  const sometimes = volatile ? ", for example" : "";
  if (Object.keys(attributes).length === 0) return `gives ${value}${sometimes}.`;
  return `of \`${JSON.stringify(attributes)}\` gives ${value}${sometimes}.`;
}
