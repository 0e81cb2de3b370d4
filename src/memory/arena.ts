import { closeSync, fstatSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { InvalidStateError, NotSupportedError } from "../errors/index.ts";
import { os } from "../os/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import { ArenaLock } from "./arena-lock.ts";
import { checkHeader, checkSize, openArenaFile, openComplete, openPresent } from "./arena-file.ts";
import {
  ARENA_FILE,
  ARENA_SIZE,
  BANK_CELLS,
  BANK_SIZE,
  BUCKET_COUNT,
  CELL,
  CELL_SIZE,
  FIRST_BANK_OFFSET,
  HEADER,
  HEADER_SIZE,
  MAX_BANKS,
  NAME_SIZE,
  SLOT,
  SLOT_SIZE,
} from "./layout.ts";
import { hashName, openNamespace } from "./namespace.ts";
import { errnoOf, explainFileError, onSharedFile } from "./shared-file.ts";

/** Words of memory that several processes see, and the same bytes as numbers of 64 bits. */
export interface Words {
  readonly ints: Int32Array;
  readonly floats: Float64Array;
  readonly bytes: Uint8Array;
}

/** Where something begins in its words. */
export interface Place extends Words {
  /** Index of its first word of 32 bits. */
  readonly base: number;
}

/** A cell and what it must be to be the one that was meant. */
export interface CellId {
  readonly index: number;
  readonly generation: number;
}

const ENTRY_WORDS = CELL_SIZE / 4;

function wordsOf(buffer: ArrayBuffer): Words {
  return {
    ints: new Int32Array(buffer),
    floats: new Float64Array(buffer),
    bytes: new Uint8Array(buffer),
  };
}

/** The memory of a namespace: its participants and its objects. One for each JS thread; see README.md. */
export class Arena {
  readonly folder: string;
  readonly header: Int32Array;
  readonly #lock: ArenaLock;
  readonly #words: Words;
  readonly #banks: (Words | undefined)[] = [];
  readonly #inode: number;
  #depth = 0;

  /** Opens, or makes, the arena of this process's namespace. */
  constructor(folder: string = openNamespace()) {
    this.folder = folder;
    const mapped = openArenaFile(folder);
    const path = join(folder, ARENA_FILE);
    try {
      checkSize(mapped, ARENA_SIZE, path);
      this.#words = wordsOf(onSharedFile(path, () => os().map(mapped, ARENA_SIZE).buffer));
      this.header = this.#words.ints;
      checkHeader(this.header, path);
      this.#inode = fstatSync(mapped).ino;
      this.#lock = new ArenaLock(path, this.#inode, this.header);
    } finally {
      closeSync(mapped);
    }
  }

  /** Where a participant's slot is. */
  slot(index: number): Place {
    return { ...this.#words, base: (HEADER_SIZE + index * SLOT_SIZE) / 4 };
  }

  /** The word of a slot that says whose it is. */
  slotWord(index: number): number {
    return Atomics.load(this.header, (HEADER_SIZE + index * SLOT_SIZE) / 4 + SLOT.word);
  }

  /** Where a cell is; the index must be below {@link Arena.capacity}. */
  cell(index: number): Place {
    const bank = Math.floor(index / BANK_CELLS);
    const within = (index % BANK_CELLS) * ENTRY_WORDS;
    if (bank === 0) return { ...this.#words, base: FIRST_BANK_OFFSET / 4 + within };
    return { ...this.#bank(bank), base: within };
  }

  /** Cells that exist. */
  get capacity(): number {
    const banks = Atomics.load(this.header, HEADER.banks);
    return Math.min(Math.max(banks, 1), MAX_BANKS) * BANK_CELLS;
  }

  /** No cell at or above this index was ever used. */
  get cellsUsed(): number {
    return Math.min(Math.max(Atomics.load(this.header, HEADER.cellsUsed), 0), this.capacity);
  }

  /** The words that say what a cell is; undefined when it is not the one that is meant any more. */
  head(index: number): {
    readonly kind: number;
    readonly flags: number;
    readonly generation: number;
  } {
    const { ints, base } = this.cell(index);
    const head = Atomics.load(ints, base + CELL.head);
    return { kind: head & 0xff, flags: (head >>> 8) & 0xff, generation: head >>> 16 };
  }

  /**
   * Runs `body` while no other thread of any process changes who participates and which cells exist.
   *
   * What the lock protects is written so that stopping anywhere leaves it usable.
   * @param patience - as {@link ArenaLock.acquire}.
   * @throws TimeoutError when a stopped process holds it for longer than that.
   */
  exclusively<T>(body: () => T, patience?: number): T {
    if (this.#depth === 0) this.#lock.acquire(patience);
    this.#depth++;
    try {
      return body();
    } finally {
      this.#depth--;
      if (this.#depth === 0) this.#lock.release();
    }
  }

  /**
   * Finds a named cell of any kind. Call it exclusively.
   * @returns its index, or -1.
   */
  find(name: Uint8Array): number {
    const hash = hashName(name);
    const limit = this.capacity;
    let link = Atomics.load(this.header, this.#bucket(hash));
    // A chain can be no longer than there are cells; a damaged one must not hold us for ever.
    for (let steps = 0; link > 0 && link <= limit && steps < limit; steps++) {
      const { ints, bytes, base } = this.cell(link - 1);
      if (Atomics.load(ints, base + CELL.hash) === hash && sameName(ints, bytes, base, name)) {
        return link - 1;
      }
      link = Atomics.load(ints, base + CELL.next);
    }
    return -1;
  }

  /**
   * Makes a cell. Call it exclusively.
   *
   * A cell exists once its head is written; before that a crash leaves it free.
   * @param fill - writes the state words; everything else of the cell is 0.
   */
  create(
    kind: number,
    name: Uint8Array | undefined,
    flags: number,
    fill: (place: Place) => void,
  ): CellId {
    const index = this.#freeCell();
    const place = this.cell(index);
    const { ints, bytes, base } = place;
    const generation = (Atomics.load(ints, base) >>> 16) & 0xffff;
    ints.fill(0, base + 1, base + ENTRY_WORDS);
    if (name !== undefined) {
      ints[base + CELL.hash] = hashName(name);
      ints[base + CELL.nameLength] = name.length;
      bytes.set(name, (base + CELL.name) * 4);
    }
    fill(place);
    faultPoint("cell:filled");
    Atomics.store(ints, base, kind | (flags << 8) | (generation << 16));
    faultPoint("cell:made");
    if (name !== undefined) {
      const bucket = this.#bucket(ints[base + CELL.hash]!);
      Atomics.store(ints, base + CELL.next, Atomics.load(this.header, bucket));
      Atomics.store(this.header, bucket, index + 1);
    }
    return { index, generation };
  }

  /** Ends a cell: its name is free again and handles of it are stale. Call it exclusively. */
  free(index: number): void {
    const { ints, base } = this.cell(index);
    const head = Atomics.load(ints, base);
    if ((head & 0xff) === 0) return;
    if (Atomics.load(ints, base + CELL.hash) !== 0) this.#unchain(index);
    faultPoint("cell:unchained");
    Atomics.store(ints, base, ((head >>> 16) + 1) << 16);
  }

  /** Gives a cell that has no name one that is free. Call it exclusively. */
  link(index: number, name: Uint8Array): void {
    const { ints, bytes, base } = this.cell(index);
    const hash = hashName(name);
    const bucket = this.#bucket(hash);
    bytes.set(name, (base + CELL.name) * 4);
    Atomics.store(ints, base + CELL.nameLength, name.length);
    Atomics.store(ints, base + CELL.hash, hash);
    Atomics.store(ints, base + CELL.next, Atomics.load(this.header, bucket));
    Atomics.store(this.header, bucket, index + 1);
  }

  /**
   * Makes the name of a cell free for others; those who have the cell keep it. Call it exclusively.
   *
   * The cell still says what it was called, for those who look on.
   * @returns false when it has no name that others could find.
   */
  unlink(index: number): boolean {
    const { ints, base } = this.cell(index);
    if (Atomics.load(ints, base + CELL.hash) === 0) return false;
    this.#unchain(index);
    Atomics.store(ints, base + CELL.hash, 0);
    return true;
  }

  /** Whether others can find a cell by its name. */
  isLinked(index: number): boolean {
    const { ints, base } = this.cell(index);
    return Atomics.load(ints, base + CELL.hash) !== 0;
  }

  /** Sets or clears flags of a cell. Call it exclusively. */
  setFlags(index: number, flags: number, isSet: boolean): void {
    const { ints, base } = this.cell(index);
    if (isSet) Atomics.or(ints, base + CELL.head, flags << 8);
    else Atomics.and(ints, base + CELL.head, ~(flags << 8));
  }

  /** The name of a cell; undefined when it has none. */
  nameOf(index: number): string | undefined {
    const { ints, bytes, base } = this.cell(index);
    const length = Math.min(Atomics.load(ints, base + CELL.nameLength), NAME_SIZE);
    if (length <= 0) return undefined;
    const start = (base + CELL.name) * 4;
    return new TextDecoder().decode(bytes.slice(start, start + length));
  }

  /**
   * Whether the file is still the one that others open: tools that tidy up can remove an arena in use,
   * and then new programs would not meet the old ones.
   */
  get isInPlace(): boolean {
    try {
      return statSync(join(this.folder, ARENA_FILE)).ino === this.#inode;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw explainFileError(error, this.folder);
      return false;
    }
  }

  /** @throws InvalidStateError unless {@link Arena.isInPlace}. */
  checkInPlace(): void {
    if (this.isInPlace) return;
    throw new InvalidStateError(
      `${join(this.folder, ARENA_FILE)} was removed or replaced while this program used it: it no longer shares objects with programs that start now. Restart it, and keep tools that tidy up away from that folder.`,
    );
  }

  #bucket(hash: number): number {
    return HEADER.buckets + ((hash >>> 0) % BUCKET_COUNT);
  }

  #unchain(index: number): void {
    const { ints, base } = this.cell(index);
    const next = Atomics.load(ints, base + CELL.next);
    let holder: Int32Array = this.header;
    let word = this.#bucket(Atomics.load(ints, base + CELL.hash));
    const limit = this.capacity;
    for (let steps = 0; steps < limit; steps++) {
      const link = Atomics.load(holder, word);
      if (link === index + 1) {
        Atomics.store(holder, word, next);
        return;
      }
      if (link <= 0 || link > limit) return;
      const place = this.cell(link - 1);
      holder = place.ints;
      word = place.base + CELL.next;
    }
  }

  #freeCell(): number {
    const capacity = this.capacity;
    const start = Math.max(0, Atomics.load(this.header, HEADER.nextCell)) % capacity;
    for (let step = 0; step < capacity; step++) {
      const index = (start + step) % capacity;
      if (this.head(index).kind !== 0) continue;
      Atomics.store(this.header, HEADER.nextCell, index + 1);
      if (index >= this.cellsUsed) Atomics.store(this.header, HEADER.cellsUsed, index + 1);
      return index;
    }
    this.#grow();
    return this.#freeCell();
  }

  #grow(): void {
    const bank = Atomics.load(this.header, HEADER.banks);
    if (bank >= MAX_BANKS) {
      throw new InvalidStateError(
        `The namespace ${this.folder} is full: it has ${MAX_BANKS * BANK_CELLS} shared objects. Close those that are not needed, or spread programs over namespaces with MANYCORE_NAMESPACE.`,
      );
    }
    const path = this.#bankPath(bank);
    // Left by someone who died before the next line but one.
    onSharedFile(path, () => rmSync(path, { force: true }));
    this.#banks[bank] = this.#mapBank(openComplete(path, BANK_SIZE), path);
    faultPoint("bank:made");
    Atomics.store(this.header, HEADER.nextCell, bank * BANK_CELLS);
    Atomics.store(this.header, HEADER.banks, bank + 1);
  }

  #bank(bank: number): Words {
    let words = this.#banks[bank];
    if (words === undefined) {
      const path = this.#bankPath(bank);
      const fd = openPresent(path);
      if (fd === undefined) {
        throw new NotSupportedError(
          `${path} is missing: the namespace was removed in part. Remove the rest.`,
        );
      }
      words = this.#mapBank(fd, path);
      this.#banks[bank] = words;
    }
    return words;
  }

  #mapBank(fd: number, path: string): Words {
    try {
      checkSize(fd, BANK_SIZE, path);
      return wordsOf(onSharedFile(path, () => os().map(fd, BANK_SIZE).buffer));
    } finally {
      closeSync(fd);
    }
  }

  #bankPath(bank: number): string {
    return join(this.folder, `${ARENA_FILE}.${bank}`);
  }
}

function sameName(ints: Int32Array, bytes: Uint8Array, base: number, name: Uint8Array): boolean {
  if (Atomics.load(ints, base + CELL.nameLength) !== name.length) return false;
  const start = (base + CELL.name) * 4;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}
