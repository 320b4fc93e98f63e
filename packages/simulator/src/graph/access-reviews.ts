import { randomUUID } from "node:crypto";
import { undecided } from "../tenancy/reviews.ts";
import type { Json } from "../tenant/types.ts";
import type { Context } from "./context.ts";
import { refuseOptions } from "./odata/options.ts";
import { type PlainRecord, plainEntity } from "./plain-list.ts";
import { badRequest, denied, GraphError, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { type Body, bodyOf } from "./validate.ts";

const ROOT = "/identityGovernance/accessReviews/definitions";
const INSTANCES = `${ROOT}/{definition}/instances`;
const DECISIONS = `${INSTANCES}/{instance}/decisions`;
const PAGE = 100; // "List accessReviewScheduleDefinitions": default page 100, by $top and $skip.

/** Access reviews ("Overview of access reviews APIs"): reading for apps, deciding only for people who are signed in. */
export const ACCESS_REVIEWS: readonly Endpoint[] = [
  read(ROOT, (c) => page(c, "definitions", c.reviews.definitions.list())),
  read(`${ROOT}/{definition}`, (c, p) => plainEntity(c, setOf("definitions"), definition(c, p))),
  read(INSTANCES, (c, p) => page(c, within(p, "instances"), c.reviews.instances(idOf(definition(c, p))).list())),
  read(`${INSTANCES}/{instance}`, (c, p) => plainEntity(c, setOf(within(p, "instances")), instance(c, p))),
  read(DECISIONS, (c, p) => page(c, within(p, "decisions"), c.reviews.decisions(idOf(instance(c, p))).list())),
  read(`${DECISIONS}/{decision}`, (c, p) => plainEntity(c, setOf(within(p, "decisions")), decision(c, p))),
  write("POST", ROOT, create),
  write("PUT", `${ROOT}/{definition}`, replace),
  write("DELETE", `${ROOT}/{definition}`, (c, p) => {
    c.reviews.definitions.remove(idOf(definition(c, p)));
    return { status: 204 };
  }),
  write("POST", `${INSTANCES}/{instance}/stop`, (c, p) => finish(c, p, "Completed")),
  write("POST", `${INSTANCES}/{instance}/applyDecisions`, (c, p) => finish(c, p, "Applied")),
  write("POST", `${INSTANCES}/{instance}/resetDecisions`, reset),
  // A reviewer is a person: the permissions for these are delegated alone.
  ...["acceptRecommendations", "batchRecordDecisions"].map((name) =>
    write("POST", `${INSTANCES}/{instance}/${name}`, refuseApp),
  ),
  write("PATCH", `${DECISIONS}/{decision}`, refuseApp),
];

type Handle = (context: Context, parameters: Parameters) => GraphResponse;

function read(path: string, handle: Handle): Endpoint {
  return { method: "GET", path, rule: "readReviews", cost: 1, skips: true, handle: licensed(handle) };
}

function write(method: string, path: string, handle: Handle): Endpoint {
  return { method, path, rule: "writeReviews", cost: 1, handle: licensed(handle) };
}

function licensed(handle: Handle): Handle {
  return (context, parameters) => {
    if (!context.licences.governance) {
      throw new GraphError(403, "Forbidden", "The tenant needs a Microsoft Entra ID P2 or Governance license.");
    }
    return handle(context, parameters);
  };
}

function setOf(path: string): string {
  return `identityGovernance/accessReviews/${path}`;
}

function within({ definition: id = "", instance: of }: Parameters, name: string): string {
  const instances = `definitions('${id}')/instances`;
  return name === "instances" ? instances : `${instances}('${of ?? ""}')/decisions`;
}

function page(context: Context, path: string, records: readonly PlainRecord[]): GraphResponse {
  const { options, base, request } = context;
  refuseOptions(options, ["top", "skip", "select", "count", "filter", "orderby"]);
  if (options.filter !== null || options.orderby !== null) {
    throw badRequest("This filter or order is not supported for access reviews here.");
  }
  const [start, top] = [options.skip ?? 0, options.top ?? PAGE];
  const more = start + top < records.length;
  const chosen = (record: PlainRecord): PlainRecord =>
    options.select === null ? record : Object.fromEntries(options.select.map((name) => [name, record[name] ?? null]));
  const next = `${base}/${request.segments.join("/")}?$top=${top}&$skip=${start + top}`;
  return {
    status: 200,
    json: {
      "@odata.context": `${base}/$metadata#${setOf(path)}`,
      "@odata.count": records.length,
      ...(more ? { "@odata.nextLink": next } : {}),
      value: records.slice(start, start + top).map(chosen),
    },
  };
}

function idOf(record: PlainRecord): string {
  return String(record.id);
}

function definition({ reviews }: Context, { definition: id = "" }: Parameters): PlainRecord {
  return reviews.definitions.get(id) ?? missing(id);
}

function instance(context: Context, parameters: Parameters): PlainRecord {
  const { instance: id = "" } = parameters;
  return context.reviews.instances(idOf(definition(context, parameters))).get(id) ?? missing(id);
}

function decision(context: Context, parameters: Parameters): PlainRecord {
  const { decision: id = "" } = parameters;
  return context.reviews.decisions(idOf(instance(context, parameters))).get(id) ?? missing(id);
}

function missing(id: string): never {
  throw notFound(id);
}

function create(context: Context): GraphResponse {
  const body = bodyOf(context.request);
  const { displayName, scope } = body;
  if (typeof displayName !== "string" || !isBody(scope)) {
    throw badRequest("The properties 'displayName' and 'scope' are required.");
  }
  const now = new Date(context.now).toISOString();
  const review: PlainRecord = {
    id: randomUUID(),
    displayName,
    createdDateTime: now,
    lastModifiedDateTime: now,
    status: "InProgress",
    descriptionForAdmins: body.descriptionForAdmins ?? null,
    descriptionForReviewers: body.descriptionForReviewers ?? null,
    createdBy: { id: context.caller.principal, displayName: "", userPrincipalName: "" },
    scope: { queryRoot: null, ...scope },
    instanceEnumerationScope: body.instanceEnumerationScope ?? null,
    reviewers: body.reviewers ?? [],
    fallbackReviewers: body.fallbackReviewers ?? [],
    // The older name, which documented requests still use.
    ...(body.backupReviewers === undefined ? {} : { backupReviewers: body.backupReviewers }),
    settings: body.settings ?? null,
  };
  context.reviews.start(review, groupIn(scope), context.base, context.now);
  return plainEntity(context, setOf("definitions"), review, 201);
}

function groupIn(scope: Body): string | null {
  return /\/groups\/([0-9a-f-]{36})\//i.exec(String(scope.query ?? ""))?.[1] ?? null;
}

function replace(context: Context, parameters: Parameters): GraphResponse {
  const old = definition(context, parameters);
  const { id: _, ...body } = bodyOf(context.request);
  context.reviews.definitions.put({
    ...old,
    ...body,
    id: idOf(old),
    lastModifiedDateTime: new Date(context.now).toISOString(),
  });
  return { status: 204 };
}

function finish(context: Context, parameters: Parameters, status: string): GraphResponse {
  const ended = instance(context, parameters);
  context.reviews.instances(idOf(definition(context, parameters))).put({ ...ended, status });
  return { status: 204 };
}

function reset(context: Context, parameters: Parameters): GraphResponse {
  const decisions = context.reviews.decisions(idOf(instance(context, parameters)));
  for (const one of decisions.list()) decisions.put(undecided(one));
  return { status: 204 };
}

function refuseApp(): never {
  throw denied();
}

function isBody(value: Json | undefined): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
