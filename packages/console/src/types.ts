import type { Attributes, Check, Counts, Finding, SyncDefinition, Value } from "@entrain/core";

/** What the API answers (`/api/v1/openapi.json`), as far as the console reads it. Times are milliseconds UTC. */
export interface Session {
  readonly operator: string;
  readonly csrf: string;
  readonly expiresAt: number;
  readonly demo: boolean;
  readonly version: string;
}

export interface Collection<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Connection {
  readonly id: string;
  readonly name: string;
  readonly cloud: { readonly kind: string; readonly login?: string; readonly graph?: string };
  readonly tenant: string;
  readonly client: string;
  readonly labels: readonly string[];
  readonly people: number;
  readonly groups: number;
  readonly reads: readonly {
    readonly kind: string;
    readonly phase: string;
    readonly readAt: number | null;
    readonly fullAt: number | null;
    readonly incomplete: { readonly code: string; readonly detail: string } | null;
  }[];
  /** Credentials that end soon, the most urgent first. */
  readonly warnings: readonly {
    readonly detail: string;
    readonly fix: string;
    readonly endsAt: number;
    readonly days: number;
  }[];
  /** What it is used for. */
  readonly features: readonly string[];
  /** In the order in which they are tried; an end is null while nobody tells it. */
  readonly credentials: readonly {
    readonly kind: string;
    readonly endsAt: number | null;
    readonly toldBy: string | null;
    readonly checkedAt: number | null;
  }[];
  readonly consent: {
    /** When the newest link that nobody has used yet ends. */
    readonly waitingUntil: number | null;
    readonly last: {
      readonly result: "granted" | "declined" | "right_missing" | "wrong_tenant" | "failed";
      readonly at: number;
    } | null;
  };
  /** Who signed in for the connection to read on their behalf; null when nobody did. */
  readonly agreement: {
    readonly username: string;
    readonly grantedAt: number;
    readonly state: "works" | "refused" | "ended";
  } | null;
  readonly redirectUri: string;
  readonly signInRedirectUri: string;
}

/** A link for an administrator, to consent or to sign in by; it works once. */
export interface AdministratorLink {
  readonly url: string;
  readonly redirectUri: string;
  readonly expiresAt: number;
}

export interface Verification {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/** What a connection's checks found; `mayMend`: waiting may mend what failed. */
export interface ConnectionVerification extends Verification {
  readonly mayMend: boolean;
}

/** One permission of an application and how it stands to what the connection is used for. */
export interface Permission {
  readonly permission: string;
  readonly state: "needed" | "missing" | "welcome" | "broader" | "excess" | "accepted";
  readonly purpose: string;
  /** What does the work of a broader one. */
  readonly instead: string | null;
  readonly note: string | null;
}

/** The permissions that Microsoft tells of; null where it tells none, with why. */
export interface Inspection {
  readonly permissions: readonly Permission[] | null;
  readonly error: Fault | null;
}

/** How an application is registered by hand or by a script. */
export interface Guide {
  readonly features: readonly {
    readonly name: string;
    readonly purpose: string;
    readonly permission: string;
    readonly licence: string | null;
    readonly always: boolean;
  }[];
  readonly permissions: readonly string[];
  readonly redirectUris: readonly string[];
  readonly steps: readonly {
    readonly title: string;
    readonly link: string;
    readonly role: string;
    readonly details: readonly string[];
  }[];
  readonly scripts: readonly { readonly kind: string; readonly file: string; readonly text: string }[];
}

/** A setup that an administrator does by signing in on another device. */
export interface DeviceSetup {
  readonly id: string;
  readonly name: string;
  readonly state: "waiting" | "registering" | "done" | "failed";
  readonly code: { readonly userCode: string; readonly verificationUri: string; readonly expiresAt: number } | null;
  readonly account: string | null;
  readonly steps: readonly { readonly name: string; readonly state: "due" | "begun" | "done" }[];
  readonly connection: {
    readonly name: string;
    readonly client: string;
    readonly permissions: readonly string[];
    readonly endsAt: number;
  } | null;
  readonly error: Fault | null;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

export interface Run {
  readonly run: string;
  readonly sync: string;
  readonly mode: string;
  readonly phase: string;
  readonly result: string | null;
  readonly counts: Counts;
  readonly failed: number;
  readonly unchanged: number;
  readonly error: Fault | null;
  readonly plan: string | null;
  readonly heldPlan: string | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly ms: number | null;
  readonly readMs: number;
}

/** A run in the API's lists of runs: with the name that its sync has, or had. */
export interface NamedRun extends Run {
  readonly syncName: string | null;
  readonly syncRemoved: boolean;
}

export interface HeldPlan {
  readonly plan: string;
  readonly digest: string;
  readonly counts: Counts;
  readonly holds: readonly Finding[];
  readonly since: number;
}

/** Who keeps a sync from running by itself. */
export interface Pause {
  readonly by: { readonly kind: string; readonly id: string };
  readonly since: number;
  readonly until: number | null;
  readonly note: string | null;
}

/** Why a sync is slowed down, and until when. */
export interface Quarantine {
  readonly since: number;
  readonly reason: string;
  readonly fix: string;
  readonly until: number;
}

export interface Sync {
  readonly id: string;
  readonly name: string;
  readonly connection: string;
  readonly target: string;
  readonly targetType: string;
  readonly records: string;
  readonly definition: SyncDefinition;
  readonly status: {
    readonly lastRun: Run | null;
    readonly nextRun: number | null;
    readonly paused: Pause | null;
    readonly blackoutUntil: number | null;
    readonly synced: number;
    readonly failed: number;
    readonly unsynced: number;
    readonly dead: number;
    readonly ignored: number;
    /** Records and groups of which something stays as it was undone or exempted. */
    readonly pinned: number;
    readonly quarantine: Quarantine | null;
    readonly breaker: { readonly since: number; readonly detail: string } | null;
    readonly cursorLag: number;
    readonly held: readonly HeldPlan[];
  };
}

export interface Progress {
  readonly phase: "waiting" | "reading" | "planning" | "applying" | "finished";
  readonly detail: string;
  readonly done: number;
  readonly total: number | null;
  readonly perSecond: number | null;
  readonly remainingMs: number | null;
  readonly waiting?: { readonly message: string };
}

export interface Activity {
  readonly id: string | null;
  readonly kind: "run" | "preview";
  readonly sync: string;
  readonly startedAt: number | null;
  readonly here: boolean;
  readonly stopping: boolean;
  readonly holder: string | null;
  readonly progress: Progress;
}

export interface Preview {
  readonly id: string;
  readonly sync: string;
  readonly state: "running" | "done" | "failed";
  readonly plan: string | null;
  readonly error: Fault | null;
}

export interface Plan {
  readonly plan: string;
  readonly sync: string;
  readonly state: string;
  /** `undo`: it brings back what a run changed. */
  readonly part: string;
  readonly digest: string | null;
  readonly complete: boolean;
  readonly counts: Counts;
  readonly holds: readonly Finding[];
  /** How far its approval has come, where a second operator is asked for; told of a single plan that waits. */
  readonly approval?: {
    readonly missing: number;
    readonly barred: readonly { readonly id: string; readonly why: "asked" | "changed" }[];
  } | null;
  readonly createdAt: number;
}

export interface PlannedChange {
  readonly ordinal: number;
  readonly state: string;
  readonly hold: string | null;
  readonly kind: string;
  readonly objectId: string;
  readonly name: string;
  readonly action: keyof Counts;
  readonly reason: string;
  readonly before: Attributes | null;
  readonly after: Attributes | null;
  readonly active: boolean | null;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly addTotal: number;
  readonly removeTotal: number;
}

export interface PlanIssue extends Finding {
  readonly ordinal: number;
}

export interface UnsyncedRecord {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
  readonly code: string;
  readonly detail: string;
  readonly state: "open" | "dead" | "ignored";
  readonly attempts: number;
  readonly since: number;
  readonly retryAt: number | null;
  readonly ignored: { readonly note: string; readonly actor: { readonly id: string } } | null;
  readonly fix: string;
}

/** One entry of the journal. */
export interface JournalEntry {
  readonly stream: string;
  readonly sequence: number;
  readonly at: number;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly type: string;
  readonly run: string | null;
  readonly plan: string | null;
  readonly ordinal: number | null;
  readonly target: string | null;
  readonly kind: string | null;
  readonly action: string | null;
  readonly status: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly before: Value;
  readonly after: Value;
}

/** Of a record or group, what stays as it was undone or exempted. */
export interface Pin {
  readonly id: string;
  readonly name: string;
  readonly record: boolean;
  readonly members: number;
  /** The run that was undone; null for what was exempted. */
  readonly run: string | null;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly at: number;
}

export interface Person {
  readonly id: string;
  readonly displayName: string | null;
  readonly userPrincipalName: string | null;
  readonly mail: string | null;
  readonly accountEnabled: boolean | null;
  readonly connection: string;
}

export interface PersonDetail extends Person {
  readonly attributes: Attributes;
  readonly manager: string | null;
  readonly removed: string | null;
  /** Who an invited account is at home, where that tenant is connected. */
  readonly home: (Pick<Person, "id" | "displayName" | "connection"> & { readonly userPrincipalName: string }) | null;
  readonly groups: readonly { readonly id: string; readonly displayName: string | null }[];
  readonly links: readonly {
    readonly target: string;
    readonly kind: string;
    readonly recordId: string;
    readonly sync: string | null;
    readonly origin: string;
    readonly matchedBy: string | null;
    readonly active: boolean;
    readonly known: Attributes;
  }[];
  /** Whether each sync's target holds the person, and why or why not. */
  readonly syncs: readonly {
    readonly sync: string;
    readonly target: string;
    readonly state: "synced" | "disabled" | "absent" | "waiting" | "held" | "unsynced";
    readonly reason: string;
  }[];
}
