/** How many there are of one sort, and the first few of them. */
export interface ReportedSort {
  readonly count: number;
  readonly samples: readonly {
    readonly id: string;
    readonly name: string;
    readonly detail?: string;
    readonly recordName?: string;
    readonly attribute?: string;
    readonly home?: string;
    readonly active?: boolean;
  }[];
}

/** Names that people ask for of the target's lookups. */
export interface ReportedValues {
  readonly count: number;
  readonly samples: readonly {
    readonly lookup: string;
    readonly value: string;
    readonly people: number;
    readonly code?: string;
    readonly detail?: string;
  }[];
}

/** Everybody of a sync compared with its whole target. */
export interface SyncReport {
  readonly readAt: number | null;
  readonly complete: boolean;
  readonly people: { readonly count: number; readonly inScope: number; readonly disabled: number };
  readonly linked: { readonly created: number; readonly joined: number };
  readonly join: ReportedSort & { readonly by: readonly { readonly attribute: string; readonly count: number }[] };
  readonly share: ReportedSort;
  readonly privileged: ReportedSort;
  readonly create: ReportedSort;
  readonly left: ReportedSort;
  readonly ambiguous: ReportedSort;
  readonly elsewhere: ReportedSort;
  readonly unmatchable: ReportedSort;
  readonly other: ReportedSort;
  readonly guests: ReportedSort;
  readonly newValues: ReportedValues & { readonly each: number };
  readonly missingValues: ReportedValues;
  readonly unmanaged: ReportedSort & { readonly records: number; readonly maybe: number };
}
