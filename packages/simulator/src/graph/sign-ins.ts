import { uuidFrom } from "../state/identifiers.ts";
import { type DirectoryObject, isLive } from "../state/objects.ts";
import { signInActivityOf } from "../tenancy/sign-in-activity.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainPage } from "./plain-list.ts";
import { notPremium } from "./premium.ts";
import { badRequest, type GraphResponse } from "./request.ts";
import type { Endpoint } from "./routes.ts";

const REPORTED_MOST = 2000;

/** "List signIns": the last interactive sign-in of people who have one, newest first; five requests in ten seconds. */
export const SIGN_INS: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/auditLogs/signIns",
    rule: "readSignIns",
    cost: 1,
    service: "reports",
    handle: (context) => list(context),
  },
];

function list(context: Context): GraphResponse {
  if (!context.licences.premium) throw notPremium();
  if (context.options.search !== null || context.options.expand !== null) {
    throw badRequest("The query option is not supported for sign-ins.");
  }
  const { since, until, rest } = timesIn(context.options.filter);
  const users = context.directory.list("user").filter(isLive).slice(0, REPORTED_MOST);
  const records = users
    .flatMap((user) => signInOf(context, user))
    .filter(({ createdDateTime }) => String(createdDateTime) >= since && String(createdDateTime) <= until)
    .sort((a, b) => String(b.createdDateTime).localeCompare(String(a.createdDateTime)));
  return plainPage({ ...context, options: { ...context.options, filter: rest } }, "auditLogs/signIns", records);
}

/** Takes `createdDateTime ge …` and `le …` out of a filter of clauses joined by `and`. */
function timesIn(filter: string | null): {
  readonly since: string;
  readonly until: string;
  readonly rest: string | null;
} {
  let [since, until] = ["", "\uffff"];
  const rest: string[] = [];
  for (const clause of filter?.split(/\s+and\s+/i) ?? []) {
    const match = /^\s*\(?\s*createdDateTime\s+(ge|le)\s+([\dTZ:.-]+)\s*\)?\s*$/i.exec(clause);
    if (match?.[1]?.toLowerCase() === "ge") since = match[2] ?? "";
    else if (match !== null) until = match[2] ?? "";
    else rest.push(clause);
  }
  return { since, until, rest: rest.length === 0 ? null : rest.join(" and ") };
}

function signInOf(context: Context, user: DirectoryObject): readonly PlainRecord[] {
  const activity = signInActivityOf(user, context.now) as PlainRecord | null;
  if (activity === null) return [];
  const { displayName = null, userPrincipalName = null, city = null, country = null } = user.properties;
  const createdDateTime = activity.lastSignInDateTime ?? null;
  return [
    {
      id: activity.lastSignInRequestId ?? null,
      createdDateTime,
      userDisplayName: displayName,
      userPrincipalName,
      userId: user.id,
      appId: "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
      appDisplayName: "Graph explorer",
      ipAddress: "203.0.113.7",
      clientAppUsed: "Browser",
      correlationId: uuidFrom("correlation", user.id, String(createdDateTime)),
      conditionalAccessStatus: "notApplied",
      isInteractive: true,
      riskDetail: "none",
      riskLevelAggregated: "none",
      riskLevelDuringSignIn: "none",
      riskState: "none",
      riskEventTypes: [],
      resourceDisplayName: "Microsoft Graph",
      resourceId: "00000003-0000-0000-c000-000000000000",
      status: { errorCode: 0, failureReason: null, additionalDetails: null },
      deviceDetail: {
        deviceId: "",
        displayName: null,
        operatingSystem: "Windows 11",
        browser: "Edge 125.0.0",
        isCompliant: null,
        isManaged: null,
        trustType: null,
      },
      location: { city, state: null, countryOrRegion: country, geoCoordinates: {} },
      appliedConditionalAccessPolicies: [],
    },
  ];
}
