import type { EvaluationContext } from "../expression/context.ts";
import { getterOf } from "../model/record.ts";
import type { SourceKind } from "../model/source.ts";
import type { Value } from "../model/value.ts";
import { sourceNameOf } from "./source-names.ts";

/** What is wrong with the name of a source attribute, where the caller knows what the source has; `null`: nothing. */
export type SourceFlaw = (name: string) => string | null;

/** A source attribute that a rule reads. */
export interface SourceRead {
  readonly get: (context: EvaluationContext) => Value | undefined;
  /** Without what lies inside; nothing for what comes with every record. */
  readonly reads: readonly string[];
  /** The reference to the manager itself. */
  readonly isManager: boolean;
  /** An attribute of the manager. */
  readonly readsManagers: boolean;
}

/** Finds a source attribute by Graph's name or by Entra's, or says why nothing stands for it. */
export function sourceOf(
  name: string,
  kind: SourceKind,
  sourceFlaw: SourceFlaw = () => null,
): SourceRead | { readonly flaw: string } {
  const [first = "", ...inner] = name.split(".");
  const ofManager = first.toLowerCase() === "manager" && inner.length > 0;
  if (first.toLowerCase() === "manager" && kind !== "user") return { flaw: "only people have a manager" };
  const source = sourceNameOf(ofManager ? inner.join(".") : name);
  if ("flaw" in source) return source;
  const { path } = source;
  const [root = path] = path.split(".");
  if (ofManager && root === "manager") return { flaw: "the manager's own manager cannot be read" };
  const flaw = sourceFlaw(path);
  if (flaw !== null) return { flaw };
  const get = getterOf(ofManager ? `manager.${path}` : path);
  return {
    get: ({ record }) => get(record),
    reads: root === "id" || root === "manager" ? [] : [root],
    isManager: path === "manager" && !ofManager,
    readsManagers: ofManager,
  };
}
