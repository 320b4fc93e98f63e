/** The names that .NET's invariant culture has, from Sunday and January on; abbreviated they are the first three letters. */
export const DAYS: readonly string[] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const MONTHS: readonly string[] = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

export const ERA = "A.D.";
export const ERA_ABBREVIATED = "AD";

const LONG_DATE = "dddd, dd MMMM yyyy";
const ROUND_TRIP = "yyyy'-'MM'-'dd'T'HH':'mm':'ss.fffffffK";
const RFC_1123 = "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'";

/**
 * What each standard format stands for in the invariant culture ("Standard date and time format strings", .NET, and the
 * invariant DateTimeFormatInfo). `U` is `F` in UTC.
 */
export const STANDARD_FORMATS: ReadonlyMap<string, string> = new Map([
  ["d", "MM/dd/yyyy"],
  ["D", LONG_DATE],
  ["f", `${LONG_DATE} HH:mm`],
  ["F", `${LONG_DATE} HH:mm:ss`],
  ["g", "MM/dd/yyyy HH:mm"],
  ["G", "MM/dd/yyyy HH:mm:ss"],
  ["m", "MMMM dd"],
  ["M", "MMMM dd"],
  ["o", ROUND_TRIP],
  ["O", ROUND_TRIP],
  ["r", RFC_1123],
  ["R", RFC_1123],
  ["s", "yyyy'-'MM'-'dd'T'HH':'mm':'ss"],
  ["t", "HH:mm"],
  ["T", "HH:mm:ss"],
  ["u", "yyyy'-'MM'-'dd HH':'mm':'ss'Z'"],
  ["U", `${LONG_DATE} HH:mm:ss`],
  ["y", "yyyy MMMM"],
  ["Y", "yyyy MMMM"],
]);
