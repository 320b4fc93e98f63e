import type { CollectionPage, Entity, GraphClient, GraphRequest } from "./client.ts";
import { Trail } from "./round.ts";

/** Every entity of a collection, page by page to its end. `what` is how faults name it: `Reading licences`. */
export async function* wholeList(
  client: GraphClient,
  { first, request, what }: { readonly first: string; readonly request: GraphRequest; readonly what: string },
  signal: AbortSignal,
): AsyncGenerator<Entity> {
  const trail = new Trail();
  for (let link: string | null = first; link !== null; ) {
    const page: CollectionPage = await client.page(link, request, signal);
    trail.follow(what, page);
    yield* page.entities;
    link = page.nextLink;
  }
}
