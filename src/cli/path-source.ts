import { stat } from "node:fs/promises";
import type { BlockSource, InputTotals } from "./block-source.ts";
import { textRecords } from "./record-block.ts";
import type { RecordBlock } from "./record-block.ts";

/** How many files are asked for their size at once. */
const STAT_BATCH = 64;
/** Paths beyond this are not measured beforehand; the progress then counts files alone. */
const MAX_MEASURED = 200_000;

/** Files as records: each is handed over by its path. */
export class PathSource implements BlockSource {
  readonly unit = "file";
  readonly #paths: readonly string[];
  readonly #sizes: Float64Array;
  #next = 0;
  #totalBytes: number | undefined;
  #isClosed = false;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
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
    const first = this.#next;
    const end = Math.min(first + maxRecords, this.#paths.length);
    if (this.#isClosed || first >= end) return undefined;
    this.#next = end;
    const sizes = await this.#sizesOf(first, end);
    return {
      format: "files",
      first,
      count: end - first,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      source: "",
      firstLine: 0,
      items: this.#paths.slice(first, end),
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

/** Paths read from a source of lines (`find … | manycore map … --format files`). */
export class PathLineSource implements BlockSource {
  readonly unit = "file";
  readonly #lines: BlockSource;

  constructor(lines: BlockSource) {
    this.#lines = lines;
  }

  totals(): InputTotals {
    return { records: undefined, bytes: undefined };
  }

  close(): void {
    this.#lines.close();
  }

  async next(maxRecords: number): Promise<RecordBlock | undefined> {
    const block = await this.#lines.next(maxRecords);
    if (block?.text === undefined) return undefined;
    const text = Buffer.from(block.text.buffer, block.text.byteOffset, block.text.byteLength);
    const items = Array.from(textRecords(block.format, text), ({ start, end }) =>
      text.toString("utf8", start, end).replace(/\r?\n$/, ""),
    );
    const sizes = await Promise.all(items.map(sizeOfFile));
    const { text: _text, ...rest } = block;
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return { ...rest, format: "files", source: "", firstLine: 0, items, bytes };
  }
}

/** Size in bytes; 0 for a file that cannot be asked: what is wrong with it the function will tell. */
async function sizeOfFile(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
