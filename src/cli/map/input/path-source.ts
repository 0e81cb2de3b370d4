import { stat } from "node:fs/promises";
import type { RecordBlock, RecordShape } from "./block.ts";
import type { BlockSource, InputTotals, Segment } from "./block-source.ts";
import { textRecords } from "./split.ts";

/** Number of files asked for their size at once. */
const STAT_BATCH = 64;
/** Paths beyond this are not measured beforehand; the progress then counts files alone. */
const MAX_MEASURED = 200_000;

/** Files as records: each is handed over by its path. */
export class PathSource implements BlockSource {
  readonly unit = "file";
  readonly #paths: readonly string[];
  readonly #segments: Iterator<Segment>;
  readonly #sizes: Float64Array;
  #next = 0;
  #end = 0;
  #totalBytes: number | undefined;
  #isClosed = false;

  constructor(paths: readonly string[], segments: readonly Segment[]) {
    this.#paths = paths;
    this.#segments = segments[Symbol.iterator]();
    this.#sizes = new Float64Array(paths.length).fill(-1);
  }

  totals(): InputTotals {
    return { records: this.#paths.length, bytes: this.#totalBytes };
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Sums up the sizes of all files beside the run, for the progress. Never rejects. */
  async measure(): Promise<void> {
    if (this.#paths.length > MAX_MEASURED) return;
    let total = 0;
    for (let at = 0; at < this.#paths.length && !this.#isClosed; at += STAT_BATCH) {
      const sizes = await this.#sizesOf(at, Math.min(at + STAT_BATCH, this.#paths.length));
      for (const size of sizes) total += size;
    }
    if (!this.#isClosed) this.#totalBytes = total;
  }

  async next(maxRecords: number): Promise<RecordBlock | undefined> {
    while (this.#next >= this.#end) {
      const { value: segment, done } = this.#segments.next();
      if (done === true) return undefined;
      this.#next = segment.start;
      this.#end = segment.end ?? this.#paths.length;
    }
    if (this.#isClosed) return undefined;
    const first = this.#next;
    const end = Math.min(first + maxRecords, this.#end);
    const count = end - first;
    this.#next = end;
    const sizes = await this.#sizesOf(first, end);
    return {
      body: { first, count, source: "", line: 0, items: this.#paths.slice(first, end) },
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      ranges: [{ input: 0, start: first, end, line: 0, nextLine: 0, first, count }],
    };
  }

  #sizesOf(start: number, end: number): Promise<number[]> {
    const asked: Promise<number>[] = [];
    for (let at = start; at < end; at++) asked.push(this.#sizeOf(at));
    return Promise.all(asked);
  }

  async #sizeOf(at: number): Promise<number> {
    const known = this.#sizes[at] ?? -1;
    if (known >= 0) return known;
    const size = await sizeOfFile(this.#paths[at] ?? "");
    this.#sizes[at] = size;
    return size;
  }
}

/** Paths read from a source of lines (`find … | manycore map … --format files -`). */
export class PathLineSource implements BlockSource {
  readonly unit = "file";
  readonly #shape: RecordShape;
  readonly #lines: BlockSource;

  constructor(shape: RecordShape, lines: BlockSource) {
    this.#shape = shape;
    this.#lines = lines;
  }

  totals(): InputTotals {
    return { records: undefined, bytes: undefined };
  }

  close(): void {
    this.#lines.close();
  }

  async next(maxRecords: number): Promise<RecordBlock | undefined> {
    for (;;) {
      const block = await this.#lines.next(maxRecords);
      if (block === undefined) return undefined;
      const items = [...textRecords(this.#shape, block.body.text ?? new Uint8Array())]
        .map(({ bytes }) => bytes.toString("utf8"))
        .map((text) => (this.#shape.separator === 0 ? text.replace(/\0$/, "") : chomp(text)))
        .filter((path) => path !== "");
      if (items.length === 0) continue;
      const sizes = await Promise.all(items.map(sizeOfFile));
      const { first } = block.body;
      return {
        body: { first, count: items.length, source: "", line: 0, items },
        bytes: sizes.reduce((sum, size) => sum + size, 0),
        ranges: block.ranges,
      };
    }
  }
}

function chomp(line: string): string {
  return line.replace(/\r?\n$/, "");
}

/** Size in bytes; 0 for a file that cannot be asked: what is wrong with it the function will tell. */
async function sizeOfFile(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
