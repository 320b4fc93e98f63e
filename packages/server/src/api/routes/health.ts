import type { Store } from "../../store/store.ts";
import type { Metrics } from "../metrics.ts";
import { RequestError } from "../problems.ts";
import type { Api } from "../schemas.ts";

const STORE_PATIENCE_MS = 5_000;

/** For orchestrators and Prometheus; open to whoever reaches the server, and without anything about anybody. */
export function healthRoutes(app: Api, options: { readonly store: Store; readonly metrics: Metrics }): void {
  const { store, metrics } = options;

  app.get("/healthz", { schema: { hide: true } }, async (_request, reply) => {
    return reply.header("cache-control", "no-store").send({ status: "ok" });
  });

  app.get("/readyz", { schema: { hide: true } }, async (_request, reply) => {
    await storeAnswers(store);
    return reply.header("cache-control", "no-store").send({ status: "ready" });
  });

  app.get("/metrics", { schema: { hide: true } }, async (_request, reply) => {
    return reply
      .header("cache-control", "no-store")
      .type(metrics.contentType)
      .send(await metrics.scrape());
  });
}

/** @throws RequestError `not_ready` when the store fails, or says nothing for too long. */
async function storeAnswers(store: Store): Promise<void> {
  const patience = new AbortController();
  const asked = store.db.selectFrom("meta").select("key").limit(1).execute();
  const waited = store.clock.sleep(STORE_PATIENCE_MS, patience.signal).then(() => Promise.reject(new Error("slow")));
  try {
    await Promise.race([asked, waited]);
  } catch {
    throw new RequestError("not_ready", "The store does not answer.");
  } finally {
    patience.abort();
    waited.catch(() => undefined);
  }
}
