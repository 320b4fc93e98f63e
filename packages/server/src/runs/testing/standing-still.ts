import type { Store } from "../../store/store.ts";

/** A store whose process stands still once, right behind the transaction that journals its first intents. */
export function standingStill(store: Store, meanwhile: () => Promise<void>): Store {
  let isOver = false;
  return {
    ...store,
    fenced: async (lease, work, options) => {
      const result = await store.fenced(lease, work, options);
      const open = await store.db.selectFrom("open_intents").select("ordinal").limit(1).execute();
      if (isOver || open.length === 0) return result;
      isOver = true;
      await meanwhile();
      return result;
    },
  };
}
