import { isUtf8 } from "node:buffer";
import { CliError } from "../../cli-error.ts";
import type { RecordShape } from "./block.ts";
import { hasLoneReturn, parseCsv } from "./csv-parser.ts";
import { countFeeds, scannerOf } from "./scanner.ts";
import { loneReturnError } from "./text-head.ts";
import type { Window } from "./window.ts";

/** The names of the columns, and how many lines they took. */
export interface Header {
  readonly columns: readonly string[];
  readonly lines: number;
}

/**
 * Takes the first record off a csv file: the names of its columns.
 *
 * @throws CliError when names repeat: one of two fields would be lost without a word.
 */
export async function readColumns(
  window: Window,
  shape: RecordShape,
  label: string,
): Promise<Header> {
  let lines = 0;
  for (;;) {
    const { bytes, isAtEnd } = window;
    const scanner = scannerOf(shape, bytes);
    const end = bytes.length === 0 ? -1 : scanner.endOf(0, isAtEnd);
    if (end < 0 && isAtEnd) return { columns: [], lines };
    if (end < 0) {
      await window.fill(() => `The header of ${label}`);
      continue;
    }
    const isHeader = scanner.isRecord(0, end);
    lines += countFeeds(bytes, 0, end);
    window.drop(end);
    if (!isHeader) continue;
    const text = bytes.toString("utf8", 0, end).replace(/\r?\n?$/, "");
    if (hasLoneReturn(text)) throw loneReturnError(label);
    if (!isUtf8(bytes.subarray(0, end))) {
      throw new CliError(`The header of ${label} is not UTF-8; convert it with iconv`);
    }
    return { columns: checkNames(parseHeader(text, shape), label), lines };
  }
}

function parseHeader(text: string, { delimiter }: RecordShape): string[] {
  return parseCsv(text, delimiter, "\n").rows[0] ?? [];
}

function checkNames(names: readonly string[], label: string): readonly string[] {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return names;
  throw new CliError(
    `Two columns of ${label} are called "${twice}"; name them with --columns, or pass --no-header for arrays`,
  );
}
