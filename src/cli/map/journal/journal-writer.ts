import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import { appendRange } from "../input/block.ts";
import type { BlockRange } from "../input/block.ts";
import type { FsyncMode } from "../options.ts";
import type { FinishedBlock } from "../output/finished-block.ts";
import type { Output } from "../output/output.ts";
import { sealLine, toList } from "./journal-entry.ts";
import type { JournalEntry, Offsets } from "./journal-entry.ts";

/** Notes to be written to the journal next. */
interface Notes {
  ranges: BlockRange[];
  ran: number;
  bad: number[];
  again: number[];
  isEnd: boolean;
  isEmpty: boolean;
  offsets: Offsets;
}

/** Tells a journal what is done; its lines are joined until they are written. */
export class JournalWriter {
  readonly fsync: FsyncMode;
  readonly #file: Output;
  readonly #isRetry: boolean;
  #notes: Notes;
  #sum: string;

  /**
   * @param isRetry - the records of the run had failed before: they are done already, as input.
   * @param sum - that of the line which the file ends with.
   */
  constructor(file: Output, fsync: FsyncMode, isRetry: boolean, offsets: Offsets, sum: string) {
    this.#file = file;
    this.#sum = sum;
    this.fsync = fsync;
    this.#isRetry = isRetry;
    this.#notes = emptyNotes(offsets);
  }

  get hasNotes(): boolean {
    return !this.#notes.isEmpty;
  }

  /** Notes blocks whose lines are written. */
  note(blocks: readonly FinishedBlock[], offsets: Offsets): void {
    const notes = this.#notes;
    notes.isEmpty = false;
    notes.offsets = offsets;
    for (const { ranges, picked, ok, failed } of blocks) {
      for (const index of failed) notes.bad.push(index);
      if (this.#isRetry) {
        for (const index of picked ?? numbersOf(ranges)) notes.again.push(index);
        continue;
      }
      notes.ran += ok + failed.length;
      for (const range of ranges) appendRange(notes.ranges, range);
    }
  }

  /** Notes that nothing is left to do. */
  noteEnd(): void {
    this.#notes.isEnd = true;
    this.#notes.isEmpty = false;
  }

  /** Takes what is noted, to be appended once all it speaks of is on the disk. */
  takeNotes(): JournalEntry {
    const { ranges, ran, bad, again, isEnd, offsets } = this.#notes;
    this.#notes = emptyNotes(offsets);
    const covered = ranges.reduce((sum, { count }) => sum + count, 0);
    return {
      ...(ranges.length > 0 && { done: ranges.map(toList) }),
      ...(ran !== covered && { ran }),
      ...(bad.length > 0 && { bad }),
      ...(again.length > 0 && { again }),
      ...(isEnd && { end: true }),
      at: [offsets.output, offsets.errors, offsets.joblog],
    };
  }

  /** Appends a line. @throws CliError when it cannot be written. */
  async append(entry: JournalEntry): Promise<void> {
    try {
      const { text, sum } = sealLine(entry, this.#sum);
      this.#sum = sum;
      await this.#file.write(Buffer.from(text));
      if (this.fsync !== "never") await this.#file.sync();
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new CliError(
        `${detail}. It is the journal: mend that, then go on with --resume`,
        EXIT_CODE.usage,
        { cause: error },
      );
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function emptyNotes(offsets: Offsets): Notes {
  return { ranges: [], ran: 0, bad: [], again: [], isEnd: false, isEmpty: true, offsets };
}

function numbersOf(ranges: readonly BlockRange[]): number[] {
  return ranges.flatMap(({ first, count }) => Array.from({ length: count }, (_, at) => first + at));
}
