import { isObject, type Json, type JsonObject } from "./json.ts";

/**
 * What a documented answer has and the other has not, by names and by types of values. Null fits every type, and
 * inside a value an absent name too: a page shows what its writer's tenant held. `isKnown` leaves out what the description of today no longer has.
 */
export function shapeFaults(documented: Json, answered: Json, isKnown: (name: string) => boolean): readonly string[] {
  return compare(recordOf(documented, answered), answered, { at: "", isKnown });
}

/** Some pages show the single record that was asked for inside `value`. */
function recordOf(documented: Json, answered: Json): Json {
  if (!isObject(documented) || !isObject(answered) || !("value" in documented) || "value" in answered)
    return documented;
  const { value = null } = documented;
  return Array.isArray(value) ? ((value as readonly Json[])[0] ?? null) : value;
}

interface Place {
  readonly at: string;
  readonly isKnown: (name: string) => boolean;
}

function compare(documented: Json, answered: Json | undefined, place: Place): readonly string[] {
  const { at } = place;
  if (answered === undefined)
    return documented === null && at.replace(/^value\[\]\./, "").includes(".") ? [] : [`${at} is missing`];
  if (documented === null || answered === null) return [];
  if (Array.isArray(documented)) {
    if (!Array.isArray(answered)) return [`${at} is no list`];
    return entries(documented as readonly Json[], answered as readonly Json[], place);
  }
  if (isObject(documented)) return isObject(answered) ? names(documented, answered, place) : [`${at} is no object`];
  return typeof documented === typeof answered ? [] : [`${at} is a ${typeof answered}, not a ${typeof documented}`];
}

/** Each documented entry must have its like: one with as much as it has. Only a list that was asked for must not be empty. */
function entries(documented: readonly Json[], answered: readonly Json[], place: Place): readonly string[] {
  if (answered.length === 0) return documented.length === 0 || place.at !== "value" ? [] : [`${place.at} is empty`];
  return documented.flatMap((entry) => {
    const faults = answered.map((candidate) => compare(entry, candidate, { ...place, at: `${place.at}[]` }));
    return faults.toSorted((a, b) => a.length - b.length)[0] ?? [];
  });
}

/** Links and positions differ by tenant and by page size; what names them is compared where it is a promise. */
const FREE: ReadonlySet<string> = new Set([
  "@odata.nextLink",
  "@odata.deltaLink",
  "@odata.context",
  "@odata.id",
  "@odata.type",
  "@odata.etag",
  "@removed",
]);

function names(documented: JsonObject, answered: JsonObject, place: Place): readonly string[] {
  return Object.entries(documented).flatMap(([name, value]) => {
    if (FREE.has(name) || name.startsWith("@microsoft")) return [];
    if (!(name in answered) && !name.startsWith("@") && !place.isKnown(name)) return [];
    return compare(value, answered[name], { ...place, at: place.at === "" ? name : `${place.at}.${name}` });
  });
}
