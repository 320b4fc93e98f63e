import assert from "node:assert/strict";
import { test } from "node:test";
import { listSites } from "./company.ts";
import { createNameBook } from "./names.ts";
import { createRandom } from "./random.ts";

const book = createNameBook();
const draw = (
  origin: string,
  kind?: "native" | "apostrophe" | "hyphen" | "long",
  seed = 1,
): ReturnType<typeof book.draw> => book.draw(createRandom(seed), origin, kind);

test("has names for every origin that a site knows, each with an address in ASCII", () => {
  for (const origin of new Set(listSites().flatMap((site) => Object.keys(site.origins)))) {
    for (let seed = 0; seed < 60; seed += 1) {
      const { displayName, address, surname } = draw(origin, "native", seed);
      assert.match(address.given, /^[a-z][a-z0-9'-]*$/, displayName);
      assert.match(address.surname, surname === null ? /^$/ : /^[a-z][a-z0-9'-]*$/, displayName);
    }
  }
});

test("writes Chinese and Korean names surname first without a gap, Japanese and Hungarian ones with a gap", () => {
  for (const [origin, gap] of [
    ["zh", ""],
    ["ko", ""],
    ["ja", " "],
    ["hu", " "],
  ] as const) {
    const { displayName, givenName, surname } = draw(origin, "native");
    assert.equal(displayName, `${surname}${gap}${givenName}`);
  }
});

test("writes other names given name first", () => {
  const { displayName, givenName, surname } = draw("ar", "native");
  assert.equal(displayName, `${givenName} ${surname}`);
});

test("knows people of one name", () => {
  const { displayName, givenName, surname, address } = draw("id");
  assert.equal(displayName, givenName);
  assert.equal(surname, null);
  assert.equal(address.surname, "");
});

test("shows apostrophes, hyphens and long names on demand", () => {
  for (let seed = 0; seed < 30; seed += 1) {
    assert.match(draw("en", "apostrophe", seed).surname ?? "", /['’]/);
    assert.match(draw("fr", "hyphen", seed).surname ?? "", /\p{L}-\p{L}/u);
    assert.ok(draw("en", "long", seed).displayName.length > 60);
  }
});

test("gives the women of a Polish family the feminine surname", () => {
  const names = Array.from({ length: 400 }, (_, seed) => draw("pl", "native", seed));
  for (const { female, surname } of names) if (female) assert.doesNotMatch(surname ?? "", /[sc]ki$/);
  assert.ok(names.some(({ female, surname }) => female && /ska(-|$)/.test(surname ?? "")));
});

test("changes the surname and keeps the given name and its spelling", () => {
  const before = draw("zh", "native");
  const after = book.rename(createRandom(2), before);
  assert.equal(after.givenName, before.givenName);
  assert.equal(after.address.given, before.address.given);
  assert.match(after.displayName, /^\p{Script=Han}+$/u);
});

test("keeps a Latin spelling Latin when the surname changes", () => {
  const after = book.rename(createRandom(2), {
    givenName: "Mariia",
    address: { given: "mariia", surname: "koval" },
    origin: "uk",
    female: true,
  });
  assert.match(after.displayName, /^Mariia [A-Z][a-z]+$/);
});
