import { ConnectorError, type Target } from "@entrain/core";

/**
 * A target elsewhere, whose faults begin with its name and address: a run's error is read without the configuration. One
 * that has no address is handed on as it is, with whatever powers of its own it has.
 */
export function namedTarget(target: Target, name: string, addresses: readonly string[]): Target {
  if (addresses.length === 0) return target;
  const where = ` (${addresses.join(", ")})`;
  const named = (error: unknown): unknown => (error instanceof ConnectorError ? prefixed(error, name, where) : error);
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw named(error);
    }
  };
  const describe = target.describe?.bind(target);
  return {
    kinds: target.kinds,
    ...(describe && { describe: (signal) => told(describe(signal)) }),
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
    close: () => target.close(),
  };
}

function prefixed(error: ConnectorError, name: string, where: string): ConnectorError {
  const { code, message, stops, retry, retryAfterMs, requestId, status, fix } = error;
  const options = { stops, retry, retryAfterMs, requestId, status, fix, cause: error };
  return new ConnectorError(code, `Target ${name}${where}: ${message}`, options);
}
