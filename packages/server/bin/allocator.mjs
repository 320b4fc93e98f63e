/** What {@link withAllocator} adds (mallopt(3), "Environment variables"). */
const SETTINGS = { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "1000000" };

/**
 * Surroundings in which glibc's allocator keeps a process near what it uses: by default each thread gets an arena of its own, and
 * blocks as large as a page of people are kept once they were freed. It takes some 40 MB off a first run's peak. Settings that
 * are there already stay; other allocators do not look at them.
 */
export function withAllocator(environment) {
  return { ...SETTINGS, ...environment };
}

/** Whether a process with these surroundings would be started in the same ones again. */
export function hasAllocator(environment) {
  return process.platform !== "linux" || Object.keys(SETTINGS).every((name) => name in environment);
}
