import type { Attributes, CompiledMapping, KnownLink } from "@entrain/core";
import type { LinkRow } from "../store/links.ts";
import type { BatchContext } from "./plan-context.ts";

/** What a link says that the target holds, with sensitive values concealed. */
export function concealedKnown({ sensitive, concealed }: CompiledMapping, known: Attributes): Attributes {
  if (!sensitive) return known;
  return Object.fromEntries(Object.entries(known).map(([name, value]) => [name, concealed(name, value)]));
}

/**
 * A link that was written before one of its attributes was marked sensitive holds its value in plain: it leaves the link when
 * the record is planned next, which a changed mapping brings about for everybody. What the target holds is the same, so the
 * link's change number stays.
 */
export async function concealLinks(
  { store, lease, mapping }: Pick<BatchContext, "store" | "lease" | "mapping">,
  items: readonly { readonly link: LinkRow | undefined; readonly input: { readonly link: KnownLink | null } }[],
): Promise<void> {
  if (lease === null || !mapping.sensitive) return;
  const told = items.flatMap(({ link, input }) => {
    if (link === undefined || input.link?.owned !== true) return [];
    const known = JSON.stringify(concealedKnown(mapping, JSON.parse(link.known) as Attributes));
    return known === link.known ? [] : [{ link, known }];
  });
  if (told.length === 0) return;
  await store.fenced(lease, async (tx) => {
    for (const { link, known } of told) {
      await tx
        .updateTable("links")
        .set({ known })
        .where("target", "=", link.target)
        .where("kind", "=", link.kind)
        .where("tenant", "=", link.tenant)
        .where("object_id", "=", link.object_id)
        .where("known", "=", link.known)
        .execute();
    }
  });
}
