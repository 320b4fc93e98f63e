import Type, { type TSchema } from "typebox";
import { type ApiContext, findTarget } from "../context.ts";
import { pageByName } from "../cursor.ts";
import { type Api, collectionOf, NAME, PAGE, strict, TIME } from "../schemas.ts";

// Neither credential nor settings: an address may hold a password.
const TARGET: TSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  type: Type.String(),
  syncs: Type.Array(Type.String(), { description: "Names of the syncs that write to it." }),
  createdAt: TIME,
});

/** Targets: what they are and which syncs write to them. */
export function targetRoutes(app: Api, { store }: ApiContext): void {
  const describe = async (row: { id: string; name: string; type: string; created_at: number }): Promise<object> => {
    const syncs = await store.db
      .selectFrom("syncs")
      .select("name")
      .where("target", "=", row.id)
      .orderBy("name")
      .execute();
    const { id, name, type, created_at: createdAt } = row;
    return { id, name, type, syncs: syncs.map((sync) => sync.name), createdAt };
  };

  app.get(
    "/targets",
    {
      schema: {
        operationId: "listTargets",
        summary: "Targets in the order of their names",
        tags: ["targets"],
        querystring: strict(PAGE),
        response: { 200: collectionOf(TARGET) },
      },
    },
    async ({ query }) => {
      const { items, next } = await pageByName(query, (name, most) =>
        store.db.selectFrom("targets").selectAll().where("name", ">", name).orderBy("name").limit(most).execute(),
      );
      return { items: await Promise.all(items.map(describe)), next };
    },
  );

  app.get(
    "/targets/:name",
    {
      schema: {
        operationId: "getTarget",
        summary: "One target; never its credential",
        tags: ["targets"],
        params: strict({ name: NAME }),
        response: { 200: TARGET },
      },
    },
    async ({ params: { name } }) => await describe(await findTarget(store, name)),
  );
}
