/** Seats of a target's kind, as it told when a plan was made. */
export interface PlannedSeats {
  readonly used: number;
  readonly total: number;
  /** How many the plan would take: records that it creates or enables. */
  readonly needed: number;
  /** How many of its creations wait, for there is no seat for them. */
  readonly waiting: number;
}
