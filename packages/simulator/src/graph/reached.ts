const ORDINALS_MOST = 4_000_000;

/**
 * What transitive questions found, so that the pages of one long answer do not each walk the nesting anew. Holds the
 * newest version of the directory only.
 */
export class Reached {
  #version = -1;
  #found = new Map<string, readonly number[]>();
  #ordinals = 0;

  /** The list under `key` as of `version`, made by `make` when it is not known. */
  at(version: number, key: string, make: () => readonly number[]): readonly number[] {
    if (version !== this.#version || this.#ordinals > ORDINALS_MOST) {
      this.#version = version;
      this.#found = new Map();
      this.#ordinals = 0;
    }
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#found.set(key, made);
    this.#ordinals += made.length;
    return made;
  }
}
