import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMembershipRule } from "./membership-rule.ts";

const EXTENSION = "extension_0123456789abcdef0123456789abcdef_grade";
const anna = {
  id: "a1",
  department: "Sales",
  accountEnabled: true,
  jobTitle: 'Key "Account" Manager',
  usageLocation: "DE",
  mailNickname: "anna",
  businessPhones: ["+49 1"],
  onPremisesExtensionAttributes: { extensionAttribute2: "x" },
  [EXTENSION]: "7",
};
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
  ['(user.department -eq "Sales" -or user.city -eq "Rome") -and user.accountEnabled -eq false', false],
  ['user.department -eq "Sales" -or (user.city -eq "Rome" -and user.accountEnabled -eq false)', true],
  ['((user.usageLocation -eq "DE")) -and ( user.department -eq "Sales" )', true],
  ['-not (user.department -eq "Sales") -or user.city -ne null', false],
  ['-not user.city -eq "Rome" -and user.department -eq "Sales"', true],
  ['user.department eq "Sales" and not (user.department in ["Legal"])', true],
  ['user.jobTitle -endsWith "manager"', true],
  ['user.jobTitle -notEndsWith "manager"', false],
  ['user.jobTitle -contains "`"account`""', true],
  [`user.jobTitle -contains '"account"'`, true],
  ["user.objectId -ne null", true],
  ["user.companyName -eq $null", true],
  ['user.mailNickName -eq "ANNA"', true],
  ['user.telephoneNumber -startsWith "+49"', true],
  ['user.extensionAttribute2 -eq "x"', true],
  ['user.extensionAttribute3 -eq "x"', false],
  [`user.${EXTENSION} -in ["7", "8"]`, true],
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
  'user.city -eq "x" nonsense',
  'user.shoeSize -eq "x"',
  '(user.city -eq "x"',
  'user.city -eq "x")',
  'user.city -eq ["x"]',
  'user.city -in "x"',
  "user.city -in [1]",
  'user.city -match "^x"',
  'user.proxyAddresses -any (_ -contains "x")',
  'device.displayName -eq "x"',
  `user.city -eq "${"x".repeat(3072)}"`,
]) {
  test(`does not understand '${rule.slice(0, 50)}'`, () => assert.throws(() => parseMembershipRule(rule), SyntaxError));
}
