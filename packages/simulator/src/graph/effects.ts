/** How faults bend the answer to one request without breaking it off; the neutral effects change nothing. */
export interface Effects {
  /** How far this endpoint's replica lags behind: milliseconds and versions. */
  readonly lagMs: number;
  readonly lagVersions: number;
  /** People's properties beyond the basic profile read as null, as after a lost permission. */
  readonly nullProperties: boolean;
  readonly hiddenMembers: boolean;
  readonly staleCount: ((count: number) => number) | null;
  readonly expiredToken: boolean;
}

export const NO_EFFECTS: Effects = {
  lagMs: 0,
  lagVersions: 0,
  nullProperties: false,
  hiddenMembers: false,
  staleCount: null,
  expiredToken: false,
};
