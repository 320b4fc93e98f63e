export { type CsvTargetOptions, createCsvTarget } from "./target.ts";
