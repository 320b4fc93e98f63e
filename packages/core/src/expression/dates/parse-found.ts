/** How far a text was read, and what was found in it. */
export interface Found {
  readonly source: string;
  at: number;
  /** Numbers by specifier: `y`, `M`, `d`, `ddd` (the weekday, 0 for Sunday), `h`, `H`, `m`, `s`. */
  readonly values: Map<string, number>;
  ticks: number | null;
  mark: "A" | "P" | null;
  /** Seconds east of UTC; `null` where none was given. */
  offset: number | null;
  /** The zone was named as UTC by `Z`, which `RoundtripKind` keeps. */
  universal: boolean;
}
