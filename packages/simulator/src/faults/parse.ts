import type { FaultAction, FaultPlan, FaultRule } from "./rules.ts";

/** The syntax of `--faults`, for `--help`. */
export const FAULT_SYNTAX = `Faults are JSON (a list of rules) or text: rules separated by ";", each
  [METHOD] [PATH] [page=N] [skip=N] [times=N] ACTION
PATH may leave out /v1.0; * stands for one segment, ** for any rest. ACTION is one of
  status=503 [retry-after=2]       answer so; without retry-after no such header
  cut=headers|answer|body          cut the connection: before the work, after it, or within the answer
  slow=MS   truncate   html   no-value   empty   replay   ends-empty   expired   hidden   nulls
  lag=MS | lag-versions=N          read an older version
  notify-delay=MS   notify-drop   notify-duplicate   notify-reorder
                                   change notifications; PATH is the changed object's, e.g. /users/*
  stale-count=10% | stale-count=3  let $count say less
Example: --faults "GET /users page=3 times=2 status=503; /groups/* slow=2000"`;

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);
const PLAIN = new Set([
  "truncate",
  "html",
  "no-value",
  "empty",
  "replay",
  "ends-empty",
  "expired",
  "hidden",
  "nulls",
  "notify-drop",
  "notify-duplicate",
  "notify-reorder",
]);
const TYPES = new Set([...PLAIN, "status", "cut", "slow", "lag", "stale-count", "notify-delay"]);

/** Reads `--faults`. Throws an Error with one sentence that names the rule at fault. */
export function parseFaults(text: string): FaultPlan {
  if (/^\s*\[/.test(text)) return checkPlan(jsonIn(text));
  return text
    .split(";")
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "")
    .map(parseRule);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(
      `The faults begin like a JSON list but are not JSON: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    );
  }
}

/** Checks a plan that came as JSON. Throws an Error with one sentence. */
export function checkPlan(plan: unknown): FaultPlan {
  if (!Array.isArray(plan)) throw new Error("Faults must be a list of rules.");
  return plan.map(checkRule);
}

/** Checks one rule that came as JSON. Throws an Error with one sentence. */
export function checkRule(rule: unknown): FaultRule {
  const action = isRecord(rule) && isRecord(rule.action) ? rule.action : null;
  if (!isRecord(rule) || action === null || !TYPES.has(String(action.type))) {
    throw new Error(`The fault ${JSON.stringify(rule)} has no action of a known type (${[...TYPES].join(", ")}).`);
  }
  for (const name of ["page", "skip", "times"]) {
    if (rule[name] !== undefined && !(Number.isInteger(rule[name]) && Number(rule[name]) >= 0)) {
      throw new Error(`The fault ${JSON.stringify(rule)} needs a whole number as ${name}.`);
    }
  }
  if (action.type === "status" && !isStatus(action.status)) {
    throw new Error(`The fault ${JSON.stringify(rule)} needs a status between 200 and 599.`);
  }
  return rule as unknown as FaultRule;
}

function parseRule(text: string): FaultRule {
  const where: { method?: string; path?: string; page?: number; skip?: number; times?: number } = {};
  let action: FaultAction | null = null;
  let retryAfter: number | null = null;
  for (const word of text.split(/\s+/)) {
    const [name = "", value = ""] = word.split("=");
    if (METHODS.has(word.toUpperCase())) where.method = word.toUpperCase();
    else if (word.startsWith("/") || word === "*" || word === "**") where.path = word;
    else if (name === "page" || name === "skip" || name === "times") where[name] = numberIn(value, text);
    else if (name === "retry-after") retryAfter = numberIn(value, text);
    else action = actionOf(name, value, text);
  }
  if (action === null) throw new Error(`The fault "${text}" names no action, for example status=503.`);
  if (action.type === "status" && retryAfter !== null) action = { ...action, retryAfter };
  return { ...where, action };
}

function actionOf(name: string, value: string, rule: string): FaultAction {
  if (PLAIN.has(name)) return { type: name } as FaultAction;
  switch (name) {
    case "status": {
      const status = numberIn(value, rule);
      if (!isStatus(status)) throw new Error(`The fault "${rule}" needs a status between 200 and 599.`);
      return { type: "status", status };
    }
    case "cut":
      if (value === "headers" || value === "answer" || value === "body") return { type: "cut", at: value };
      throw new Error(`The fault "${rule}" must cut at headers, answer or body.`);
    case "slow":
      return { type: "slow", ms: numberIn(value, rule) };
    case "notify-delay":
      return { type: "notify-delay", ms: numberIn(value, rule) };
    case "lag":
      return { type: "lag", ms: numberIn(value, rule) };
    case "lag-versions":
      return { type: "lag", versions: numberIn(value, rule) };
    case "stale-count":
      return value.endsWith("%")
        ? { type: "stale-count", percent: numberIn(value.slice(0, -1), rule) }
        : { type: "stale-count", less: numberIn(value, rule) };
    default:
      throw new Error(`The fault "${rule}" has the word "${name}", which is no action that the simulator knows.`);
  }
}

function numberIn(value: string, rule: string): number {
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  throw new Error(`The fault "${rule}" has "${value}" where a number belongs.`);
}

function isStatus(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
