import { appendRange } from "./block.ts";
import type { BlockRange, Pick, RecordBlock, RecordShape } from "./block.ts";
import type { BlockSource, InputTotals } from "./block-source.ts";
import { terminated, textRecords } from "./split.ts";

/** Which records of an input a run is about. */
export interface Selection {
  /** Records left out at the start. */
  readonly skip: number;
  /** Most records; `Infinity` for all. */
  readonly limit: number;
  /** Share of the records to take, from 0 to 1, drawn by their index and the seed. */
  readonly sample: number;
  readonly seed: number;
  /** Only these records, whatever the rest says. */
  readonly only: ReadonlySet<number> | undefined;
}

/** Leaves records out of another source; what stays keeps its index and line. */
export class SelectingSource implements BlockSource {
  readonly unit: string;
  readonly #source: BlockSource;
  readonly #shape: RecordShape;
  readonly #selection: Selection;
  /** Records taken before the first of this source, as far as `limit` counts them. */
  #taken: number;
  /** Input that was passed over since the last block. */
  #ranges: BlockRange[] = [];
  #bytes = 0;

  /** @param taken - how many records an earlier run has taken already. */
  constructor(source: BlockSource, shape: RecordShape, selection: Selection, taken: number) {
    this.unit = source.unit;
    this.#source = source;
    this.#shape = shape;
    this.#selection = selection;
    this.#taken = taken;
  }

  totals(): InputTotals {
    const { records, bytes } = this.#source.totals();
    const { skip, limit, sample, only } = this.#selection;
    // How many bytes the wanted records have is not known before they are read.
    if (only !== undefined) return { records: only.size, bytes: undefined };
    if (limit === Infinity && sample === 1) {
      return { records: records === undefined ? undefined : Math.max(0, records - skip), bytes };
    }
    return { records: limit === Infinity ? undefined : limit, bytes: undefined };
  }

  close(): void {
    this.#source.close();
  }

  async next(maxRecords: number): Promise<RecordBlock | undefined> {
    for (;;) {
      if (this.#taken >= this.#selection.limit) return undefined;
      const block = await this.#source.next(maxRecords);
      if (block === undefined) return undefined;
      for (const range of block.ranges) appendRange(this.#ranges, range);
      this.#bytes += block.bytes;
      const chosen = this.#choose(block);
      if (chosen === undefined) continue;
      const found = { body: chosen, bytes: this.#bytes, ranges: this.#ranges };
      this.#taken += chosen.count;
      this.#ranges = [];
      this.#bytes = 0;
      return found;
    }
  }

  #choose({ body }: RecordBlock): RecordBlock["body"] | undefined {
    const { skip, limit, sample, only } = this.#selection;
    const room = limit - this.#taken;
    const isWhole = only === undefined && sample === 1 && body.first >= skip;
    if (isWhole && body.count <= room) return body;
    const picks: Pick[] = [];
    const texts: Uint8Array[] = [];
    const items: string[] = [];
    let at = 0;
    const take = (line: number, keep: () => void): void => {
      const index = body.first + at;
      at += 1;
      if (picks.length >= room || !this.#isWanted(index)) return;
      picks.push({ index, line });
      keep();
    };
    for (const item of body.items ?? []) take(0, () => items.push(item));
    if (body.text !== undefined) {
      for (const { bytes, line } of textRecords(this.#shape, body.text)) {
        take(body.line + line, () => texts.push(terminated(this.#shape, bytes)));
      }
    }
    const [head] = picks;
    if (head === undefined) return undefined;
    const rest = { ...body, first: head.index, line: head.line, count: picks.length, picks };
    if (body.items !== undefined) return { ...rest, items };
    return { ...rest, text: Buffer.concat(texts) };
  }

  #isWanted(index: number): boolean {
    const { skip, sample, seed, only } = this.#selection;
    if (only !== undefined) return only.has(index);
    return index >= skip && (sample >= 1 || fractionOf(index, seed) < sample);
  }
}

/** A number in `[0, 1)` that depends on nothing but the index and the seed (a round of splitmix32). */
export function fractionOf(index: number, seed: number): number {
  let mixed = Math.imul((index + 1) ^ (seed | 0), 0x9e3779b9) ^ Math.floor(index / 2 ** 32);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}
