import { ExpressionFault } from "./fault.ts";
import { checkSize, MAX_WORK } from "./limits.ts";
import type { Operand } from "./operand.ts";
import type { Span } from "./tree.ts";

/** Counts what one evaluation reads and makes, so that its time is bounded. An evaluation never waits: one meter serves all. */
export class Meter {
  #work = 0;

  restart(): void {
    this.#work = 0;
  }

  /** @throws ExpressionFault `expression_too_large` */
  count(operand: Operand, what: string, at: Span): void {
    if (typeof operand !== "string" && typeof operand !== "object") return;
    const size = checkSize(operand, what, at);
    this.#work += size;
    if (this.#work <= MAX_WORK) return;
    const message = `The expression handles more than ${MAX_WORK} characters for one record.`;
    throw new ExpressionFault("expression_too_large", message, at);
  }
}
