import type { SyncDefinition } from "@entrain/core";
import type { Checker } from "./checker.ts";
import type { Path } from "./document.ts";

/** Who lets a held plan go: `second` asks for somebody else than who asked for it or changed the sync last. */
export function readApproval(
  checker: Checker,
  value: unknown,
  path: Path,
): Pick<SyncDefinition, "approval"> | undefined {
  if (value === undefined) return {};
  const approval = checker.oneOf(value, path, ["second"]);
  return approval === undefined ? undefined : { approval };
}
