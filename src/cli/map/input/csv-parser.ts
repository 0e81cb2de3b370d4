import type Papa from "papaparse";

let papa: typeof Papa | undefined;

/** Loads Papa Parse, which takes longer than a small run; whoever handles csv awaits it first. */
export async function loadCsvParser(): Promise<void> {
  papa ??= (await import("papaparse")).default;
}

/** Rows of a text that was parsed. */
export interface CsvRows {
  readonly rows: string[][];
  /** The first complaint, if there is one. */
  readonly complaint: string | undefined;
}

/** Parses a text as rows of fields. Needs {@link loadCsvParser}. */
export function parseCsv(text: string, delimiter: string, newline: "\n" | "\r\n"): CsvRows {
  if (papa === undefined) throw new Error("The csv parser is not loaded");
  const { data, errors } = papa.parse<string[]>(text, { delimiter, newline });
  return { rows: data, complaint: errors[0]?.message };
}

/** True when a carriage return outside of quotes has no line feed behind it: where old files end their rows. */
export function hasLoneReturn(text: string): boolean {
  return text.includes("\r") && /\r(?!\n)/.test(text.replaceAll(/"(?:[^"]|"")*"/g, ""));
}
