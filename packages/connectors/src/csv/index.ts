export { csvLine, shownCell } from "./format.ts";
export { type CsvTargetOptions, createCsvTarget } from "./target.ts";
