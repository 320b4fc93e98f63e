import { isObject, type Json, listIn, objectIn } from "./json.ts";
import { addressOf } from "./paths.ts";
import { queryFaults } from "./query.ts";
import type { Exchange } from "./recording.ts";
import type { Mode, SchemaChecker } from "./schemas.ts";
import type { Operation, Specification } from "./specification.ts";

/** What the specification says about one exchange. */
export interface Verdict {
  /** Null where Graph has no such path and method. */
  readonly operation: Operation | null;
  /** What is wrong with the request; empty when Microsoft would look at it. */
  readonly request: readonly string[];
  /** What is wrong with the answer. */
  readonly answer: readonly string[];
}

/** Judges requests and answers by the specification. */
export class Judge {
  readonly #specification: Specification;
  readonly #checker: SchemaChecker;

  constructor(specification: Specification, checker: SchemaChecker) {
    this.#specification = specification;
    this.#checker = checker;
  }

  judge(exchange: Exchange): Verdict {
    const { segments, query } = addressOf(exchange.target);
    const operation = this.#specification.find(exchange.method, segments);
    if (operation === null) {
      const refused = exchange.status >= 400 ? this.#refusal(exchange) : [];
      return { operation, request: [`Graph has no ${exchange.method} /${segments.join("/")}`], answer: refused };
    }
    const about = { operation, query, eventual: exchange.eventual, ownLinks: !exchange.simulator };
    return {
      operation,
      request: [...queryFaults(about, this.#specification, this.#checker), ...this.#body(operation, exchange)],
      answer: this.#answer(operation, exchange),
    };
  }

  #body({ method, body: schema }: Operation, { body }: Exchange): readonly string[] {
    if (body === undefined) {
      const needed = schema !== null && !(isObject(schema) && schema.nullable === true);
      return needed ? ["the request has no body"] : [];
    }
    if (schema === null) return [`${method} takes no body here`];
    return this.#checker.faults(body, schema, "request").map((fault) => `body: ${fault}`);
  }

  #answer(operation: Operation, exchange: Exchange): readonly string[] {
    const { status, type, answer } = exchange;
    const rule = operation.answers.get(String(status)) ?? operation.answers.get(`${String(status).slice(0, 1)}XX`);
    if (status >= 400) return this.#refusal(exchange);
    if (rule === undefined) return [`${status} is not documented: ${[...operation.answers.keys()].join(", ")}`];
    if (rule.form === "none") return answer === undefined ? [] : ["an answer without content has some"];
    if (rule.form === "binary") return type.startsWith("image/") ? [] : [`the answer is ${type}, not an image`];
    if (answer === undefined) return ["the answer has no content"];
    if (rule.form === "text") {
      if (!type.startsWith("text/plain")) return [`the answer is ${type}, not text/plain`];
      return this.#checker.faults(Number(answer), rule.schema, "answer");
    }
    if (!type.includes("application/json")) return [`the answer is ${type}, not application/json`];
    const mode: Mode = operation.delta ? "delta" : "answer";
    return [...this.#checker.faults(answer, rule.schema, mode), ...linkFaults(operation, answer)];
  }

  /** "Microsoft Graph error responses and resource types". */
  #refusal({ status, answer, type }: Exchange): readonly string[] {
    if (answer === undefined) return [`${status} without a body that says why`];
    if (!type.includes("application/json")) return [`the refusal is ${type}, not application/json`];
    const schema = { $ref: "#/components/schemas/microsoft.graph.ODataErrors.ODataError" };
    return this.#checker.faults(answer, schema, "answer").map((fault) => `refusal: ${fault}`);
  }
}

/** A page goes on or, in delta, ends with a link; never both ("Paging Microsoft Graph data", "Use delta query"). */
function linkFaults(operation: Operation, answer: Json): readonly string[] {
  if (!isObject(answer) || !Array.isArray(answer.value)) return [];
  const [next, delta] = ["@odata.nextLink", "@odata.deltaLink"].map((name) => name in answer);
  if (operation.delta && next === delta)
    return ["a delta page has exactly one of @odata.nextLink and @odata.deltaLink"];
  const removed = listIn(answer, "value").filter((item) => "reason" in objectIn(item, "@removed"));
  const talkative = removed.find((item) => isObject(item) && typeof item.id !== "string");
  return talkative === undefined ? [] : ["a removed object has no id"];
}
