import { createHash } from "node:crypto";
import type { BlockRange } from "../input/block.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** Lengths of the files of a run. */
export interface Offsets {
  readonly output: number;
  readonly errors: number;
  readonly joblog: number;
}

/** The first line of a journal: which run it is about. */
export interface JournalHeader {
  readonly journal: "manycore map";
  readonly version: 2;
  readonly fingerprint: Fingerprint;
  /** Lengths of the files when the run began. */
  readonly at: OffsetList;
}

/** Lengths of the output, the errors and the job log. */
export type OffsetList = readonly [output: number, errors: number, joblog: number];

/** A stretch of input as it stands in the journal, short since there are many. */
export type RangeList = readonly [
  input: number,
  start: number,
  end: number,
  line: number,
  nextLine: number,
  first: number,
  count: number,
];

/** Every other line: what has been done since the line before. */
export interface JournalEntry {
  /** Input that is done. */
  readonly done?: readonly RangeList[];
  /** Records that ran, as far as that is not all of `done`. */
  readonly ran?: number;
  /** Records that failed for good. */
  readonly bad?: readonly number[];
  /** Records that ran again, which had failed before. */
  readonly again?: readonly number[];
  /** The run is at its end. */
  readonly end?: true;
  /** Lengths of the files, with everything that this line tells in them. */
  readonly at: OffsetList;
}

export function toList({ input, start, end, line, nextLine, first, count }: BlockRange): RangeList {
  return [input, start, end, line, nextLine, first, count];
}

export function toRange([input, start, end, line, nextLine, first, count]: RangeList): BlockRange {
  return { input, start, end, line, nextLine, first, count };
}

/** A line of a journal, with a sum over it and all lines before it: none can be taken out, put in or changed. */
export interface SealedLine {
  readonly text: string;
  readonly sum: string;
}

/** Writes a line of a journal. @param before - the sum of the line before it; empty for the first. */
export function sealLine(entry: JournalHeader | JournalEntry, before: string): SealedLine {
  const json = JSON.stringify(entry);
  const sum = sumOf(json, before);
  return { text: `${json.slice(0, -1)},"sum":"${sum}"}\n`, sum };
}

/** The sum of a line if it is the right one. @param text - without its end. */
export function checkedSum(text: string, before: string): string | undefined {
  const [, json, sum] = /^(.*),"sum":"([0-9a-f]{16})"\}$/s.exec(text) ?? [];
  return json !== undefined && sumOf(`${json}}`, before) === sum ? sum : undefined;
}

function sumOf(json: string, before: string): string {
  return createHash("sha256").update(before).update(json).digest("hex").slice(0, 16);
}
