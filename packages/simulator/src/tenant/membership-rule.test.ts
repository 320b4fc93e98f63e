import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMembershipRule } from "./membership-rule.ts";

const anna = { department: "Sales", accountEnabled: true, jobTitle: "Key Account Manager", usageLocation: "DE" };
const rules: readonly (readonly [rule: string, belongs: boolean])[] = [
  ['user.department -eq "sales"', true],
  ['(user.department -eq "Sales") -and (user.accountEnabled -eq true)', true],
  ['(user.department -eq "Sales") -and (user.accountEnabled -eq false)', false],
  ['user.department -eq "Legal" -or user.usageLocation -eq "DE" -and user.accountEnabled -eq true', true],
  ['user.department -eq "Sales" -or user.usageLocation -eq "DE" -and user.accountEnabled -eq false', true],
  ['user.department -in ["Legal", "Sales"]', true],
  ['user.department -notIn ["Legal", "Sales"]', false],
  ['user.jobTitle -contains "manager"', true],
  ['user.jobTitle -notContains "manager"', false],
  ['user.jobTitle -startsWith "Key"', true],
  ['user.jobTitle -notStartsWith "Key"', false],
  ["user.companyName -eq null", true],
  ["user.companyName -ne null", false],
  ['user.companyName -ne "Other"', true],
  ['user.companyName -contains "x"', false],
];

for (const [rule, belongs] of rules) {
  test(`${rule} is ${belongs}`, () => assert.equal(parseMembershipRule(rule)(anna), belongs));
}

for (const rule of [
  "",
  "department -eq 1",
  'user.department -like "x"',
  'user.department -eq "x" -and',
  'user.a -eq "x" nonsense',
]) {
  test(`does not understand '${rule}'`, () => assert.throws(() => parseMembershipRule(rule), SyntaxError));
}
