import assert from "node:assert/strict";
import { test } from "node:test";
import { compileMapping, compileMatching, provisionedKind } from "@entrain/core";
import { TARGET_TYPES } from "../target-types.ts";
import { contactPreset } from "./contact-preset.ts";

const SETTINGS = { baseUrl: "http://127.0.0.1:1/scim/v2", path: "/nowhere" };

test("contacts fit every target's kind of people without a mapping of one's own", () => {
  const kinds = [...TARGET_TYPES.values()]
    .flatMap((type) => type.kinds(SETTINGS))
    .filter(({ source }) => source === "user");
  assert.ok(kinds.length >= 3);
  for (const kind of kinds) {
    const { mapping, matching } = contactPreset(kind);
    const compiled = compileMapping(mapping, provisionedKind(kind, { source: "contact" }));
    assert.ok("mapping" in compiled, JSON.stringify(compiled));
    assert.ok("matching" in compileMatching(matching, compiled.mapping, kind));
    assert.ok(matching.length > 0);
    assert.ok(Object.values(mapping).some((rule) => "direct" in rule && rule.direct === "mail"));
  }
});
