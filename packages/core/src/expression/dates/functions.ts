import { isEmptyOperand, numberOf } from "../coerce.ts";
import { ExpressionFault } from "../fault.ts";
import type { Evaluate, FunctionDefinition, Parameter } from "../function.ts";
import { anyIn, failed, isGiven, type Reader, textIn } from "../functions/readers.ts";
import { Moment, type Operand } from "../operand.ts";
import { fileTimeOf, millisecondsOfFileTime } from "./filetime.ts";
import { addInterval, INTERVALS, type Interval, intervalsBetween, isInterval } from "./intervals.ts";
import { dateIn, millisecondsOf, type Place, shownValue, singleIn } from "./operands.ts";

const INTERVAL: Parameter = {
  name: "interval",
  type: "text",
  summary: "yyyy for years, m months, d days, ww weeks, h hours, n minutes, s seconds.",
  choices: INTERVALS,
};

/**
 * Functions on points in time ("Reference for writing expressions for attribute mappings in Microsoft Entra ID"). All
 * dates are UTC; NULL and the empty text in give NULL out.
 */
export const MOMENT_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "CDate",
    summary: "The point in time that a text names, in UTC and written M/d/yyyy h:mm:ss tt.",
    parameters: [
      {
        name: "expression",
        type: "text",
        summary: "A date of a usual form, the month before the day; without an offset it is UTC.",
      },
    ],
    example: {
      expression: "CDate([StatusHireDate])",
      attributes: { StatusHireDate: "2020-03-16-07:00" },
      value: "3/16/2020 7:00:00 AM",
    },
    bind: ([argument]) => {
      const date = dateIn({ of: "CDate", parameter: "expression", argument });
      return (context) => {
        const read = date(context);
        return read === null ? null : new Moment(millisecondsOf(read));
      };
    },
  },
  {
    name: "DateAdd",
    summary: "A date moved by so many intervals; where a month lacks the day, its last day.",
    parameters: [
      INTERVAL,
      { name: "value", type: "number", summary: "How many, less than 0 for the past; rounded to a whole number." },
      { name: "dateTime", type: "date", summary: "The date to begin with: CDate of a text, or Now." },
    ],
    example: {
      expression: 'DateAdd("m", 10, CDate([StatusHireDate]))',
      attributes: { StatusHireDate: "2012-03-16-07:00" },
      value: "1/16/2013 7:00:00 AM",
    },
    bind: ([first, second, third]) => {
      const interval = intervalIn({ of: "DateAdd", parameter: "interval", argument: first });
      const value = anyIn(second);
      const place: Place = { of: "DateAdd", parameter: "value", argument: second };
      const date = dateIn({ of: "DateAdd", parameter: "dateTime", argument: third });
      return (context) => {
        const from = date(context);
        const count = countOf(value(context), place);
        const unit = interval(context);
        if (from === null || count === null) return null;
        const moved = addInterval(millisecondsOf(from), unit, count);
        if (moved === null) throw failed(place, `of ${count} leads out of the years 0001 to 9999`);
        return new Moment(moved);
      };
    },
  },
  {
    name: "DateDiff",
    summary: "How many times the interval begins anew from the first date to the second; negative if that is earlier.",
    parameters: [
      { ...INTERVAL, summary: `${INTERVAL.summary} Days count midnights and weeks Sundays, in UTC.` },
      { name: "date1", type: "date", summary: "The date to count from." },
      { name: "date2", type: "date", summary: "The date to count to." },
    ],
    example: {
      expression: 'DateDiff("ww", CDate([date1]), CDate([date2]))',
      attributes: { date1: "8/25/2021 5:41:18 PM", date2: "2012-03-16-07:00" },
      value: -493,
    },
    bind: ([first, second, third]) => {
      const interval = intervalIn({ of: "DateDiff", parameter: "interval", argument: first });
      const from = dateIn({ of: "DateDiff", parameter: "date1", argument: second });
      const to = dateIn({ of: "DateDiff", parameter: "date2", argument: third });
      return (context) => {
        const begin = from(context);
        const end = to(context);
        const unit = interval(context);
        if (begin === null || end === null) return null;
        return intervalsBetween(millisecondsOf(begin), millisecondsOf(end), unit);
      };
    },
  },
  {
    name: "DateFromNum",
    summary: "The point in time of an Active Directory date; NULL for 0 and 9223372036854775807, which mean never.",
    parameters: [
      { name: "value", type: "number", summary: "100 ns since 1601-01-01 UTC, as a number or as its digits." },
    ],
    example: {
      expression: "DateFromNum([lastLogonTimestamp])",
      attributes: { lastLogonTimestamp: "129699324000000000" },
      value: "1/1/2012 11:00:00 PM",
    },
    bind: ([argument]) => {
      const value = anyIn(argument);
      const place: Place = { of: "DateFromNum", parameter: "value", argument };
      return (context) => momentOfNumber(singleIn(value(context), place), place);
    },
  },
  {
    name: "Now",
    summary: "The present point in time in UTC, written M/d/yyyy h:mm:ss tt; only where a record is created.",
    parameters: [],
    example: { expression: "Now()", attributes: {}, value: "7/2/2021 3:33:38 PM" },
    volatile: true,
    bind: (_, at) => (context) => {
      if (context.creation !== undefined) return new Moment(context.creation.now);
      const message =
        "Now answers anew each time, so it can only be asked where a record is created: let the field be applied on create.";
      throw new ExpressionFault("expression_failed", message, at);
    },
  },
  {
    name: "NumFromDate",
    summary:
      "A date as Active Directory holds it in accountExpires and others: 100 ns since 1601-01-01 UTC, in digits.",
    parameters: [{ name: "value", type: "text", summary: "A date in ISO 8601 or another form that CDate reads." }],
    example: {
      expression: 'NumFromDate(Join("", [ContractEndDate], " 23:59:59-08:00"))',
      attributes: { ContractEndDate: "2020-12-31" },
      value: "132539615990000000",
    },
    bind: ([argument]) => numFromDate({ of: "NumFromDate", parameter: "value", argument }),
  },
];

/** Digits and not a number, for a number of 18 digits would lose the last ones. */
function numFromDate(place: Place): Evaluate {
  const date = dateIn(place);
  return (context) => {
    const read = date(context);
    if (read === null) return null;
    const number = fileTimeOf(read);
    if (typeof number === "string") throw failed(place, `is too early: ${number}`);
    return String(number);
  };
}

function momentOfNumber(value: Operand, place: Place): Moment | null {
  if (isEmptyOperand(value)) return null;
  if (typeof value !== "number" && typeof value !== "string")
    throw failed(place, "takes a number of 100 ns since 1601, or its digits");
  const ms = millisecondsOfFileTime(value);
  if (typeof ms === "string") throw failed(place, `cannot be ${shownValue(value)}: ${ms}`);
  return ms === null ? null : new Moment(ms);
}

function countOf(operand: Operand, place: Place): number | null {
  const value = singleIn(operand, place);
  if (isEmptyOperand(value)) return null;
  if (typeof value === "boolean") throw failed(place, "takes a number, not True or False");
  return numberOf(value, place.argument?.at ?? { start: 0, end: 0 });
}

/** A constant was held against the choices when it was compiled; what a record gives is held here. */
function intervalIn(place: Place): Reader<Interval> {
  const constant = isGiven(place.argument) ? place.argument.constant : undefined;
  if (typeof constant === "string" && isInterval(constant)) return () => constant;
  const text = textIn(place.of, place.parameter, place.argument);
  return (context) => {
    const interval = text(context) ?? "";
    if (isInterval(interval)) return interval;
    throw failed(place, `is one of ${INTERVALS.join(", ")}, not ${shownValue(interval)}`);
  };
}
