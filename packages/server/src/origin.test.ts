import assert from "node:assert/strict";
import { it } from "node:test";
import { asRedirectOrigin, isForRedirects, originIn } from "./origin.ts";

it("takes an address without a path as an origin, and nothing that could be more than one", () => {
  assert.equal(originIn("https://entrain.contoso.com/"), "https://entrain.contoso.com");
  assert.equal(originIn("http://[::1]:7420"), "http://[::1]:7420");
  for (const text of [
    "",
    "entrain.contoso.com",
    "ftp://entrain.contoso.com",
    "https://entrain.contoso.com/path",
    "https://entrain.contoso.com/?x",
    "https://entrain.contoso.com/#x",
    "https://olga@entrain.contoso.com",
    "https://a$(id)b",
    "https://a`id`",
  ]) {
    assert.equal(originIn(text), null, text);
  }
});

it("names this machine localhost, which alone Entra takes with plain http, and leaves every other host", () => {
  const origins = [
    "http://127.0.0.1:7420",
    "http://127.9.9.9",
    "http://[::1]:80",
    "http://10.0.0.1",
    "https://127.0.0.1",
  ];
  assert.deepEqual(origins.map(asRedirectOrigin), [
    "http://localhost:7420",
    "http://localhost",
    "http://localhost",
    "http://10.0.0.1",
    "https://127.0.0.1",
  ]);
});

it("knows which origins Entra sends somebody back to: https, and plain http for this machine", () => {
  const taken = ["https://entrain.contoso.com", "http://localhost:7420", "http://127.0.0.1", "http://[::1]:7420"];
  for (const origin of taken) assert.equal(isForRedirects(origin), true, origin);
  for (const origin of ["http://entrain.contoso.com", "http://10.0.0.1", "http://localhost.example"]) {
    assert.equal(isForRedirects(origin), false, origin);
  }
});
