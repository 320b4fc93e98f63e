import { setFlagsFromString } from "node:v8";

/**
 * Keeps the old generation of this process's heap near what is in use. V8 sizes it by the machine instead: on a large one 128 MB
 * of garbage may stand before it collects, though a run uses 50 MB whatever the directory's size. It is collected each time it
 * has grown by two fifths. The young generation is bounded by how the program is started (`bin/bounds.mjs`).
 */
export function boundHeap(): void {
  setFlagsFromString("--heap-growing-percent=40");
}
