import { FEATURE_NAMES, type FeatureName, USUAL_FEATURES } from "@entrain/connectors/entra";
import { type Options, requireOneOf, textOption } from "./command.ts";

/** What stands behind `--features`. */
export const FEATURES_HELP: string = `what it is for, with commas: ${FEATURE_NAMES.join(", ")}`;

/** What a connection is to be used for: people and groups are everybody's, whether they are named or not. @throws ConnectorError `usage` */
export function featuresOption(options: Options): readonly FeatureName[] {
  const text = textOption(options, "features");
  if (text === undefined) return USUAL_FEATURES;
  const names = text.split(",").map((one) => one.trim());
  for (const one of names) requireOneOf(one, "features", FEATURE_NAMES);
  return FEATURE_NAMES.filter((name) => USUAL_FEATURES.includes(name) || names.includes(name));
}
