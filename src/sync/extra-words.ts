import { CELL, CELL_SIZE, KIND, BITMAP_WORDS, type Place } from "../memory/index.ts";
import { participant, type LocalCell } from "../parking/index.ts";

/** Words of an extension that are free for use: all behind its head and links. */
const EXTRA_WORDS = CELL_SIZE / 4 - CELL.refs;

/** A run of words in shared memory. */
export interface Page {
  readonly ints: Int32Array;
  readonly first: number;
  readonly length: number;
}

/** The `members` words of a cell, and as many more as are needed, in cells chained to it. */
export class ExtraWords {
  readonly #cell: LocalCell;
  readonly #pages: Page[];
  #last: Place;

  constructor(cell: LocalCell) {
    this.#cell = cell;
    this.#pages = [{ ints: cell.ints, first: cell.base + CELL.members, length: BITMAP_WORDS }];
    this.#last = cell;
  }

  /** All of them, those included that others have added. */
  pages(): readonly Page[] {
    const { arena } = participant();
    for (;;) {
      const link = Atomics.load(this.#last.ints, this.#last.base + CELL.extra);
      if (link <= 0 || link > arena.capacity) return this.#pages;
      this.#last = arena.cell(link - 1);
      const { ints, base } = this.#last;
      this.#pages.push({ ints, first: base + CELL.refs, length: EXTRA_WORDS });
    }
  }

  /** Adds a page. They end with the cell; one whose maker dies here, before it is chained, stays unused. */
  grow(): Page {
    const { arena } = participant();
    return arena.exclusively(() => {
      this.pages();
      const { index } = arena.create(KIND.extension, undefined, 0, ({ ints, base }) => {
        ints[base + CELL.aux] = this.#cell.index + 1;
      });
      Atomics.store(this.#last.ints, this.#last.base + CELL.extra, index + 1);
      return this.pages().at(-1)!;
    });
  }
}
