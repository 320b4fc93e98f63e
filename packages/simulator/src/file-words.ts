const WORDS: Readonly<Record<string, string>> = {
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  EACCES: "this user may not use it",
  EPERM: "this user may not use it",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EMFILE: "too many files are open",
};

/** Why a file could not be used, in words that go behind a colon. `missing` is said of what is not there. */
export function fileFault(error: unknown, missing: string): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return missing;
  return WORDS[code] ?? (error instanceof Error ? error.message : String(error));
}
