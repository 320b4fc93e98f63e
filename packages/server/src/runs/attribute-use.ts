import type { Attributes, SourceKind, Value } from "@entrain/core";
import type { Store } from "../store/store.ts";

/** How far an attribute is in use among the living records that the directory holds. */
export interface AttributeUse {
  /** Records with a value. */
  readonly count: number;
  /** One value, masked: its shape without what it says. */
  readonly example: string;
}

/** The use of each attribute that was read, by its name; of an object that of what lies inside it. */
export type Uses = ReadonlyMap<string, AttributeUse | null>;

const SCAN = 1000;
const SHOWN = 24;

/** Walks over all living records of a kind. An attribute that was read and that nobody has a value of is `null`. */
export async function attributeUses(store: Store, connection: string, kind: SourceKind): Promise<Uses> {
  const uses = new Map<string, AttributeUse | null>();
  for (let after = 0; ; ) {
    const rows = await store.db
      .selectFrom("records")
      .select(["attributes", "sequence"])
      .where("connection", "=", connection)
      .where("kind", "=", kind)
      .where("removed", "is", null)
      .where("sequence", ">", after)
      .orderBy("sequence")
      .limit(SCAN)
      .execute();
    for (const row of rows) count(uses, JSON.parse(row.attributes) as Attributes);
    const last = rows.at(-1);
    if (last === undefined || rows.length < SCAN) return uses;
    after = last.sequence;
  }
}

/** The use of an attribute whose values are counted elsewhere. */
export function useOfValues(of: { readonly count: number; readonly example: Value }): AttributeUse | null {
  return of.count === 0 ? null : { count: of.count, example: masked(of.example) };
}

function count(uses: Map<string, AttributeUse | null>, attributes: Attributes, within = ""): void {
  for (const [name, value] of Object.entries(attributes)) {
    const path = within + name;
    if (isObject(value)) {
      count(uses, value, `${path}.`);
      continue;
    }
    const before = uses.get(path) ?? null;
    const has = value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
    if (has) uses.set(path, { count: (before?.count ?? 0) + 1, example: before?.example ?? masked(value) });
    else if (before === null) uses.set(path, null);
  }
}

function isObject(value: Value): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Letters and figures become bullets, but for the first: enough to tell a cost centre from a mail address. */
function masked(value: Value): string {
  if (Array.isArray(value)) {
    const more = value.length > 1 ? ` (and ${value.length - 1} more)` : "";
    return `${masked(value[0] ?? null)}${more}`;
  }
  if (typeof value === "boolean") return String(value);
  if (typeof value === "object") return value === null ? "" : "{…}";
  const [first = "", ...rest] = [...String(value)];
  const shown = rest.slice(0, SHOWN - 1).map((sign) => (/[\p{L}\p{N}\p{M}]/u.test(sign) ? "•" : sign));
  return `${first}${shown.join("")}${rest.length >= SHOWN ? "…" : ""}`;
}
