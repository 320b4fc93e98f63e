/** What is wrong with a text that should be CSV, and in which line. */
export class CsvError extends Error {
  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = "CsvError";
  }
}

/** A field longer than this means a lost quote, not a value. */
const LONGEST_FIELD = 1_000_000;

const QUOTE = 34;
const LF = 10;
const CR = 13;

type State = "start" | "plain" | "quoted" | "quote" | "cr";

/**
 * Reads CSV in pieces, as RFC 4180 section 2 defines it: quotes are doubled inside quotes, lines end with CRLF (LF alone
 * is taken too). Strict: a quote within an unquoted field, text behind a closing quote or a bare CR is damage, never a
 * value. Our own, because no CSV library is among the dependencies and these sixty lines are all that is needed.
 */
export class CsvReader {
  readonly #delimiter: number;
  #state: State = "start";
  #field = "";
  #row: string[] = [];
  #line = 1;

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** Takes the next piece of text and gives the rows that it completes. @throws CsvError */
  push(text: string): readonly (readonly string[])[] {
    const rows: (readonly string[])[] = [];
    let from = 0;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code === LF) this.#line += 1;
      const ends = this.#step(code, text, from, index);
      if (ends === "row") rows.push(this.#endRow());
      if (ends !== "value") from = index + 1;
    }
    this.#append(text.slice(from));
    return rows;
  }

  /** Gives the last row, if its line did not end. @throws CsvError for a text that was cut off */
  end(): readonly (readonly string[])[] {
    if (this.#state === "quoted") throw new CsvError(this.#line, "a quoted field does not end");
    if (this.#state === "cr") throw new CsvError(this.#line, "a line break is incomplete");
    if (this.#state === "start" && this.#row.length === 0) return [];
    this.#endField();
    return [this.#endRow()];
  }

  /** Whether a character belongs to the value, is left out of it, or ends the row. */
  #step(code: number, text: string, from: number, index: number): "value" | "skip" | "row" {
    if (this.#state === "quoted") {
      if (code !== QUOTE) return "value";
      this.#append(text.slice(from, index));
      this.#state = "quote";
      return "skip";
    }
    if (this.#state === "cr" && code !== LF) throw new CsvError(this.#line, "a CR stands alone outside of quotes");
    if (code === QUOTE) return this.#stepQuote();
    if (code !== this.#delimiter && code !== LF && code !== CR) {
      if (this.#state === "quote") throw new CsvError(this.#line, "text stands behind a closing quote");
      this.#state = "plain";
      return "value";
    }
    if (this.#state === "plain") this.#append(text.slice(from, index));
    if (code === CR) {
      this.#state = "cr";
      return "skip";
    }
    this.#endField();
    return code === LF ? "row" : "skip";
  }

  #stepQuote(): "value" | "skip" {
    if (this.#state === "plain") throw new CsvError(this.#line, "a quote stands inside an unquoted field");
    // A quote right behind one inside quotes is the second half of a doubled quote: the value goes on with it.
    const doubled = this.#state === "quote";
    this.#state = "quoted";
    return doubled ? "value" : "skip";
  }

  #append(text: string): void {
    this.#field += text;
    if (this.#field.length > LONGEST_FIELD) throw new CsvError(this.#line, "a field is too long");
  }

  #endField(): void {
    this.#row.push(this.#field);
    this.#field = "";
    this.#state = "start";
  }

  #endRow(): readonly string[] {
    const row = this.#row;
    this.#row = [];
    return row;
  }
}

/** One line of CSV with its CRLF. Quotes what any common delimiter, a line break or a space at either end could spoil. */
export function csvLine(fields: readonly string[], delimiter: string): string {
  return `${fields.map(quoted).join(delimiter)}\r\n`;
}

function quoted(field: string): string {
  return /["\r\n,;\t|]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/**
 * What spreadsheets take for the beginning of a formula (CWE-1236; ASVS 5, 1.2.10), the full-width forms included, and
 * the apostrophe itself, so that taking one away is always right.
 */
const DANGEROUS = /^['=+\-@\t\r\n\0＝＋－＠]/;

/** A value as a cell: an apostrophe in front keeps a spreadsheet from computing it. `uncell` takes it away again. */
export function cell(value: string): string {
  return DANGEROUS.test(value) ? `'${value}` : value;
}

/** The same behind what a spreadsheet may be told to cut at, a line break included, and behind the quotes of either part. */
const DANGEROUS_INSIDE = /(?<=[;\t|\r\n][\s"]*)(?=[=+\-@＝＋－＠])/g;

/**
 * A text as a cell that only people read: no part of it is computed either where a spreadsheet is told another separator and
 * cuts the cell in two, for then the quotes around it mean nothing. Nobody can tell its apostrophes from those of the text.
 */
export function shownCell(text: string): string {
  return cell(text).replace(DANGEROUS_INSIDE, "'");
}

/** The value of a cell that `cell` made. */
export function uncell(text: string): string {
  return text.startsWith("'") ? text.slice(1) : text;
}
