import { setFlagsFromString } from "node:v8";

/**
 * Keeps the heap of this process near what is in use. V8 sizes it by the machine instead: on a large one up to 128 MB of
 * short-lived and as much of old garbage may stand before it collects, though a run uses 50 MB whatever the directory's
 * size. Call once all code is loaded: the young generation keeps the size that loading gave it (16 MB), and the old one
 * is collected each time it has grown by two fifths. It takes 180 MB off a first run's peak for a few percent of its time.
 */
export function boundHeap(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=40");
}
