import { CliError } from "../../cli-error.ts";
import type { BlockBody, Pick, RecordBlock, RecordShape } from "./block.ts";
import type { BlockSource, InputTotals } from "./block-source.ts";
import { fractionOf } from "./selecting-source.ts";
import { terminated, unitsOf } from "./split.ts";

/** More input than this is not kept in memory for its order. */
const MAX_BYTES = 2 * 1024 ** 3;
const READ_RECORDS = 65_536;

/** Hands out the records of another source in random order. Reads all of it first. */
export class ShuffledSource implements BlockSource {
  readonly unit: string;
  readonly #source: BlockSource;
  readonly #shape: RecordShape;
  readonly #seed: number;
  readonly #limit: number;
  #records: { readonly body: BlockBody; readonly bytes: number }[] | undefined;
  #next = 0;

  /** @param limit - most records to hand out. */
  constructor(source: BlockSource, shape: RecordShape, seed: number, limit: number) {
    this.unit = source.unit;
    this.#source = source;
    this.#shape = shape;
    this.#seed = seed;
    this.#limit = limit;
  }

  totals(): InputTotals {
    const { records, bytes } = this.#source.totals();
    if (this.#records !== undefined) return { records: this.#records.length, bytes: undefined };
    return { records, bytes: this.#limit === Infinity ? bytes : undefined };
  }

  close(): void {
    this.#source.close();
  }

  async next(maxRecords: number): Promise<RecordBlock | undefined> {
    const records = (this.#records ??= await this.#readAll());
    const head = records[this.#next];
    if (head === undefined) return undefined;
    // Records of one block share their file, its columns and so on.
    const group = [head];
    while (group.length < maxRecords) {
      const other = records[this.#next + group.length];
      if (other === undefined || other.body.source !== head.body.source) break;
      if (other.body.columns !== head.body.columns) break;
      group.push(other);
    }
    this.#next += group.length;
    const picks: Pick[] = group.map(({ body }) => ({ index: body.first, line: body.line }));
    const items = group.flatMap(({ body }) => body.items ?? []);
    const text = Buffer.concat(
      group.map(({ body }) => terminated(this.#shape, body.text ?? new Uint8Array())),
    );
    return {
      body: {
        ...head.body,
        count: group.length,
        picks,
        ...(head.body.items === undefined ? { text } : { items }),
      },
      bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
      ranges: [],
    };
  }

  async #readAll(): Promise<{ readonly body: BlockBody; readonly bytes: number }[]> {
    const records: { readonly body: BlockBody; readonly bytes: number }[] = [];
    let bytes = 0;
    for (let block; (block = await this.#source.next(READ_RECORDS)) !== undefined;) {
      bytes += block.body.text?.length ?? 0;
      if (bytes > MAX_BYTES) {
        throw new CliError(
          "--shuf keeps the whole input in memory, and this one is larger than 2 GiB; take a --sample first",
        );
      }
      for (const unit of unitsOf(this.#shape, block.body, block.bytes, 1)) records.push(unit);
    }
    shuffle(records, this.#seed);
    return this.#limit < records.length ? records.slice(0, this.#limit) : records;
  }
}

/** Shuffles as R. Fisher and F. Yates did (1938), with numbers that depend on the seed alone. */
function shuffle(list: unknown[], seed: number): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(fractionOf(at, seed) * (at + 1));
    [list[at], list[other]] = [list[other], list[at]];
  }
}
