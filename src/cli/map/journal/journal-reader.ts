import { readFileSync, statSync } from "node:fs";
import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import { appendRange } from "../input/block.ts";
import type { BlockRange } from "../input/block.ts";
import type { Segment } from "../input/block-source.ts";
import { checkedSum, toRange } from "./journal-entry.ts";
import type { JournalEntry, JournalHeader, Offsets } from "./journal-entry.ts";

const LINE_FEED = 10;
/** The beginning of every journal. */
const HEAD = '{"journal":"manycore map"';

/** A run as its journal tells it. */
export interface JournalState {
  readonly header: JournalHeader;
  /** Input that is done, sorted, neighbours joined. */
  readonly done: readonly BlockRange[];
  /** Records that ran and had an outcome. */
  readonly ran: number;
  /** Records that failed for good, and have not succeeded since. */
  readonly failed: ReadonlySet<number>;
  readonly isComplete: boolean;
  /** Lengths that the files have to have. */
  readonly offsets: Offsets;
  /** The length that the journal has to have; what follows speaks of lines that are lost. */
  readonly length: number;
  /** The sum of its last line that counts, for the one to follow. */
  readonly sum: string;
  /** True when it speaks of more than the files hold. */
  readonly isAhead: boolean;
}

/**
 * Reads a journal, as far as the files it speaks of bear it out.
 *
 * A last line that is cut off has not happened. Lines about more than a file holds are passed over: after
 * a power failure the journal may be ahead of the others.
 *
 * @param sizes - how long the files are now.
 * @returns `undefined` when there is no journal, or not even a whole first line.
 * @throws CliError when it is not a journal.
 */
export function readJournal(path: string, sizes: Offsets): JournalState | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const bytes = readFile(path);
  const lines = wholeLines(bytes);
  const [head] = lines;
  if (head === undefined) {
    // A first line that was cut off is that of a run that has not begun; anything else is not ours.
    const start = bytes.toString("utf8", 0, HEAD.length);
    if (HEAD.startsWith(start)) return undefined;
    throw notAJournal(path, 1);
  }
  const header = parse<JournalHeader>(head.text, path, 1);
  if (header.journal !== "manycore map") throw notAJournal(path, 1);
  if (header.version !== 2) throw otherVersion(path);
  const start = checkedSum(head.text, "");
  if (start === undefined) throw brokenChain(path, 1);
  let sum = start;
  const entries = lines.slice(1).map(({ text, end }, at) => {
    const entry = parse<JournalEntry>(text, path, at + 2);
    const next = checkedSum(text, sum);
    if (next === undefined) throw brokenChain(path, at + 2);
    if (!Array.isArray(entry.at)) throw notAJournal(path, at + 2);
    sum = next;
    return { entry, end, sum };
  });
  let known = entries.length;
  while (known > 0 && !fits(entries[known - 1]?.entry, sizes)) known -= 1;
  const kept = entries.slice(0, known);
  const last = kept.at(-1);
  const state = replay(kept.map(({ entry }) => entry));
  const [output, errors, joblog] = last?.entry.at ?? header.at;
  return {
    header,
    ...state,
    offsets: { output, errors, joblog },
    length: last?.end ?? head.end,
    sum: last?.sum ?? start,
    isAhead: known < entries.length,
  };
}

/** The stretches that are not done, given the inputs there are. */
export function remainingSegments(done: readonly BlockRange[], inputs: number): Segment[] {
  const segments: Segment[] = [];
  for (let input = 0; input < inputs; input++) {
    const ranges = done.filter((range) => range.input === input);
    let [start, line] = [0, 1];
    let first: number | undefined;
    for (const range of ranges) {
      // What stands before the first record of a file, a header say, is in no block. Without a `first`
      // the records go on counting from the segment before, which is the rest of the file before.
      if (range.start > start) segments.push({ input, start, end: range.start, line, first });
      start = range.end;
      line = range.nextLine;
      first = range.first + range.count;
    }
    segments.push({ input, start, end: undefined, line, first });
  }
  return segments;
}

/** Stretches with records that failed. */
export function failedSegments(
  done: readonly BlockRange[],
  failed: ReadonlySet<number>,
): Segment[] {
  const sorted = [...failed].sort((a, b) => a - b);
  return done
    .filter(({ first, count }) => hasBetween(sorted, first, first + count))
    .map(({ input, start, end, line, first }) => ({ input, start, end, line, first }));
}

/** Adds up what the lines say. */
function replay(
  entries: readonly JournalEntry[],
): Pick<JournalState, "done" | "ran" | "failed" | "isComplete"> {
  const ranges: BlockRange[] = [];
  const failed = new Set<number>();
  let [ran, isComplete] = [0, false];
  for (const entry of entries) {
    let covered = 0;
    for (const list of entry.done ?? []) {
      const range = toRange(list);
      covered += range.count;
      ranges.push(range);
    }
    ran += entry.ran ?? covered;
    for (const index of entry.again ?? []) failed.delete(index);
    for (const index of entry.bad ?? []) failed.add(index);
    if (entry.end === true) isComplete = true;
  }
  return { done: joined(ranges), ran, failed, isComplete };
}

function joined(ranges: readonly BlockRange[]): BlockRange[] {
  const sorted = [...ranges].sort((a, b) => a.input - b.input || a.start - b.start);
  const done: BlockRange[] = [];
  for (const range of sorted) appendRange(done, range);
  return done;
}

function fits(entry: JournalEntry | undefined, { output, errors, joblog }: Offsets): boolean {
  const [outputEnd, errorsEnd, joblogEnd] = entry?.at ?? [0, 0, 0];
  return outputEnd <= output && errorsEnd <= errors && joblogEnd <= joblog;
}

/** True when one of the sorted numbers is in `[from, to)`. */
function hasBetween(sorted: readonly number[], from: number, to: number): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return (sorted[low] ?? Infinity) < to;
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot read the journal ${path}: ${detail}`, EXIT_CODE.usage, {
      cause: error,
    });
  }
}

function wholeLines(bytes: Buffer): { readonly text: string; readonly end: number }[] {
  const lines: { text: string; end: number }[] = [];
  for (let start = 0; ;) {
    const feed = bytes.indexOf(LINE_FEED, start);
    if (feed < 0) return lines;
    lines.push({ text: bytes.toString("utf8", start, feed), end: feed + 1 });
    start = feed + 1;
  }
}

function parse<T>(text: string, path: string, line: number): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw notAJournal(path, line, error);
  }
}

function brokenChain(path: string, line: number): CliError {
  return new CliError(
    `${path}:${line} does not follow from what stands before it: lines were changed, or are missing. ` +
      "Bring back the file as it was, or start again with --overwrite",
    EXIT_CODE.refused,
  );
}

function otherVersion(path: string): CliError {
  return new CliError(
    `The journal ${path} is of another version of manycore; start again with --overwrite`,
    EXIT_CODE.refused,
  );
}

function notAJournal(path: string, line: number, cause?: unknown): CliError {
  return new CliError(
    `${path}:${line} is not a line of a journal; name another --journal, or delete the file to start again`,
    EXIT_CODE.refused,
    { cause },
  );
}
