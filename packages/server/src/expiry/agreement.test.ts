import assert from "node:assert/strict";
import { test } from "node:test";
import type { GrantView } from "../store/grants.ts";
import { agreementWarnings } from "./agreement.ts";

const NOW = Date.UTC(2026, 6, 20);
const GRANT: GrantView = {
  account: { tenant: "t", objectId: "o", username: "admin@contoso.com" },
  scopes: [],
  grantedAt: Date.UTC(2026, 0, 1),
  state: "works",
  reason: null,
  since: null,
  diedOf: null,
};

test("an agreement that works, or that there is not, warns of nothing", () => {
  assert.deepEqual(agreementWarnings(GRANT, "contoso", NOW), []);
  assert.deepEqual(agreementWarnings(null, "contoso", NOW), []);
});

test("an agreement that is refused is told apart from one that has ended, each with its reason and mend", () => {
  const since = Date.UTC(2026, 6, 17);
  const refused: GrantView = { ...GRANT, state: "refused", reason: "The account is disabled.", since };
  const [one] = agreementWarnings(refused, "contoso", NOW);
  assert.match(
    one?.detail ?? "",
    /admin@contoso\.com is refused since 2026-07-17, and kept.* The account is disabled\./,
  );
  assert.match(one?.fix ?? "", /Mend what Microsoft says/);
  assert.deepEqual([one?.endsAt, one?.days], [since, -3]);
  const [other] = agreementWarnings({ ...refused, state: "ended", reason: "Revoked." }, "contoso", NOW);
  assert.match(other?.detail ?? "", /ended on 2026-07-17\. Revoked\./);
  assert.match(other?.fix ?? "", /sign in again: entrain connection authorize contoso/);
});
