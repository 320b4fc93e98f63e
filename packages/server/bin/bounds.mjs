/** glibc's setting (mallopt(3), "Environment variables"). */
const ALLOCATOR = { MALLOC_ARENA_MAX: "2" };
/** V8 sizes its young generation by the machine, up to 128 MB on a large one; 16 MB twice hold the pages that are under way. */
const YOUNG = "--max-semi-space-size";

/**
 * Surroundings in which glibc's allocator keeps a process near what it uses: by default each thread gets an arena of its own, and
 * keeps what was freed in it. It takes some 25 MB off a first run's peak, for no time. A setting that is there already stays;
 * other allocators do not look at it.
 */
export function boundEnvironment(environment) {
  return { ...ALLOCATOR, ...environment };
}

/** Node's own options with a bound for the young generation, unless they or the surroundings have one. */
export function boundOptions(options, environment) {
  return isYoungBound(options, environment) ? options : [`${YOUNG}=16`, ...options];
}

/** Whether a process that was started so has nothing to gain from being started again. */
export function isBound(options, environment) {
  const keepsLittle = process.platform !== "linux" || Object.keys(ALLOCATOR).every((name) => name in environment);
  return keepsLittle && isYoungBound(options, environment);
}

function isYoungBound(options, { NODE_OPTIONS = "" }) {
  return options.some((option) => option.startsWith(YOUNG)) || NODE_OPTIONS.includes(YOUNG);
}
