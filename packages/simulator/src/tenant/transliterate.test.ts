import assert from "node:assert/strict";
import { test } from "node:test";
import { toAscii } from "./transliterate.ts";

const cases: readonly (readonly [name: string, origin: string, ascii: string])[] = [
  ["Müller", "de", "mueller"],
  ["Müller", "fr", "muller"],
  ["Weiß", "de", "weiss"],
  ["Søren Ærø", "da", "soeren-aeroe"],
  ["Łukasz Żółć", "pl", "lukasz-zolc"],
  ["Çağrı Işık", "tr", "cagri-isik"],
  ["İbrahim", "tr", "ibrahim"],
  ["Đặng Thị Hoà", "vi", "dang-thi-hoa"],
  ["Þórunn Ævarsdóttir", "is", "thorunn-aevarsdottir"],
  ["O'Brien", "en", "o'brien"],
  ["O’Sullivan", "en", "o'sullivan"],
  ["Ẹlẹ́gbẹ́", "ng", "elegbe"],
  ["Anne-Laure  de la Tour", "fr", "anne-laure-de-la-tour"],
];

for (const [name, origin, ascii] of cases) {
  test(`spells ${name} as ${ascii} (${origin})`, () => assert.equal(toAscii(name, origin), ascii));
}

test("spells a decomposed letter like the composed one", () => {
  assert.equal(toAscii("Müller".normalize("NFD"), "de"), "mueller");
});
