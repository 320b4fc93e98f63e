import type { FaultAction } from "../faults/rules.ts";
import { readJwt } from "../signin/assertion.ts";
import type { FrontAnswer, FrontRequest, GraphFront } from "./graph-front.ts";

/** One Graph for all tenants: the token's tenant answers. A token that names none is refused by the first. */
export class GraphFronts {
  readonly #fronts: ReadonlyMap<string, GraphFront>;
  readonly #first: GraphFront;

  constructor(fronts: readonly (readonly [tenant: string, front: GraphFront])[]) {
    const [first] = fronts;
    if (first === undefined) throw new Error("There must be a tenant.");
    this.#fronts = new Map(fronts);
    this.#first = first[1];
  }

  handle(request: FrontRequest, actions: readonly FaultAction[]): Promise<FrontAnswer> {
    return this.#frontOf(request).handle(request, actions);
  }

  #frontOf({ headers }: FrontRequest): GraphFront {
    if (this.#fronts.size === 1) return this.#first;
    const jwt = readJwt(/^Bearer\s+(.+)$/i.exec(headers.authorization ?? "")?.[1] ?? "");
    return this.#fronts.get(String(jwt?.claims.tid)) ?? this.#first;
  }
}
