import { InvalidStateError, TimeoutError } from "../errors/index.ts";
import { CELL, errnoOf } from "../memory/index.ts";
import {
  closeCell,
  endIfUnused,
  LocalCell,
  park,
  parking,
  participant,
  segmentPath,
  type WaitRequest,
} from "../parking/index.ts";
import { os } from "../os/index.ts";
import { PendingProducers } from "./pending-producers.ts";
import { Outbox } from "./queue-outbox.ts";
import {
  dropItemFile,
  readItemFile,
  unpackItem,
  writeItemFile,
  type Item,
  type Store,
} from "./queue-item.ts";
import { mapRing } from "./ring-file.ts";
import { IMMEDIATE, RING, SHUT } from "./ring-layout.ts";
import { RingLock } from "./ring-lock.ts";
import { Ring, type Incoming } from "./ring.ts";
import { Waiters } from "./waiters.ts";
import type { Body } from "../sync/index.ts";
import { performance } from "../util/platform.ts";

/** The answer when there will be no item any more. */
export const ENDED: unique symbol = Symbol("ended");
/** An item, that there will be none, or what is wrong with the ring. */
export type Taken = Incoming | typeof ENDED | Error;
/** A thread keeps this part of a ring's capacity before its puts begin to wait for takers. */
const PATIENCE_SHARE = 16;
/** A stopped process may hold a lock this long before a shutdown gives up. */
const LOCK_TIMEOUT_MS = 10_000;

/** One queue as this thread sees it, shared by all of the thread's handles. */
export class QueueCore implements Body {
  readonly cell: LocalCell;
  readonly folder: string;
  readonly ring: Ring;
  readonly outbox: Outbox = new Outbox();
  /** Waiters for items. */
  readonly items: Waiters;
  /** Waiters for room. */
  readonly space: Waiters;
  /** Waiters for the last `taskDone`. */
  readonly done: Waiters;
  readonly sender: RingLock;
  readonly receiver: RingLock;
  readonly pendingProducers: PendingProducers;
  /** Puts wait a moment when this thread keeps more bytes than this. */
  patience: number;
  /** The file system had no room for the file of the front item: only time can tell when it has. */
  #isMemoryShort = false;

  constructor(cell: LocalCell) {
    const { arena, slot, token } = participant();
    this.cell = cell;
    this.folder = segmentPath(arena.folder, cell.index, cell.generation);
    const mapping = mapRing(this.folder);
    // As long as it is mapped the cell is open: see SegmentReaper. The addresses stay taken until nothing can look there.
    cell.beforeEnd = () => os().detach(mapping);
    this.ring = new Ring(mapping, this.folder);
    this.patience = this.ring.capacity / PATIENCE_SHARE;
    const space = extension(cell, cell);
    this.items = new Waiters(cell);
    this.space = new Waiters(space);
    this.done = new Waiters(extension(cell, space));
    const { words } = this.ring;
    this.sender = new RingLock(words, RING.sendLock, this.space);
    this.receiver = new RingLock(words, RING.receiveLock, this.items);
    this.pendingProducers = new PendingProducers(words, slot, token);
  }

  /** A handle was closed. */
  closed(): void {
    endIfUnused(this.cell);
  }

  /** Keeps the queue for a wait that may last longer than its handle; ends with {@link QueueCore.release}. */
  retain(): void {
    this.cell.handles++;
  }

  release(): void {
    closeCell(this.cell);
    endIfUnused(this.cell);
  }

  /** No item is or will be there. */
  get isEnded(): boolean {
    const { flags } = this.ring;
    if ((flags & SHUT) === 0) return false;
    if ((flags & IMMEDIATE) !== 0) return true;
    // In this order: who buffers stores before it is no longer counted.
    return this.outbox.buffered === 0 && !this.pendingProducers.isAny && this.ring.isEmpty;
  }

  /** Items that are there, as far as this thread can know. */
  get size(): number {
    return this.ring.isDropped ? 0 : this.ring.size + this.outbox.buffered;
  }

  /** The text that `console.log` shows, with `more` behind the number of items. */
  describe(...more: string[]): string {
    const { size } = this;
    return [`${size} item${size === 1 ? "" : "s"}`, ...more].join(", ");
  }

  /** Items put whose taker has not said that they are done. */
  get unfinished(): number {
    const { ring } = this;
    const done = Atomics.load(ring.words, RING.done);
    return ((ring.flags & IMMEDIATE) !== 0 ? ring.got - done : ring.put - done) | 0;
  }

  /** Takes the oldest item, if there is one. */
  take(): Taken | undefined {
    if (this.canFlush) this.flush();
    const { ring, receiver } = this;
    if (!ring.mayHaveItem || (ring.flags & IMMEDIATE) !== 0) {
      return this.isEnded ? ENDED : undefined;
    }
    if (!receiver.acquire()) return undefined;
    let item: Incoming | undefined;
    try {
      if ((ring.flags & IMMEDIATE) !== 0) return ENDED;
      item = ring.take();
    } catch (error) {
      return error as Error;
    } finally {
      receiver.release();
    }
    if (item === undefined) return this.isEnded ? ENDED : undefined;
    this.space.signal(1);
    if (this.canFlush) this.flush();
    // Others may wait for the end, which this was.
    if (ring.flags !== 0 && this.isEnded) this.items.signalAll();
    return item;
  }

  /** The value in what was taken. */
  valueOf(taken: Incoming): unknown {
    if (taken.file !== undefined) return unpackItem(readItemFile(this.folder, taken.file));
    try {
      return unpackItem(taken);
    } finally {
      this.ring.recycle(taken);
    }
  }

  /** Stores a short item when nothing of this thread waits before it; the regular way knows what to do if not. */
  readonly store: Store = (bytes, from, to, raw) => {
    const { ring, sender } = this;
    if (!this.outbox.isEmpty || !sender.acquire()) return false;
    let isStored = false;
    try {
      // Under the lock a shutdown is seen: after it returns nothing new is stored.
      isStored = ring.flags === 0 && ring.writeShort(bytes, from, to, raw);
    } finally {
      sender.release();
    }
    if (isStored) this.items.signal(1);
    return isStored;
  };

  /** True when {@link QueueCore.flush} would change something, as far as this thread can see. */
  get canFlush(): boolean {
    const { front } = this.outbox;
    if (front === undefined) return false;
    const { flags } = this.ring;
    if ((flags & IMMEDIATE) !== 0 || (flags !== 0 && front.state === "waiting")) return true;
    if (this.#needsFile(front)) return this.ring.hasRoomForFile(front.length);
    return this.ring.hasRoomFor(front);
  }

  /** Stores what waits in this thread, as far as there is room. */
  flush(): void {
    const { outbox, ring, sender } = this;
    this.#isMemoryShort = false;
    while (!outbox.isEmpty) {
      this.#refuse(ring.flags);
      const { front } = outbox;
      if (front === undefined) break;
      if (this.#needsFile(front) && !this.#writeFile(front)) return;
      if (!sender.acquire()) return;
      let stored = 0;
      let failed: unknown;
      try {
        // Under the lock a shutdown is seen: after it returns nothing new is stored.
        for (let item: Item | undefined = front; item !== undefined; item = outbox.front) {
          const isLate = ring.flags !== 0 && item.state === "waiting";
          if (isLate || this.#needsFile(item) || !ring.write(item)) break;
          outbox.shift(item);
          stored++;
        }
      } catch (error) {
        failed = error;
      } finally {
        sender.release();
      }
      if (failed !== undefined && outbox.front !== undefined) this.#fail(outbox.front, failed);
      if (stored === 0) {
        this.#refuse(ring.flags);
        return;
      }
      this.items.signal(stored);
      this.#noteBuffered();
      // Waits of other tasks of this thread may be over.
      if (this.space.cell.waits > 0) parking().scanSoon();
    }
  }

  /** Keeps an item in this thread, its `put` being over. @returns false when the queue was shut down. */
  buffer(item: Item): boolean {
    if (this.outbox.buffered === 0) this.pendingProducers.enter();
    this.outbox.buffer(item);
    // Whoever shut it down before has perhaps not seen that this thread buffers.
    if (this.ring.flags === 0) return true;
    this.withdraw(item, "refused");
    return false;
  }

  /**
   * After a put has waited a moment: when that was in vain, the next one waits later.
   * @param taken - bytes taken before: it was not in vain if takers get on, and others were luckier.
   */
  adjustPatience(taken: number): void {
    const least = this.ring.capacity / PATIENCE_SHARE;
    const isInVain = !this.outbox.isEmpty && (this.ring.taken - taken) >>> 0 < least;
    this.patience = isInVain ? Math.max(least, this.outbox.bytes * 2) : least;
  }

  /** Takes an item back that is not stored. */
  withdraw(item: Item, state: "withdrawn" | "refused"): void {
    if (item.state !== "waiting" && item.state !== "buffered") return;
    this.outbox.remove(item, state);
    dropItemFile(this.folder, item);
    this.#noteBuffered();
  }

  /** Forgets everything that is buffered here. */
  dropAll(): void {
    for (const item of this.outbox.list()) this.withdraw(item, "withdrawn");
  }

  /**
   * Ends the queue for everybody.
   * @param isImmediate - items that are there are gone too.
   */
  shutdown(isImmediate: boolean): void {
    const { ring, sender, receiver } = this;
    const flags = isImmediate ? SHUT | IMMEDIATE : SHUT;
    holding(sender, () =>
      holding(receiver, () => {
        Atomics.or(ring.words, RING.flags, flags);
      }),
    );
    this.items.signalAll();
    this.space.signalAll();
    this.done.signalAll();
    if (!this.outbox.isEmpty) this.flush();
  }

  /** Waits in the event loop, keeping the queue until the wait is over. */
  async wait<T extends {}>(
    request: WaitRequest<T>,
    options: Parameters<typeof park>[1],
  ): Promise<T | undefined> {
    this.retain();
    try {
      return await park(request, options);
    } finally {
      this.release();
    }
  }

  #needsFile(item: Item): boolean {
    return item.file === undefined && this.ring.isTooLong(item);
  }

  #writeFile(item: Item): boolean {
    if (!this.ring.hasRoomForFile(item.length)) return false;
    const { slot, generation } = participant();
    try {
      writeItemFile(this.folder, item, slot, generation);
    } catch (error) {
      this.#fail(item, error);
      return false;
    }
    return true;
  }

  /** An item could not be stored. One for which memory is missing waits, if waiting can help. */
  #fail(item: Item, error: unknown): void {
    const code = errnoOf(error);
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    if (isFull && (!this.ring.isEmpty || item.state === "buffered")) {
      this.#isMemoryShort = true;
      return;
    }
    // Its put is over: nobody else would hear of it.
    if (item.state === "buffered") throw error;
    item.error = isFull ? noRoom(this.folder, item, error) : error;
    this.withdraw(item, "withdrawn");
  }

  /** True when a retry is of no use before something was taken, or some time has passed. */
  get isMemoryShort(): boolean {
    return this.#isMemoryShort;
  }

  #refuse(flags: number): void {
    if (flags === 0) return;
    const isImmediate = (flags & IMMEDIATE) !== 0;
    let isAny = false;
    for (const item of this.outbox.list()) {
      if (!isImmediate && item.state === "buffered") continue;
      this.withdraw(item, "refused");
      isAny = true;
    }
    if (isAny) parking().scanSoon();
  }

  /** Tells those who wait for the end when this thread buffers no more. */
  #noteBuffered(): void {
    if (this.outbox.buffered > 0 || !this.pendingProducers.leave()) return;
    // Tasks may wait for this.
    parking().scanSoon();
    if (this.ring.flags !== 0) this.items.signalAll();
  }
}

function noRoom(folder: string, { length }: Item, cause: unknown): InvalidStateError {
  return new InvalidStateError(
    `There is no room for an item of ${length} bytes in ${folder}: the file system in memory is full. Give it more room (in a container: --shm-size), or send smaller items.`,
    { cause },
  );
}

function holding(lock: RingLock, body: () => void): void {
  const limit = performance.now() + LOCK_TIMEOUT_MS;
  while (!lock.acquire()) {
    if (performance.now() < limit) continue;
    throw new TimeoutError(
      `The queue was locked by another process for ${LOCK_TIMEOUT_MS / 1000} s. Is a program that uses it stopped (Ctrl-Z, a debugger)? Let it go on or end it.`,
    );
  }
  try {
    body();
  } finally {
    lock.release();
  }
}

/** The cell that follows another one; waits on it are noted as waits on the queue. */
function extension(main: LocalCell, before: LocalCell): LocalCell {
  const index = Atomics.load(before.ints, before.base + CELL.extra) - 1;
  return new LocalCell(main.index, main.generation, participant().arena.cell(index));
}

const cores = new WeakMap<LocalCell, QueueCore>();

/** The core of a queue whose cell this thread has open. */
export function coreOf(cell: LocalCell): QueueCore {
  let core = cores.get(cell);
  if (core === undefined) {
    core = new QueueCore(cell);
    cores.set(cell, core);
  }
  return core;
}
