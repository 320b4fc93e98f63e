import type { Value } from "../model/value.ts";

/** A point in time while an expression is evaluated. Outside of it, it is text: see {@link plainOf}. */
export class Moment {
  /** Milliseconds UTC. */
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

/** What `IgnoreFlowIfNullOrEmpty` answers: the target's attribute is left as it is. */
export const OMITTED: unique symbol = Symbol("omitted");

/** What functions are given and give. `null` is NULL: an attribute without a value. */
export type Operand = Value | Moment | typeof OMITTED | readonly Operand[];
