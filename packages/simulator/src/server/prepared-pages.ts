import type { Caller } from "../graph/context.ts";

/** A page ready to be sent; its compressed form is made when a client first takes it so. */
export interface PreparedPage {
  readonly body: Buffer;
  gzip: Buffer | null;
}

/** A request as far as it decides what a page holds. */
interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const BYTES_MOST = 128 * 1024 * 1024;
const WORTHWHILE = 8192;
const LISTS = /^\/(?:(?:users|groups|contacts)|groups\/[^/]+\/(?:members|transitiveMembers)(?:\/[^/$]+)?)\/?$/i;
/** Values that time or licences change while the directory stays as it is. */
const CHANGING = /signInActivity|assignedPlans|provisionedPlans/i;

/**
 * Large pages of lists, kept for as long as the directory does not change: a tenant that is read again and again, as
 * benchmarks do, costs no rendering and no compressing the second time. Answers are the same bytes as without.
 */
export class PreparedPages {
  /** Every token has a set of its own; those that hold the same see the same. */
  readonly #roles = new WeakMap<ReadonlySet<string>, string>();
  #pages = new Map<string, PreparedPage>();
  #version = -1;
  #bytes = 0;

  /** Name of the page that a request asks for; null when its answer must be made anew each time. */
  keyOf({ method, path, search, headers }: PageRequest, roles: ReadonlySet<string>, caller: Caller): string | null {
    if (method !== "GET" || caller.delegated || !LISTS.test(path) || CHANGING.test(search)) return null;
    let name = this.#roles.get(roles);
    if (name === undefined) {
      name = [...roles].sort((a, b) => (a < b ? -1 : 1)).join();
      this.#roles.set(roles, name);
    }
    return `${name} ${headers.consistencylevel ?? ""} ${path}?${search}`;
  }

  /** The page, if it was prepared at this version of the directory. */
  find(version: number, key: string): PreparedPage | undefined {
    return version === this.#version ? this.#pages.get(key) : undefined;
  }

  /** Keeps a page when it is large enough to be worth it. */
  keep(version: number, key: string, text: string): PreparedPage | null {
    if (text.length < WORTHWHILE) return null;
    if (version !== this.#version || this.#bytes > BYTES_MOST) {
      this.#pages = new Map();
      this.#version = version;
      this.#bytes = 0;
    }
    const page: PreparedPage = { body: Buffer.from(text, "utf8"), gzip: null };
    this.#pages.set(key, page);
    this.#bytes += page.body.length;
    return page;
  }
}
