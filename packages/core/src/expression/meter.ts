import { ExpressionFault } from "./fault.ts";
import type { Search } from "./function.ts";
import { checkSize, MAX_SEARCH, MAX_TEXT, MAX_WORK } from "./limits.ts";
import type { Operand } from "./operand.ts";
import type { Span } from "./tree.ts";

/** Counts what one evaluation reads and makes, so that its time is bounded. An evaluation never waits: one meter serves all. */
export class Meter {
  #work = 0;
  #search = 0;

  restart(): void {
    this.#work = 0;
    this.#search = 0;
  }

  /** @throws ExpressionFault `expression_too_large` */
  count(operand: Operand, what: string, at: Span): void {
    if (typeof operand === "string" && operand.length <= MAX_TEXT) this.#work += operand.length;
    else if (typeof operand === "string" || typeof operand === "object") this.#work += checkSize(operand, what, at);
    if (this.#work <= MAX_WORK) return;
    const message = `The expression handles more than ${MAX_WORK} characters for one record.`;
    throw new ExpressionFault("expression_too_large", message, at);
  }

  /**
   * Counts what searching for a pattern costs: its instructions times the characters that it may look at.
   * @throws ExpressionFault `expression_too_large`
   */
  readonly search: Search = (steps, what, at) => {
    this.#search += steps;
    if (this.#search <= MAX_SEARCH) return;
    throw new ExpressionFault("expression_too_large", `${what} takes too long to search for in so long a text.`, at);
  };
}
