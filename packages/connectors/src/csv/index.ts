export { cell, csvLine } from "./format.ts";
export { type CsvTargetOptions, createCsvTarget } from "./target.ts";
