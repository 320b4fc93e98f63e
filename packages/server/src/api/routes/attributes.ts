import Type, { type TSchema } from "typebox";
import { type TenantAttributes, tenantAttributes } from "../../runs/attributes.ts";
import { type ApiContext, findConnection } from "../context.ts";
import { fromCursor, pageOf } from "../cursor.ts";
import { type Api, FINDING, LIMIT_DEFAULT, NAME, orNull, PAGE, strict } from "../schemas.ts";

/** A picker asks for page after page, and for each letter that is typed: the tenant is asked once for all of them. */
const KEPT_MS = 60_000;
const KEPT = 16;
const LIMIT_MS = 60_000;

const ATTRIBUTE: TSchema = Type.Object({
  kind: Type.String({ description: "user, group or contact" }),
  name: Type.String({ description: "As a mapping or a filter names it." }),
  origin: Type.String({ description: "service, directory extension, on-premises extension or schema extension" }),
  type: orNull(Type.String()),
  list: Type.Boolean(),
  usual: Type.Boolean({ description: "Read unless the connection chooses otherwise." }),
  declaredBy: orNull(Type.String({ description: "The application that declared an extension." })),
  read: Type.Boolean({ description: "The directory holds it." }),
  inUse: orNull(Type.Integer({ description: "Records with a value; null while it is not read." })),
  example: orNull(Type.String({ description: "One value, masked." })),
});

const PAGE_OF_ATTRIBUTES: TSchema = Type.Object({
  items: Type.Array(ATTRIBUTE),
  next: orNull(Type.String()),
  issues: Type.Array(FINDING, { description: "What could not be asked for, and why." }),
});

interface Kept {
  readonly key: string;
  readonly until: number;
  readonly found: Promise<TenantAttributes>;
}

/** The attributes that a tenant really has. */
export function attributeRoutes(app: Api, { store, engine, clock }: ApiContext): void {
  const kept = new Map<string, Kept>();

  const attributesOf = async (name: string): Promise<TenantAttributes> => {
    const row = await findConnection(store, name);
    const key = `${row.revision}/${row.sequence}`;
    const known = kept.get(row.id);
    if (known?.key === key && clock.now() < known.until) return await known.found;
    const found = tenantAttributes(engine, row, AbortSignal.timeout(LIMIT_MS));
    kept.delete(row.id);
    kept.set(row.id, { key, until: clock.now() + KEPT_MS, found });
    for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT))) kept.delete(oldest);
    found.catch(() => kept.delete(row.id));
    return await found;
  };

  app.get(
    "/connections/:name/attributes",
    {
      schema: {
        operationId: "listAttributes",
        summary: "The attributes that the tenant has, with how many records use each",
        tags: ["connections"],
        params: strict({ name: NAME }),
        querystring: strict({
          ...PAGE,
          kind: Type.Optional(Type.Union([Type.Literal("user"), Type.Literal("group"), Type.Literal("contact")])),
          search: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
        }),
        response: { 200: PAGE_OF_ATTRIBUTES },
      },
    },
    async ({ params: { name }, query: { limit = LIMIT_DEFAULT, after, kind, search = "" } }) => {
      const { attributes, issues } = await attributesOf(name);
      const [skip = 0] = fromCursor(after, ["number"]) ?? [];
      const begin = Math.max(0, Number(skip));
      const wanted = search.toLowerCase();
      const fitting = attributes.filter(
        (each) => (kind === undefined || each.kind === kind) && each.name.toLowerCase().includes(wanted),
      );
      const page = pageOf(fitting.slice(begin, begin + limit + 1), limit, () => [begin + limit]);
      return { ...page, issues };
    },
  );
}
