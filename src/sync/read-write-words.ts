import { CELL, RW_WRITING } from "../memory/index.ts";
import {
  hasWaiters,
  parking,
  wake,
  type Context,
  type LocalCell,
  type WaitRequest,
} from "../parking/index.ts";
import { describeOwner } from "./describe.ts";
import { Guard } from "./guard.ts";
import { Ownership } from "./ownership.ts";
import { Readers, type Reading } from "./readers.ts";
import type { Body } from "./sync-object.ts";

/** The words of an RWLock: one writer, or any number of readers. */
export class ReadWriteWords implements Body {
  readonly cell: LocalCell;
  readonly writer: Ownership;
  readonly readers: Readers;

  constructor(cell: LocalCell) {
    this.cell = cell;
    this.writer = new Ownership(cell);
    this.readers = new Readers(cell);
  }

  get isWriting(): boolean {
    return this.writer.owner !== 0 && this.#isMarked;
  }

  /** Whether somebody has begun to write and has not come to the end of it. */
  get #isMarked(): boolean {
    return Atomics.load(this.cell.ints, this.cell.base + CELL.aux) === RW_WRITING;
  }

  /** Who keeps others out: `3 read it`, `Process-1 (pid 7) has it`. */
  get users(): string {
    const { writer, readers } = this;
    return writer.owner === 0 ? `${readers.count} read it` : `${describeOwner(writer)} has it`;
  }

  readGuard(reading: Reading): Guard {
    return new Guard(() => this.readers.release(reading), this.#isMarked);
  }

  /** The guard of a writer that is alone. */
  writeGuard(): Guard {
    const { ints, base } = this.cell;
    const isAbandoned = this.#isMarked;
    Atomics.store(ints, base + CELL.aux, RW_WRITING);
    return new Guard(() => {
      Atomics.store(ints, base + CELL.aux, 0);
      this.releaseWriter();
    }, isAbandoned);
  }

  /** Lets readers and writers in: all are rung, for nobody knows which of them sleep. */
  releaseWriter(): void {
    this.writer.release();
    this.#wakeAll();
  }

  /** The request to be the one writer; readers that are there still may go on. */
  writerRequest(context: Context | undefined): WaitRequest<true> {
    const { cell } = this;
    const request = this.writer.request(context, () => cell.writers);
    // The thread's other waits may be readers, who cannot take what is handed over to a writer.
    let isCounted = false;
    const uncount = (): void => {
      if (isCounted) cell.writers--;
      isCounted = false;
    };
    const leave = (): void => {
      uncount();
      request.leave?.();
      if (this.writer.owner === 0) this.#wakeAll();
    };
    return {
      ...request,
      attempt: () => {
        const isTaken = request.attempt();
        if (isTaken) uncount();
        return isTaken;
      },
      arm: () => {
        if (!isCounted) cell.writers++;
        isCounted = true;
        return request.arm();
      },
      leave,
      suspend: leave,
    };
  }

  #wakeAll(): void {
    if (hasWaiters(this.cell)) wake(this.cell, parking(), Infinity);
  }
}
