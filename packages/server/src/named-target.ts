import { ConnectorError, type Target, type TargetLookups } from "@entrain/core";

/** Everything that a target may be able to do, each named: a power that is added to targets cannot be forgotten here. */
type Powers = { readonly [Power in keyof Required<Target>]: Target[Power] };

/**
 * A target elsewhere, whose faults begin with its name and address: a run's error is read without the configuration. One
 * that has no address is handed on as it is, with whatever powers of its own it has.
 */
export function namedTarget(target: Target, name: string, addresses: readonly string[]): Target {
  if (addresses.length === 0) return target;
  const where = ` (${addresses.join(", ")})`;
  const named = (error: unknown): unknown => (error instanceof ConnectorError ? prefixed(error, name, where) : error);
  const told: Told = async (work) => {
    try {
      return await work;
    } catch (error) {
      throw named(error);
    }
  };
  const { lookups } = target;
  const [describe, seats, wasMade] = [
    target.describe?.bind(target),
    target.seats?.bind(target),
    target.wasMade?.bind(target),
  ];
  const powers: Powers = {
    kinds: target.kinds,
    describe: describe && ((signal) => told(describe(signal))),
    lookups: lookups && namedLookups(lookups, told),
    seats: seats && ((kind, signal) => told(seats(kind, signal))),
    batch: target.batch,
    verify: (signal) => told(target.verify(signal)),
    list: async function* (kind, options, signal) {
      try {
        yield* target.list(kind, options, signal);
      } catch (error) {
        throw named(error);
      }
    },
    find: (kind, attribute, values, signal) => told(target.find(kind, attribute, values, signal)),
    get: (kind, ids, options, signal) => told(target.get(kind, ids, options, signal)),
    apply: (changes, signal) => told(target.apply(changes, signal)),
    wasMade: wasMade && ((change, recordId, signal) => told(wasMade(change, recordId, signal))),
    close: () => target.close(),
  };
  return present(powers);
}

type Told = <Answer>(work: Promise<Answer>) => Promise<Answer>;

function namedLookups(lookups: TargetLookups, told: Told): TargetLookups {
  return {
    kinds: lookups.kinds,
    find: (lookup, values, signal) => told(lookups.find(lookup, values, signal)),
    get: (lookup, ids, signal) => told(lookups.get(lookup, ids, signal)),
    create: (lookup, values, signal) => told(lookups.create(lookup, values, signal)),
  };
}

/** What is optional and not there is left out: whether a target has a power is asked by its name. */
function present(powers: Powers): Target {
  const { describe, lookups, seats, wasMade, ...rest } = powers;
  return {
    ...rest,
    ...(describe && { describe }),
    ...(lookups && { lookups }),
    ...(seats && { seats }),
    ...(wasMade && { wasMade }),
  };
}

function prefixed(error: ConnectorError, name: string, where: string): ConnectorError {
  const { code, message, stops, retry, retryAfterMs, requestId, status, fix } = error;
  const options = { stops, retry, retryAfterMs, requestId, status, fix, cause: error };
  return new ConnectorError(code, `Target ${name}${where}: ${message}`, options);
}
