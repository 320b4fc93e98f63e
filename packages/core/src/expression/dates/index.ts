import type { FunctionDefinition } from "../function.ts";
import { FORMAT_DATE_TIME } from "./format-date-time.ts";
import { MOMENT_FUNCTIONS } from "./functions.ts";

/** The functions on dates. */
export const DATE_FUNCTIONS: readonly FunctionDefinition[] = [...MOMENT_FUNCTIONS, FORMAT_DATE_TIME];
